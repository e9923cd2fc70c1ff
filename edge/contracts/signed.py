"""Reads the household's signed contract and its offer from `contract.json`."""

from contextlib import suppress
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.identity.enrolment import load_former, load_record
from edge.identity.keys import has_keys, load_keys
from edge.vault.signer import FormerDevice
from protocol.contract import Contract, Offer, Signed, open_document, open_offer
from protocol.envelope import decode_body
from protocol.errors import ConfigError, DocumentRefused, MessageRefused
from protocol.json_text import read_json
from system.files import read_document

CONTRACT = "contract.json"
# Only beside an older contract: contract and offer used to be separate files.
OFFER = "offer.json"


class SignedAgreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A contract and the offer that it accepts, in one file so that no power cut separates them."""

    offer: Signed
    contract: Signed


def load_contract(directory: Path) -> tuple[Offer, Contract] | None:
    """Read and verify the household's offer and contract; None if it has no contract.

    Raises:
        ConfigError: one of the files is damaged, or they do not belong together.
    """
    signed = read_agreement(directory)
    if signed is None:
        return None
    try:
        return open_offer(signed.offer), open_contract(directory, signed.contract)
    except DocumentRefused as exc:
        raise ConfigError(f"{directory / CONTRACT}: {exc}") from exc


def read_agreement(directory: Path) -> SignedAgreement | None:
    """Read contract and offer in their signed form; None if there is no contract.

    Raises:
        ConfigError: a file is missing or damaged, or the contract accepts another offer.
    """
    path = directory / CONTRACT
    if not path.exists():
        return None
    next_step = "put it back from a copy, or make a new request."
    data = read_document(path, next_step)
    try:
        agreement = read_json(data, SignedAgreement)
    except msgspec.MsgspecError:
        contract = _read_contract(path, data)
        agreement = SignedAgreement(read_signed(directory / OFFER, next_step), contract)
    try:
        is_whole = decode_body(agreement.contract.body, Contract).offer == agreement.offer.hash
    except MessageRefused as exc:
        raise ConfigError(f"{path} is damaged: {exc.detail}; {next_step}") from exc
    if not is_whole:
        raise ConfigError(
            f"{path} is not the contract of the offer that is kept; put the one that it takes in "
            "offer.json's place, from a copy or from your provider."
        )
    return agreement


def open_contract(directory: Path, signed: Signed) -> Contract:
    """Verify a contract that the household signed on this chip or on a former one.

    An enrolled chip without its keys at hand, such as one whose keys only its unit gets, is known
    by its enrolment; the contract's sealing key is not compared then.

    Raises:
        DocumentRefused: no chip of the household signed it, or it names another household's keys.
        ConfigError: a key is missing.
    """
    former = load_former(directory)
    record = None if has_keys(directory) else load_record(directory)
    if record is not None:
        contract = _open_signed(signed, former, record.signing_key)
        is_own = contract.household_key == record.household_key
    else:
        keys = load_keys(directory)
        contract = _open_signed(signed, former, keys.signing_public)
        own = keys.household.id, keys.household.sealing.public_bytes
        is_own = (contract.household_key, contract.sealing_key) == own
    if not is_own:
        raise DocumentRefused("The contract names other keys than this household's.")
    return contract


def _open_signed(
    signed: Signed, former: tuple[FormerDevice, ...], signing_public: bytes
) -> Contract:
    for chip in former:
        with suppress(DocumentRefused):
            key = Ed25519PublicKey.from_public_bytes(chip.signing_key)
            return open_document(signed, key, Contract)
    return open_document(signed, Ed25519PublicKey.from_public_bytes(signing_public), Contract)


def read_signed(path: Path, next_step: str) -> Signed:
    """Read a signed document from JSON, without checking its signature.

    Raises:
        ConfigError: the file is missing or is not a signed document.
    """
    data = read_document(path, next_step)
    try:
        return read_json(data, Signed)
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path} is not a signed document ({exc}); {next_step}") from exc


def _read_contract(path: Path, data: bytes) -> Signed:
    try:
        return read_json(data, Signed)
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path} is no contract: {exc}.") from exc
