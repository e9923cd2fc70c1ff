"""Enrols a chip: draws its keys, makes its request, and checks and installs the answer."""

import secrets
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from edge.contracts.answered import check_answer, take_contracts
from edge.contracts.meter import meter_hash
from edge.contracts.recognizing import check_is_answer
from edge.contracts.requests import forget_answered, keep_request
from edge.contracts.sequence import check_follows
from edge.contracts.signed import SignedAgreement, read_signed
from edge.identity.enrolment import (
    AUTHORITY,
    CERTIFICATE,
    authority_of,
    check_enrolment,
    check_published,
    check_same_authority,
)
from edge.identity.keys import METER_SALT, SALT_BYTES, SIGNING_KEY, TLS_KEY, Keys, load_keys
from edge.stage import CONFIG_NAME, ENROLMENT, HOUSEHOLD_KEY, IMPORTING, REQUEST
from edge.tic.repeater.choice import FILE_NAME as REPEATER
from protocol.contract import Consent, Contract, Signed, open_document, open_offer, sign_document
from protocol.enrolment import Enrolment, EnrolmentRecord, EnrolmentRequest
from protocol.envelope import decode_body
from protocol.errors import CipherError, ConfigError, DocumentRefused
from protocol.hpke import check_public_key
from protocol.json_text import read_json
from protocol.keys import HouseholdSecret
from protocol.moving import give_mandate
from system.files import (
    changed_together,
    draw_secret,
    make_private_dir,
    read_document,
    write_public,
)
from system.private_keys import new_ec_key, new_ed25519_key, signing_request

_FIRST_CONFIG = b"# Settings of this chip; what stands nowhere here has its default.\n"


def draw_keys(directory: Path) -> bool:
    """Make a chip's directory and draw its missing keys; return whether any was missing.

    Raises:
        ConfigError: the directory cannot be written, or an enrolled chip has lost a key: the
            collectivity would not know a new one.
    """
    keys = directory / "keys"
    drawn: dict[str, Callable[[], bytes]] = {
        TLS_KEY: new_ec_key,
        SIGNING_KEY: new_ed25519_key,
        HOUSEHOLD_KEY: lambda: HouseholdSecret.generate().to_bytes(),
        METER_SALT: lambda: secrets.token_bytes(SALT_BYTES),
    }
    missing = [name for name in drawn if not (keys / name).exists()]
    if missing and (directory / ENROLMENT).exists():
        raise ConfigError(
            f"{keys / missing[0]} is gone although this chip is enrolled; put it back from a copy, "
            "or begin with a new directory."
        )
    make_private_dir(directory)
    make_private_dir(keys)
    for name in missing:
        draw_secret(keys / name, drawn[name]())
    if not (directory / CONFIG_NAME).exists():
        write_public(directory / CONFIG_NAME, _FIRST_CONFIG)
    return bool(missing)


def sign_contract(
    keys: Keys,
    offer: Signed,
    meter_serial: str,
    start: date,
    *,
    consent: Consent = Consent.TOTAL,
    follows: bool = True,
) -> Signed:
    """Sign a contract that accepts an offer for this household and meter, from `start` on.

    `consent` is what receipts may reveal. With `follows`, the contract also accepts listed offers
    that extend this one.

    Raises:
        DocumentRefused: the offer breaks a rule, has no tariff on that day, or has an unusable
            sealing key.
    """
    opened = open_offer(offer)
    try:
        check_public_key(opened.sealing_key)
    except CipherError as exc:
        raise DocumentRefused(f"This offer's sealing key cannot be used: {exc}.") from exc
    if not any(
        tariff.valid_from <= start and (tariff.valid_to is None or start < tariff.valid_to)
        for tariff in opened.tariffs
    ):
        raise DocumentRefused(f"This offer has no tariff on {start}; name another first day.")
    meter = meter_hash(keys.meter_salt, meter_serial)
    household = keys.household
    sealing_key = household.sealing.public_bytes
    contract = Contract(offer.hash, household.id, sealing_key, meter, start, None, consent, follows)
    return sign_document(contract, keys.signing_key)


def make_request(
    keys: Keys, offer: Signed | None, contract: Signed | None, *, after: int = 0
) -> Signed:
    """Make a chip's request: signing request, public keys, mandate, offer and contract.

    Its signing time is later than `after` (milliseconds since 1970), even if the clock is earlier.
    """
    csr_pem = signing_request(keys.tls_key).public_bytes(Encoding.PEM)
    made_at = max(time.time_ns() // 1_000_000, after + 1)
    mandate = give_mandate(keys.household, keys.signing_public, csr_pem, made_at)
    request = EnrolmentRequest(
        csr_pem, keys.signing_public, keys.household.id, mandate, offer, contract
    )
    return sign_document(request, keys.signing_key)


def check_no_import(directory: Path) -> None:
    """Check that no import into the chip in `directory` is under way.

    Raises:
        ConfigError: one is, or was interrupted.
    """
    if (directory / IMPORTING).exists():
        raise ConfigError(
            "An import into this chip was interrupted; run `volet edge import` again first."
        )


def write_request(directory: Path, out: Path, signed: Signed) -> None:
    """Write a request to `out` and keep a copy, from which its answer installs the contract.

    Raises:
        ConfigError: a file cannot be written, or an import was interrupted.
        DocumentRefused: its contract has ended, or begins on days that are billed already.
    """
    check_no_import(directory)
    contract = decode_body(signed.body, EnrolmentRequest).contract
    if contract is not None:
        check_follows(directory, contract)
    data = msgspec.json.encode(signed)
    with changed_together() as files:
        keep_request(directory, signed, files)
        files.write_secret(directory / REQUEST, data)
        if out.resolve() != (directory / REQUEST).resolve():
            files.write_public(out, data)


def install(directory: Path, answer: Path, authority: str | None = None) -> EnrolmentRecord:
    """Check the collectivity's answer in a file and make it this chip's identity.

    `authority` is the fingerprint that the collectivity publishes, None if a person compares it.

    Raises:
        ConfigError: a file is missing or cannot be read.
        DocumentRefused: see `checked_answer`; or the answer has another authority.
    """
    data = read_document(answer, "ask the collectivity for its answer to request.json.")
    if authority is not None:
        enrolment, _ = checked_answer(directory, data, str(answer))
        check_published(authority_of(enrolment), authority)
    return install_answer(directory, data, str(answer))


def checked_answer(directory: Path, data: bytes, name: str) -> tuple[Enrolment, EnrolmentRecord]:
    """Check the collectivity's answer for the chip in `directory`, and change nothing.

    `name` names its source in errors.

    Raises:
        ConfigError: a file of the chip is missing or damaged.
        DocumentRefused: the answer is for another chip, from another authority than before or from
            several, or for a contract that this chip does not have.
    """
    keys = load_keys(directory)
    check_is_answer(data)
    try:
        enrolment = read_json(data, Enrolment)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused(f"{name} is no enrolment: {exc}.") from exc
    record = check_enrolment(enrolment, keys)
    if not enrolment.signature or not record.made_at:
        raise DocumentRefused(
            f"{name} does not vouch for broker, platform and contracts; have the collectivity, with today's "
            "Volet, answer the request again."
        )
    authority_of(enrolment)
    known = directory / AUTHORITY
    if known.exists():
        check_same_authority(enrolment, known.read_bytes())
    check_answer(directory, record)
    return enrolment, record


def install_answer(directory: Path, data: bytes, name: str) -> EnrolmentRecord:
    """Check the collectivity's answer and make it this chip's identity.

    Raises:
        ConfigError: a file cannot be written.
        DocumentRefused: see `checked_answer`.
    """
    enrolment, record = checked_answer(directory, data, name)
    with changed_together() as files:
        files.remove(directory / REPEATER)  # chosen for the home as it was
        take_contracts(directory, record, files)
        if not (directory / AUTHORITY).exists():
            files.write_public(directory / AUTHORITY, authority_of(enrolment))
        files.write_public(directory / CERTIFICATE, enrolment.certificate_pem)
        # Last: its presence marks the chip as enrolled.
        files.write_public(directory / ENROLMENT, data)
    forget_answered(directory)
    return record


def requested_contract(directory: Path, keys: Keys) -> SignedAgreement | None:
    """Return the contract of the last request, with its offer; None if it has none.

    Raises:
        ConfigError: the request is damaged.
        DocumentRefused: another chip made it.
    """
    if not (directory / REQUEST).exists():
        return None
    signed = read_signed(directory / REQUEST, "make a new request.")
    request = open_document(signed, keys.signing_key.public_key(), EnrolmentRequest)
    if request.offer is None or request.contract is None:
        return None
    return SignedAgreement(request.offer, request.contract)
