"""An energy provider's keys, offers and requests for statements.

A provider sees neither readings nor amounts. It sees that a statement was computed from encrypted
values and that the household's chip has it.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.calendar import day_number
from protocol.contract import (
    Acceptance,
    Offer,
    Signed,
    StatementRequest,
    check_covered,
    sign_document,
)
from protocol.envelope import decode_body
from protocol.errors import CipherError, ConfigError, DocumentRefused, MessageRefused
from protocol.hpke import SealingKey
from protocol.messages import STATEMENT_ID_BYTES
from protocol.provider_api import ContractItem, Draft, Drafting, bytes_of
from protocol.tariff import Tariff, parse_tariff
from provider.backend import ProviderBackend
from system.files import draw_secret, make_private_dir, read_document, read_secret
from system.private_keys import new_ed25519_key, read_ed25519_key
from system.shell import quoted

DEFAULT_DIRECTORY = Path("/var/lib/volet-provider")
KEY = "provider.key"
SEALING_KEY = "sealing.key"
ANOTHER_DRAFT = "A draft asks for other than you did; nothing was signed."


def draw_key(directory: Path) -> bool:
    """Generate the keys that the provider does not have; return whether the signing key is new."""
    make_private_dir(directory)
    draw_secret(directory / SEALING_KEY, SealingKey.generate().to_bytes())
    return draw_secret(directory / KEY, new_ed25519_key())


def load_key(directory: Path) -> Ed25519PrivateKey:
    """Read the provider's signing key.

    Raises:
        ConfigError: it is missing, readable by others, or no Ed25519 key.
    """
    path = directory / KEY
    pem = read_secret(path, f"draw it with `volet provider init --dir {quoted(directory)}`.")
    return read_ed25519_key(pem, path)


def load_sealing_key(directory: Path) -> SealingKey:
    """Read the key that opens the receipts sealed to the provider.

    Raises:
        ConfigError: it is missing, readable by others, or no such key.
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
        DocumentRefused: a tariff is wrong; the message names file, line and rule.
    """
    return tuple(
        parse_tariff(read_document(path, "name a tariff as JSON."), str(path)) for path in paths
    )


def make_offer(
    tariffs: Sequence[Tariff], key: Ed25519PrivateKey, sealing_key: SealingKey
) -> Signed:
    """Sign an offer of these tariffs, with `sealing_key` as the key to seal receipts to.

    Raises:
        DocumentRefused: there is no tariff, or they are of several providers.
    """
    providers = {tariff.provider for tariff in tariffs}
    if len(providers) != 1:
        raise DocumentRefused("An offer needs at least one tariff, all of one provider.")
    public = key.public_key().public_bytes_raw()
    names = {tariff.name for tariff in tariffs}
    product = names.pop() if len(names) == 1 else min(names)
    offer = Offer(providers.pop(), public, sealing_key.public_bytes, product, tuple(tariffs))
    return sign_document(offer, key)


def accept(backend: ProviderBackend, key: Ed25519PrivateKey, contract: bytes) -> None:
    """Accept a contract that a household has signed; no statement is computed before.

    Raises:
        DocumentRefused: there is no such contract under this provider's key.
    """
    backend.accept(contract.hex(), sign_document(Acceptance(contract), key))


def request_statement(
    backend: ProviderBackend, key: Ed25519PrivateKey, contract: ContractItem, drafting: Drafting
) -> bytes:
    """Request the statement of a contract over the days of `drafting`; return the request's id.

    Days that earlier statements left out are billed late once they are stored. With
    `without_missing`, days that are not stored yet are left out of this statement.

    Raises:
        DocumentRefused: the contract or its offer does not cover the period.
    """
    start, end = drafting.start, drafting.end
    check_covered(bytes.fromhex(contract.contract), contract.start, contract.end, start, end)
    request = read_draft(backend.draft(contract.contract, drafting), drafting)
    if (request.start, request.end) != (day_number(start), day_number(end)):
        raise DocumentRefused(ANOTHER_DRAFT)
    return _submit(backend, key, request)


def request_correction(backend: ProviderBackend, key: Ed25519PrivateKey, corrects: bytes) -> bytes:
    """Request a statement that replaces an earlier one; return the request's id.

    Raises:
        DocumentRefused: this provider has no such statement, or it cannot be corrected.
    """
    earlier = backend.statement(corrects.hex())
    draft = backend.correction(corrects.hex())
    drafting = Drafting(earlier.start, earlier.end)
    request = read_draft(draft, drafting, corrects=corrects)
    if request.contract.hex() != earlier.contract:
        raise DocumentRefused(ANOTHER_DRAFT)
    return _submit(backend, key, request)


def sign_batch(
    key: Ed25519PrivateKey, name: str, drafting: Drafting, drafts: Iterable[Draft]
) -> Iterator[Signed]:
    """Check drafts against `drafting`, and sign them with ids that are derived from the name.

    Raises:
        DocumentRefused: a draft contains no request, or one that was not asked for.
    """
    for draft in drafts:
        request = read_draft(draft, drafting)
        seed = msgspec.msgpack.encode(("volet batch", name, request.contract))
        request_id = sha256(seed).digest()[:STATEMENT_ID_BYTES]
        yield sign_document(msgspec.structs.replace(request, id=request_id), key)


def read_draft(draft: Draft, drafting: Drafting, corrects: bytes | None = None) -> StatementRequest:
    """Read a draft, the collectivity's unsigned request, and check that it is as asked for.

    Raises:
        DocumentRefused: the draft contains no request, but a reason, or it contains another one.
    """
    if not draft.body:
        raise DocumentRefused(draft.detail)
    try:
        request = decode_body(bytes_of(draft.body), StatementRequest)
    except MessageRefused as exc:
        raise DocumentRefused(f"A draft is no request: {exc.detail}.") from exc
    if (
        request.contract.hex() != draft.contract
        or request.start < day_number(drafting.start)
        or request.end > day_number(drafting.end)
        or request.corrects != corrects
    ):
        raise DocumentRefused(ANOTHER_DRAFT)
    return request


def _submit(backend: ProviderBackend, key: Ed25519PrivateKey, request: StatementRequest) -> bytes:
    """Sign a request with an id of the provider's own and submit it; return the id."""
    own = msgspec.structs.replace(request, id=secrets.token_bytes(STATEMENT_ID_BYTES))
    backend.request_statement(sign_document(own, key))
    return own.id
