"""The energy provider's side: its key, its offers, its requests for statements.

A provider never sees a reading, and not the amount either: it sees that a statement was computed
from encrypted values, and that the household's chip has it.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from cloud.billing.requests import ask_again, ask_for
from cloud.billing.statements import prepare
from cloud.catalogue.log import listed_in
from cloud.store import StatementOrder, Store, StoredContract
from protocol.contract import Acceptance, Offer, Signed, StatementRequest, sign_document
from protocol.errors import CipherError, ConfigError, DocumentRefused
from protocol.hpke import SealingKey
from protocol.schedule import ScheduleMissing
from protocol.tariff import Tariff, parse_tariff
from system.files import draw_secret, make_private_dir, read_document, read_secret
from system.shell import quoted

DEFAULT_DIRECTORY = Path("/var/lib/volet-provider")
KEY = "provider.key"
SEALING_KEY = "sealing.key"


def draw_key(directory: Path) -> bool:
    """Draw the provider's signing key unless one is there; say whether it was drawn."""
    make_private_dir(directory)
    draw_secret(directory / SEALING_KEY, SealingKey.generate().to_bytes())
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return draw_secret(directory / KEY, pem)


def load_key(directory: Path) -> Ed25519PrivateKey:
    """Read the provider's signing key.

    Raises:
        ConfigError: missing, open to others, or no Ed25519 key.
    """
    path = directory / KEY
    pem = read_secret(path, f"draw it with `volet provider init --dir {quoted(directory)}`.")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise ConfigError(f"{path} holds no private key in PEM.") from exc
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path} is no Ed25519 key.")
    return key


def load_sealing_key(directory: Path) -> SealingKey:
    """Read the key that opens what households seal to the provider.

    Raises:
        ConfigError: missing, open to others, or no such key.
    """
    path = directory / SEALING_KEY
    data = read_secret(path, f"draw it with `volet provider init --dir {quoted(directory)}`.")
    try:
        return SealingKey.from_bytes(data)
    except CipherError as exc:
        raise ConfigError(f"{path}: {exc}.") from exc


def read_tariffs(paths: Sequence[Path]) -> tuple[Tariff, ...]:
    """Read and check tariff files.

    Raises:
        ConfigError: a file is missing.
        DocumentRefused: names file, line and rule.
    """
    return tuple(
        parse_tariff(read_document(path, "name a tariff as JSON."), str(path)) for path in paths
    )


def make_offer(
    tariffs: Sequence[Tariff], key: Ed25519PrivateKey, sealing_key: SealingKey
) -> Signed:
    """Sign an offer of these tariffs; receipts are to be sealed to `sealing_key`.

    Raises:
        DocumentRefused: there is none, or they are not of one provider.
    """
    providers = {tariff.provider for tariff in tariffs}
    if len(providers) != 1:
        raise DocumentRefused("An offer needs at least one tariff, all of one provider.")
    public = key.public_key().public_bytes_raw()
    names = {tariff.name for tariff in tariffs}
    product = names.pop() if len(names) == 1 else min(names)
    offer = Offer(providers.pop(), public, sealing_key.public_bytes, product, tuple(tariffs))
    return sign_document(offer, key)


def accept(store: Store, key: Ed25519PrivateKey, contract_hash: bytes) -> None:
    """Accept a contract that a household has signed; without it no statement is computed.

    Raises:
        DocumentRefused: no such contract under this provider's key.
    """
    if not any(contract.hash == contract_hash for contract in own_contracts(store, key)):
        raise DocumentRefused(f"No contract {contract_hash.hex()[:16]}… is registered here.")
    store.accept(contract_hash, sign_document(Acceptance(contract_hash), key))


def own_contracts(store: Store, key: Ed25519PrivateKey) -> list[StoredContract]:
    """Return the contracts under this provider's key."""
    public = key.public_key().public_bytes_raw()
    return [contract for contract in store.contracts() if contract.provider_key == public]


def request_statement(
    store: Store,
    key: Ed25519PrivateKey,
    contract_hash: bytes,
    start: date,
    end: date,
    *,
    without_missing: bool = False,
) -> bytes:
    """Ask for the statement of a contract over the days [start, end); returns the request's id.

    Days that earlier statements left out are billed late once they are stored; with
    `without_missing` those that are not stored yet are left out of this one.

    Raises:
        DocumentRefused: no such contract of this provider, or a period it does not cover.
    """
    contract = _own_contract(store, key, contract_hash)
    request = ask_for(store, contract, start, end, without_missing=without_missing)
    return _put(store, key, contract, request)


def request_correction(store: Store, key: Ed25519PrivateKey, corrects: bytes) -> bytes:
    """Ask for a statement that replaces an earlier one; returns the request's id.

    Raises:
        DocumentRefused: no such statement of this provider, or it cannot be corrected.
    """
    stored = store.request(corrects)
    if stored is None:
        raise DocumentRefused(f"No request {corrects.hex()} is known.")
    contract = _own_contract(store, key, stored.order.contract)
    return _put(store, key, contract, ask_again(store, contract, corrects))


def _own_contract(store: Store, key: Ed25519PrivateKey, contract_hash: bytes) -> StoredContract:
    contract = next((c for c in own_contracts(store, key) if c.hash == contract_hash), None)
    if contract is None:
        raise DocumentRefused(
            f"No contract {contract_hash.hex()[:16]}… is registered under this key; "
            "`volet provider contracts` lists them."
        )
    return contract


def _put(
    store: Store, key: Ed25519PrivateKey, contract: StoredContract, request: StatementRequest
) -> bytes:
    signed = msgspec.msgpack.encode(sign_document(request, key))
    with suppress(ScheduleMissing):  # it waits for the calendar or series
        prepare(signed, contract, listed_in(store))
    order = StatementOrder(request.id, contract.hash, contract.household_key, signed)
    store.put_request(order, datetime.now(UTC))
    return request.id
