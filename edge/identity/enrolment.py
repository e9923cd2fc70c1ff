"""The chip's certified identity: `enrolment.json`, `device.pem`, `ca.pem`, and former chips."""

import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate
from cryptography.x509.oid import NameOID

from edge.identity.keys import TLS_KEY, Keys, load_keys
from edge.identity.platform_keys import load_platform_keys
from edge.stage import ENROLMENT, key_path, next_step
from edge.vault.keyring import Keyring
from edge.vault.signer import FormerDevice, Signer
from protocol.certificates import read_pem
from protocol.enrolment import Enrolment, EnrolmentRecord
from protocol.envelope import VerifyingKey, decode_body
from protocol.errors import ConfigError, DocumentRefused, MessageRefused
from protocol.ids import DeviceId, HouseholdKeyId, is_collectivity, is_device_id
from protocol.json_text import read_json
from protocol.key_list import UNREADABLE
from protocol.keys import HouseholdSecret
from system.certificates import check_chain, is_issued_by
from system.files import read_document
from system.tls import client_context

FORMER = "former.json"
CERTIFICATE, AUTHORITY = "device.pem", "ca.pem"


@dataclass(frozen=True, slots=True)
class Identity:
    """An enrolled chip's identity: everything it needs to authenticate itself.

    `keyring` has the household's keys of each year.
    `meter_salt` (32 bytes) hides the meter's serial in contracts. `former` are the household's
    earlier chips. `api_port` is that of the collectivity's API, 0 if there is none. `tls_key_path`, `certificate_path` and `ca_path` form the TLS identity.
    """

    device: DeviceId
    collectivity: str
    signing_key: Ed25519PrivateKey
    household: HouseholdSecret
    keyring: Keyring
    meter_salt: bytes
    platform_key: VerifyingKey
    tls_key_path: Path
    certificate_path: Path
    ca_path: Path
    broker_host: str
    broker_port: int
    api_port: int = 0
    former: tuple[FormerDevice, ...] = ()

    @property
    def household_key(self) -> HouseholdKeyId:
        """The id of the household's keys."""
        return self.household.id

    def tls_context(self) -> ssl.SSLContext:
        """Return the TLS context for this chip's connection to its broker.

        Raises:
            ConfigError: a file is missing or does not fit.
        """
        return client_context(self.ca_path, self.certificate_path, self.tls_key_path)


def load_identity(directory: Path) -> Identity:
    """Read and check the identity of the enrolled chip in `directory`.

    Raises:
        ConfigError: a file is missing, open to others or does not fit; the message names it and the
            next step.
    """
    enrolment_path = directory / ENROLMENT
    enrolment = _read_enrolment(enrolment_path, read_document(enrolment_path, next_step(directory)))
    keys = load_keys(directory)
    try:
        record = check_enrolment(enrolment, keys)
    except DocumentRefused as exc:
        raise ConfigError(f"{enrolment_path}: {exc}") from exc
    return Identity(
        device=DeviceId(record.device),
        collectivity=record.collectivity,
        signing_key=keys.signing_key,
        household=keys.household,
        keyring=keys.keyring,
        meter_salt=keys.meter_salt,
        platform_key=load_platform_keys(directory, enrolment.platform_key, record.collectivity),
        tls_key_path=key_path(directory, TLS_KEY),
        certificate_path=directory / CERTIFICATE,
        ca_path=directory / AUTHORITY,
        broker_host=enrolment.broker_host,
        broker_port=enrolment.broker_port,
        api_port=enrolment.api_port,
        former=load_former(directory),
    )


def signer_of(identity: Identity) -> Signer:
    """Return the signer for the enrolled chip's messages."""
    return Signer(
        identity.collectivity,
        identity.device,
        identity.signing_key,
        identity.household,
        identity.keyring,
        identity.former,
    )


def load_device(directory: Path) -> DeviceId | None:
    """Return the id by which the collectivity knows the chip; None if it is not enrolled.

    Raises:
        ConfigError: the enrolment is damaged.
    """
    record = load_record(directory)
    return None if record is None else DeviceId(record.device)


def load_record(directory: Path) -> EnrolmentRecord | None:
    """Return what the issuer signed of the chip; None if it is not enrolled. Needs no key.

    Raises:
        ConfigError: the enrolment is damaged.
    """
    path = directory / ENROLMENT
    if not path.exists():
        return None
    enrolment = _read_enrolment(path, read_document(path, next_step(directory)))
    try:
        return decode_body(enrolment.record, EnrolmentRecord)
    except MessageRefused as exc:
        raise ConfigError(
            f"{path} is damaged: {exc.detail}; put it back from a copy, or make a new request."
        ) from exc


def load_former(directory: Path) -> tuple[FormerDevice, ...]:
    """Read the household's earlier chips; none if there is no file.

    Raises:
        ConfigError: the file is damaged.
    """
    path = directory / FORMER
    if not path.exists():
        return ()
    data = read_document(path, "import the bundle again.")
    try:
        return read_json(data, tuple[FormerDevice, ...])
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path} is damaged: {exc}; import the bundle again.") from exc


def check_enrolment(enrolment: Enrolment, keys: Keys) -> EnrolmentRecord:
    """Check that an enrolment is complete and belongs to this chip: record, CA, certificate, keys.

    The household itself must check the CA, by its fingerprint.

    Raises:
        DocumentRefused: a part does not fit; the message names it.
    """
    try:
        trusted = read_pem(enrolment.ca_pem)
        certificate, *issuers = read_pem(enrolment.certificate_pem)
        record = decode_body(enrolment.record, EnrolmentRecord)
        check_chain((certificate, *issuers), trusted)
        _verify_answer(enrolment, _issuer_of(certificate, (*issuers, *trusted)))
        Ed25519PublicKey.from_public_bytes(enrolment.platform_key)
    except MessageRefused as exc:
        raise DocumentRefused(f"The enrolment record cannot be read: {exc.detail}.") from exc
    except (InvalidSignature, ConfigError) as exc:
        raise DocumentRefused("The enrolment is not signed by the authority in it.") from exc
    except UNREADABLE as exc:
        raise DocumentRefused("The enrolment holds certificates that cannot be read.") from exc
    if not is_device_id(record.device) or not is_collectivity(record.collectivity):
        raise DocumentRefused("The enrolment names a device or collectivity out of grammar.")
    if _common_name(certificate) != record.device:
        raise DocumentRefused("The certificate is another device's than the record.")
    if certificate.public_key() != keys.tls_key.public_key():
        raise DocumentRefused(
            "This answer is for another chip: its certificate is not for this chip's TLS key. Install the "
            "answer to this chip's own request."
        )
    if record.signing_key != keys.signing_public:
        raise DocumentRefused("The record is not for this chip's signing key.")
    if record.household_key != keys.household.id:
        raise DocumentRefused("The record is not for this household's keys.")
    return record


def ca_fingerprint(ca_pem: bytes) -> str:
    """Return the SHA-256 of the root's certificate in groups of four, for people to compare.

    Raises:
        ConfigError: `ca_pem` is not a certificate.
    """
    digest = _roots(ca_pem)[0].fingerprint(SHA256()).hex()
    return " ".join(digest[i : i + 4] for i in range(0, len(digest), 4))


def openssl_spelling(fingerprint: str) -> str:
    """Return a fingerprint of `ca_fingerprint` as openssl and browsers write it: B3:28:…."""
    digits = "".join(fingerprint.split()).upper()
    return ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))


def check_published(ca_pem: bytes, published: str) -> None:
    """Check that an authority has the published fingerprint, in any usual spelling.

    Raises:
        DocumentRefused: it has another one.
    """
    found = ca_fingerprint(ca_pem)
    if re.sub(r"[\s:]", "", published).lower() != found.replace(" ", ""):
        raise DocumentRefused(
            f"The answer's authority is {found}, and the one to expect {published}: whoever wrote the "
            "answer is not the collectivity that published this. Nothing was installed."
        )


def authority_of(enrolment: Enrolment) -> bytes:
    """Return the root of an answer as PEM, and nothing else that stands beside it there.

    Nobody signs `ca_pem`: the household compares its fingerprint, so there must be one alone.

    Raises:
        ConfigError: it is not a certificate.
        DocumentRefused: there are several.
    """
    root, *others = _roots(enrolment.ca_pem)
    if others:
        raise DocumentRefused(
            "This answer names more than one authority, of which you could compare one; have the "
            "collectivity, with today's Volet, answer the request again."
        )
    return root.public_bytes(Encoding.PEM)


def check_same_authority(enrolment: Enrolment, ca_pem: bytes) -> None:
    """Check that one of the roots that this chip trusts stands behind an answer.

    Raises:
        ConfigError: `ca_pem` is damaged.
        DocumentRefused: another authority answered.
    """
    trusted = _roots(ca_pem)
    try:
        check_chain(read_pem(enrolment.certificate_pem), trusted)
    except (ConfigError, *UNREADABLE) as exc:
        raise DocumentRefused(
            "This chip belongs to another authority; begin with a new directory to change it."
        ) from exc


def _roots(ca_pem: bytes) -> list[Certificate]:
    try:
        return read_pem(ca_pem)
    except ValueError as exc:
        raise ConfigError("ca.pem is damaged; put it back from a copy.") from exc


def _read_enrolment(path: Path, data: bytes) -> Enrolment:
    try:
        return read_json(data, Enrolment)
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path} is no enrolment: {exc}.") from exc


def _issuer_of(certificate: Certificate, authorities: Iterable[Certificate]) -> Certificate:
    """Return the authority whose key signed a certificate, wherever in the answer it stands."""
    return next(each for each in authorities if is_issued_by(certificate, each))


def _verify_answer(enrolment: Enrolment, issuer: Certificate) -> None:
    key = issuer.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise DocumentRefused("The authority's key is no elliptic-curve key.")
    key.verify(enrolment.record_signature, enrolment.record, ec.ECDSA(SHA256()))
    if enrolment.signature:
        key.verify(enrolment.signature, enrolment.signed_bytes, ec.ECDSA(SHA256()))


def _common_name(certificate: Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else ""
