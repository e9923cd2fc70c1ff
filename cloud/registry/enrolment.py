"""Checks a chip's enrolment request, and answers it with a certificate and a signed record."""

import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from cloud.config import load_config
from cloud.registry.key_files import exclusive, load_authority, load_platform_key, load_trusted, pem
from cloud.registry.pki import CHIP_REVOKED, find_issued, issue_device
from cloud.registry.places import seal_meter
from cloud.store import Device, Store, StoredContract
from cloud.store.moving import StoredIdentity, SupplyPoint
from cloud.store.names import look_of
from cloud.store.providers import Unregistered
from protocol.calendar import legal_day
from protocol.certificates import UnreadableCertificate, read_request_der, read_request_pem
from protocol.contract import Contract, Signed, check_start, open_document, open_offer
from protocol.enrolment import Enrolment, EnrolmentRecord, EnrolmentRequest, HeldContract
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused, MessageRefused
from protocol.ids import DeviceId, HouseholdKeyId, new_device_id
from protocol.moving import Mandate, check_mandate

_CURVE = ec.SECP256R1
# No later mandate could replace one dated in the far future.
AHEAD_S = 86_400.0
SHORT_HASH = 16
ONE_DAY = timedelta(days=1)
# Before Volet existed; the day before it is still a valid date.
EARLIEST = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """A request with only valid signatures."""

    tls_key: ec.EllipticCurvePublicKey
    signing_key: bytes
    household_key: HouseholdKeyId
    mandate: Mandate
    contract: StoredContract | None


def check_request(signed: Signed) -> CheckedRequest:
    """Check every signature in a chip's request, including the household's mandate.

    Raises:
        DocumentRefused: names what does not fit.
    """
    try:
        request = decode_body(signed.body, EnrolmentRequest)
        key = Ed25519PublicKey.from_public_bytes(request.signing_key)
    except MessageRefused as exc:
        raise DocumentRefused(
            f"This enrolment request cannot be read ({exc.detail}); make a new one with "
            "`volet edge request`."
        ) from exc
    open_document(signed, key, EnrolmentRequest)
    household_key = HouseholdKeyId(request.household_key)
    check_mandate(request.mandate, household_key, request.signing_key, request.csr_pem)
    return CheckedRequest(
        _check_csr_pem(request.csr_pem),
        request.signing_key,
        household_key,
        request.mandate,
        _check_contract(request, key, household_key),
    )


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The result of a request: the chip's id, and the answer for it.

    `stranger` is the provider's name and key in its offer, None if the register knows them or there
    is no offer. `rivals` are others that nobody has registered whose names look like its name.
    """

    device: DeviceId
    has_contract: bool
    answer: Enrolment
    stranger: tuple[str, bytes] | None = None
    rivals: tuple[Unregistered, ...] = ()


def enrol(
    directory: Path, store: Store, signed: Signed, now: datetime, prm: str | None = None
) -> Enrolled:
    """Enrol a chip: draw its id, certify it, store device, contract and place.

    A chip that enrols again keeps its id and gets a new certificate. A household key has one chip
    at a time, the one it mandated last; a chip has one household at a time. `prm` is the delivery
    point's number, which is stored encrypted.

    Raises:
        DocumentRefused: the request is invalid, the chip or household may not enrol, or `prm` is
            not a delivery point's number.
        ConfigError: the directory is incomplete.
    """
    request = check_request(signed)
    if request.contract is not None:
        start = decode_body(request.contract.contract.body, Contract).start
        check_start(start, legal_day(now) + ONE_DAY)
    meter = None if prm is None else seal_meter(directory, prm, request.household_key)
    config = load_config(directory)
    with exclusive(directory):
        device = _device_for(directory, store, request)
        known = store.identity(request.household_key)
        is_again = known is not None and request.mandate.made_at <= known.mandated_at
        _check_contract_order(store, request)
        is_registered = _check_provider(store, request.contract)
        certificate = issue_device(directory, device, request.tls_key, now)
        household_key = request.household_key
        store.enrol(Device(device, request.signing_key, household_key, since=now))
        store.put_place(SupplyPoint(household_key, device, meter, now), is_again=is_again)
        if request.contract is not None:
            _put_contract(store, request.contract, now)
        _put_mandate(store, request)
        record = msgspec.msgpack.encode(_record(config.collectivity, store, device, request))
        authority = load_authority(directory)
        answer = Enrolment(
            record=record,
            record_signature=authority.key.sign(record, ec.ECDSA(SHA256())),
            certificate_pem=certificate,
            ca_pem=pem(load_trusted(directory)[0]),
            platform_key=load_platform_key(directory).public_key().public_bytes_raw(),
            broker_host=config.broker_host,
            broker_port=config.broker_port,
            api_port=config.api_port,
        )
        signature = authority.key.sign(answer.signed_bytes, ec.ECDSA(SHA256()))
        answer = msgspec.structs.replace(answer, signature=signature)
    contract = request.contract
    if contract is None or is_registered:
        return Enrolled(device, contract is not None, answer)
    stranger = contract.provider, contract.provider_key
    rivals = rivals_of(store, *stranger)
    return Enrolled(device, has_contract=True, answer=answer, stranger=stranger, rivals=rivals)


def rivals_of(store: Store, title: str, key: bytes) -> tuple[Unregistered, ...]:
    """Return whom contracts name by what looks like `title`, with another key that nobody registered."""
    look = look_of(title)
    return tuple(
        each
        for each in store.providers.unregistered()
        if each.key != key and look_of(each.title) == look
    )


def _record(
    collectivity: str, store: Store, device: DeviceId, request: CheckedRequest
) -> EnrolmentRecord:
    """Return the record of an enrolment, with the days of each of the household's contracts."""
    identity = store.identity(request.household_key)
    held_contracts = [
        HeldContract(
            contract.hash,
            decode_body(contract.contract.body, Contract).start,
            None if contract.end is None else contract.end - ONE_DAY,
        )
        for contract in store.contracts_of(request.household_key)
    ]
    return EnrolmentRecord(
        collectivity,
        device,
        request.signing_key,
        request.household_key,
        b"" if request.contract is None else request.contract.hash,
        request.mandate.made_at if identity is None else identity.mandated_at,
        tuple(held_contracts),
    )


def _check_contract_order(store: Store, request: CheckedRequest) -> None:
    """Check that a contract is the household's latest, by the time of its signature, not ours.

    The chip, which signs the requests, orders them by the same time.
    """
    contract = request.contract
    identity = store.identity(request.household_key)
    if contract is None or identity is None:
        return
    known = store.contract(contract.hash)
    made_at = request.mandate.made_at
    if known is None and made_at <= identity.mandated_at:
        raise DocumentRefused(
            "The household has made a later request, which is enrolled; the contract in this one "
            "is not taken any more. Make a new one with `volet edge request`."
        )
    if known is not None and known.end is not None and made_at > identity.mandated_at:
        raise DocumentRefused(
            f"Contract {contract.hash.hex()[:SHORT_HASH]}… has ended and is not taken again as it "
            "was; make a new request from another first day."
        )


def _check_provider(store: Store, contract: StoredContract | None) -> bool:
    """Check that the register does not give an offer's name or key to somebody else.

    Anybody can sign an offer under any name, and the household cannot tell. Returns whether the
    register has this provider. A contract that is stored already is not looked at again.

    Raises:
        DocumentRefused: another key has a name that looks like this, or this key another name.
    """
    if contract is None or store.contract(contract.hash) is not None:
        return True
    known = store.providers.provider_of(contract.provider_key)
    if known is not None and known.title != contract.provider:
        raise DocumentRefused(
            f"The key of this offer is registered for {known.title}, and the offer names "
            f"{contract.provider}; have the household ask the provider for its own offer."
        )
    look = look_of(contract.provider)
    if known is None and any(look_of(each.title) == look for each in store.providers.providers()):
        raise DocumentRefused(
            f"This offer names {contract.provider} and is signed with another key than the registered "
            "provider of that name has: somebody else made it. Have the household ask the provider for its "
            "own offer."
        )
    return known is not None


def _put_mandate(store: Store, request: CheckedRequest) -> None:
    """Store the time of the latest mandate; after the contract, so a request can be repeated."""
    known = store.identity(request.household_key)
    mandate = request.mandate
    latest = mandate.made_at if known is None else max(known.mandated_at, mandate.made_at)
    store.put_identity(request.household_key, StoredIdentity(mandate.identity, latest))


def _put_contract(store: Store, contract: StoredContract, now: datetime) -> None:
    """Store a contract; a new one ends the household's others the day before it begins.

    So each day belongs to one contract, the household's latest for that day, and a provider sees
    which one applies. A repeated request ends nothing.
    """
    if store.contract(contract.hash) is None:
        last_day = decode_body(contract.contract.body, Contract).start - ONE_DAY
        store.put_next_contract(contract, last_day, now)


def _device_for(directory: Path, store: Store, request: CheckedRequest) -> DeviceId:
    same_chip = [device for device in store.devices() if device.signing_key == request.signing_key]
    if any(device.is_revoked for device in same_chip):
        raise DocumentRefused(CHIP_REVOKED)
    current = store.device_of(request.household_key)
    _check_mandated(store, request, current)
    if same_chip:
        return same_chip[0].device
    return find_issued(directory, request.tls_key) or new_device_id()


def _check_mandated(store: Store, request: CheckedRequest, current: Device | None) -> None:
    """Check that the household itself has mandated this chip."""
    if request.mandate.made_at > (time.time() + AHEAD_S) * 1_000:
        raise DocumentRefused(
            "The request was made in the future: set the chip's clock, then make a new one with "
            "`volet edge request`."
        )
    known = store.identity(request.household_key)
    if known is not None and known.identity != request.mandate.identity:
        raise DocumentRefused("The mandate is not this household's: it is registered with another.")
    if current is not None and current.signing_key == request.signing_key:
        return
    if current is not None and known is None:
        raise DocumentRefused(
            f"This household is enrolled with another chip; revoke that one first: "
            f"`volet cloud revoke {current.device}`."
        )
    if known is not None and request.mandate.made_at <= known.mandated_at:
        raise DocumentRefused(
            "The household has mandated a chip after it made this request; make a new one with "
            "`volet edge request`."
        )


def _check_csr_pem(pem: bytes) -> ec.EllipticCurvePublicKey:
    try:
        csr = read_request_pem(pem)
    except UnreadableCertificate as exc:
        raise DocumentRefused("The certificate signing request cannot be read.") from exc
    return check_csr(csr.public_bytes(Encoding.DER))


def check_csr(der: bytes) -> ec.EllipticCurvePublicKey:
    """Return the key whose possession a signing request proves; its names are ignored.

    Raises:
        DocumentRefused: it cannot be read, is for another kind of key, or proves nothing.
    """
    try:
        csr = read_request_der(der)
    except UnreadableCertificate as exc:
        raise DocumentRefused("The certificate signing request cannot be read.") from exc
    key = csr.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, _CURVE):
        raise DocumentRefused("The certificate signing request is not for a key on P-256.")
    if not csr.is_signature_valid:
        raise DocumentRefused("The signature of the certificate signing request does not fit.")
    return key


def _check_contract(
    request: EnrolmentRequest, key: Ed25519PublicKey, household_key: HouseholdKeyId
) -> StoredContract | None:
    if request.offer is None or request.contract is None:
        if request.offer is not request.contract:
            raise DocumentRefused("A contract and its offer come together or not at all.")
        return None
    offer = open_offer(request.offer)
    contract = open_document(request.contract, key, Contract)
    if contract.offer != request.offer.hash:
        raise DocumentRefused("The contract takes another offer than the one beside it.")
    if contract.household_key != household_key:
        raise DocumentRefused("The contract is for another household's keys than the request.")
    if contract.end is not None and contract.end <= contract.start:
        raise DocumentRefused("The contract ends before it begins.")
    if contract.start <= EARLIEST:
        raise DocumentRefused("The contract begins before there was Volet: name another first day.")
    return StoredContract(
        request.contract.hash,
        household_key,
        offer.provider,
        offer.provider_key,
        request.offer,
        request.contract,
    )
