"""The energy provider's side: its key, its offers, its requests for statements.

A provider never sees a reading, and not the amount either: it sees that a statement was computed
from encrypted values, and that the household's chip has it.
"""

import secrets
from collections.abc import Sequence
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

from cloud.catalogue import listed_in
from cloud.statements import blocks_of, missing_days, prepare
from cloud.store import RequestState, StatementOrder, Store, StoredContract
from protocol.calendar import day_number, day_of_number
from protocol.contract import Acceptance, Offer, Signed, StatementRequest, sign_document
from protocol.envelope import decode_body
from protocol.errors import CipherError, ConfigError, DocumentRefused
from protocol.hpke import SealingKey
from protocol.messages import STATEMENT_ID_BYTES
from protocol.tariff import Tariff, parse_tariff
from system.files import draw_secret, make_private_dir, read_document, read_secret

KEY = "provider.key"
SEALING_KEY = "sealing.key"


class Progress(msgspec.Struct, frozen=True):
    """How far a request has come, as a provider may know it.

    `missing_days` of the period are not stored yet; `values` encrypted values of 8 bytes each were
    computed; nobody but the household's chip can open them.
    """

    id: str
    contract: str
    start: date
    end: date
    state: RequestState
    missing_days: int
    values: int
    detail: str


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
    pem = read_secret(path, f"draw it with `volet provider init --dir {directory}`.")
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
    data = read_secret(path, f"draw it with `volet provider init --dir {directory}`.")
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
    store: Store, key: Ed25519PrivateKey, contract_hash: bytes, start: date, end: date
) -> bytes:
    """Ask for the statement of a contract over the days [start, end); returns the request's id.

    Raises:
        DocumentRefused: no such contract of this provider, or a period it does not cover.
    """
    contract = next((c for c in own_contracts(store, key) if c.hash == contract_hash), None)
    if contract is None:
        raise DocumentRefused(
            f"No contract {contract_hash.hex()[:16]}… is registered under this key; "
            "`volet provider contracts` lists them."
        )
    request_id = secrets.token_bytes(STATEMENT_ID_BYTES)
    request = StatementRequest(
        request_id, contract_hash, contract.offer.hash, day_number(start), day_number(end)
    )
    signed = msgspec.msgpack.encode(sign_document(request, key))
    prepare(signed, contract, listed_in(store))
    order = StatementOrder(request_id, contract_hash, contract.household_key, signed)
    store.put_request(order, datetime.now(UTC))
    return request_id


def progress(store: Store, request_id: bytes) -> Progress:
    """Say how far a request has come.

    Raises:
        DocumentRefused: there is no such request.
    """
    stored = store.request(request_id)
    contract = store.contract(stored.order.contract) if stored else None
    if stored is None or contract is None:
        raise DocumentRefused(f"No request {request_id.hex()} is known.")
    signed = msgspec.msgpack.decode(stored.order.request, type=Signed)
    request = decode_body(signed.body, StatementRequest)
    missing, values = 0, 0
    if stored.state is RequestState.PENDING:
        days = request.days
        missing = len(missing_days(blocks_of(store, contract.household_key, days), days))
    elif stored.statement is not None:
        values = prepare(stored.order.request, contract, listed_in(store)).plan.values
    return Progress(
        request_id.hex(),
        contract.hash.hex(),
        day_of_number(request.start),
        day_of_number(request.end),
        stored.state,
        missing,
        values,
        stored.detail,
    )
