"""Who this chip is: its keys, and what the collectivity said of them when it enrolled.

Directory of a chip: edge.toml; keys/{tls.key, signing.key, household.key, meter.salt}, drawn on
the chip and never overwritten; enrolment.json, device.pem and ca.pem from the collectivity;
contract.json, what the household has signed, with the offer. Under systemd the keys come from
$CREDENTIALS_DIRECTORY instead, under the same names.
"""

import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509 import Certificate, load_pem_x509_certificate
from cryptography.x509.oid import NameOID

from edge.stage import ENROLMENT, HOUSEHOLD_KEY, key_path, next_step
from edge.vault.signer import FormerDevice, Signer
from protocol.contract import Contract, Offer, Signed, open_document, open_offer
from protocol.enrolment import Enrolment, EnrolmentRecord
from protocol.envelope import decode_body
from protocol.errors import CipherError, ConfigError, DocumentRefused, MessageRefused
from protocol.ids import DeviceId, HouseholdKeyId, is_collectivity, is_device_id
from protocol.json_text import read_json
from protocol.keys import HouseholdSecret
from system.files import read_document, read_secret
from system.shell import quoted
from system.tls import client_context

TLS_KEY = "tls.key"
SIGNING_KEY = "signing.key"
METER_SALT = "meter.salt"
SALT_BYTES = 32
FORMER = "former.json"
CERTIFICATE, AUTHORITY = "device.pem", "ca.pem"
CONTRACT = "contract.json"
# Beside a contract of before both stood in one file.
OFFER = "offer.json"
# While an import is under way; see edge/moving/transfer.py.
IMPORTING = "vault.db.importing"

Document = TypeVar("Document", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Identity:
    """An enrolled chip: everything it needs to speak as itself.

    `meter_salt` (32 bytes) hides the meter's serial in contracts. `former` are the household's chips before this one. `tls_key_path` with `certificate_path` and `ca_path` make its TLS identity.
    """

    device: DeviceId
    collectivity: str
    signing_key: Ed25519PrivateKey
    household: HouseholdSecret
    meter_salt: bytes
    platform_key: Ed25519PublicKey
    tls_key_path: Path
    certificate_path: Path
    ca_path: Path
    broker_host: str
    broker_port: int
    former: tuple[FormerDevice, ...] = ()

    @property
    def household_key(self) -> HouseholdKeyId:
        """The id of the household's keys."""
        return self.household.id

    def tls_context(self) -> ssl.SSLContext:
        """Return the context in which this chip speaks to its broker.

        Raises:
            ConfigError: a file is gone or does not fit.
        """
        return client_context(self.ca_path, self.certificate_path, self.tls_key_path)


@dataclass(frozen=True, slots=True)
class Keys:
    """What the chip drew for itself; `meter_salt` (32 bytes) hides the meter's serial."""

    tls_key: ec.EllipticCurvePrivateKey
    signing_key: Ed25519PrivateKey
    household: HouseholdSecret
    meter_salt: bytes

    @property
    def signing_public(self) -> bytes:
        """The public signing key, 32 bytes."""
        return self.signing_key.public_key().public_bytes_raw()


class SignedAgreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A contract and the offer that it takes: one file, so that no power cut parts them."""

    offer: Signed
    contract: Signed


def load_identity(directory: Path) -> Identity:
    """Read and check the identity of the enrolled chip in `directory`.

    Raises:
        ConfigError: names the file that is missing, open to others or not fitting, and what next.
    """
    enrolment_path = directory / ENROLMENT
    enrolment = _decode(
        enrolment_path,
        read_document(enrolment_path, next_step(directory)),
        Enrolment,
    )
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
        meter_salt=keys.meter_salt,
        platform_key=Ed25519PublicKey.from_public_bytes(enrolment.platform_key),
        tls_key_path=key_path(directory, TLS_KEY),
        certificate_path=directory / CERTIFICATE,
        ca_path=directory / AUTHORITY,
        broker_host=enrolment.broker_host,
        broker_port=enrolment.broker_port,
        former=load_former(directory),
    )


def signer_of(identity: Identity) -> Signer:
    """Return in whose name the enrolled chip speaks."""
    return Signer(
        identity.collectivity,
        identity.device,
        identity.signing_key,
        identity.household,
        identity.former,
    )


def load_device(directory: Path) -> DeviceId | None:
    """Return the id by which the collectivity knows the chip; None: it is not enrolled.

    Raises:
        ConfigError: the enrolment is damaged.
    """
    path = directory / ENROLMENT
    if not path.exists():
        return None
    enrolment = _decode(path, read_document(path, next_step(directory)), Enrolment)
    try:
        return DeviceId(decode_body(enrolment.record, EnrolmentRecord).device)
    except MessageRefused as exc:
        raise ConfigError(
            f"{path} is damaged: {exc.detail}; put it back from a copy, or make a new request."
        ) from exc


def load_former(directory: Path) -> tuple[FormerDevice, ...]:
    """Read which chips spoke for this household before this one; none where there is no file.

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


def load_contract(directory: Path) -> tuple[Offer, Contract] | None:
    """Read the offer and the contract that the household has taken, None if it has none.

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
    """Read contract and offer as they were signed, None if there is no contract.

    Raises:
        ConfigError: a file is missing or damaged, or the contract takes another offer.
    """
    path = directory / CONTRACT
    if not path.exists():
        return None
    next_step = "put it back from a copy, or make a new request."
    data = read_document(path, next_step)
    try:
        found = read_json(data, SignedAgreement)
    except msgspec.MsgspecError:
        contract = _decode(path, data, Signed)
        found = SignedAgreement(read_signed(directory / OFFER, next_step), contract)
    try:
        is_whole = decode_body(found.contract.body, Contract).offer == found.offer.hash
    except MessageRefused as exc:
        raise ConfigError(f"{path} is damaged: {exc.detail}; {next_step}") from exc
    if not is_whole:
        raise ConfigError(
            f"{path} is not the contract of the offer that is kept; put the one that it takes in "
            "offer.json's place, from a copy or from your provider."
        )
    return found


def open_contract(directory: Path, signed: Signed) -> Contract:
    """Verify a contract that the household signed on this chip or on a former one.

    Raises:
        DocumentRefused: no chip of the household signed it, or it names another household's keys.
        ConfigError: a key is missing.
    """
    keys = load_keys(directory)
    contract = _open_signed(signed, load_former(directory), keys)
    own = keys.household.id, keys.household.sealing.public_bytes
    if (contract.household_key, contract.sealing_key) != own:
        raise DocumentRefused("The contract names other keys than this household's.")
    return contract


def _open_signed(signed: Signed, former: tuple[FormerDevice, ...], keys: Keys) -> Contract:
    for each in former:
        with suppress(DocumentRefused):
            key = Ed25519PublicKey.from_public_bytes(each.signing_key)
            return open_document(signed, key, Contract)
    return open_document(signed, keys.signing_key.public_key(), Contract)


def check_keys_are_files(directory: Path) -> None:
    """Check that the household's keys are in keys/, where they can be changed.

    Raises:
        ConfigError: systemd gives them from elsewhere.
    """
    for name in (HOUSEHOLD_KEY, METER_SALT):
        path = key_path(directory, name)
        if path.parent != directory / "keys":
            raise ConfigError(
                f"{path} comes from systemd's credentials; take {name} out of the unit's "
                "credentials, delete it where they are kept, and run the command again."
            )


def load_keys(directory: Path) -> Keys:
    """Read the chip's own keys.

    Raises:
        ConfigError: one is missing, open to others, or no key.
    """
    tls_key = _private_key(directory, TLS_KEY)
    signing_key = _private_key(directory, SIGNING_KEY)
    if not isinstance(tls_key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{key_path(directory, TLS_KEY)} is no elliptic-curve key.")
    if not isinstance(signing_key, Ed25519PrivateKey):
        raise ConfigError(f"{key_path(directory, SIGNING_KEY)} is no Ed25519 key.")
    try:
        household = HouseholdSecret.from_bytes(_key_bytes(directory, HOUSEHOLD_KEY))
    except CipherError as exc:
        raise ConfigError(f"{key_path(directory, HOUSEHOLD_KEY)}: {exc}.") from exc
    salt = _key_bytes(directory, METER_SALT)
    if len(salt) != SALT_BYTES:
        raise ConfigError(f"{key_path(directory, METER_SALT)} is not of {SALT_BYTES} bytes.")
    return Keys(tls_key, signing_key, household, salt)


def check_enrolment(enrolment: Enrolment, keys: Keys) -> EnrolmentRecord:
    """Check that an enrolment is this chip's, and whole: record, CA, certificate, keys.

    Whether the CA is the right one is the household's to say, by its fingerprint.

    Raises:
        DocumentRefused: with what does not fit.
    """
    try:
        ca = load_pem_x509_certificate(enrolment.ca_pem)
        certificate = load_pem_x509_certificate(enrolment.certificate_pem)
        record = decode_body(enrolment.record, EnrolmentRecord)
        _verify_answer(enrolment, ca)
        certificate.verify_directly_issued_by(ca)
        Ed25519PublicKey.from_public_bytes(enrolment.platform_key)
    except MessageRefused as exc:
        raise DocumentRefused(f"the enrolment record cannot be read: {exc.detail}.") from exc
    except InvalidSignature as exc:
        raise DocumentRefused("the enrolment is not signed by the authority in it.") from exc
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise DocumentRefused("the enrolment holds certificates that cannot be read.") from exc
    if not is_device_id(record.device) or not is_collectivity(record.collectivity):
        raise DocumentRefused("the enrolment names a device or collectivity out of grammar.")
    if _common_name(certificate) != record.device:
        raise DocumentRefused("the certificate is another device's than the record.")
    if certificate.public_key() != keys.tls_key.public_key():
        raise DocumentRefused("the certificate is not for this chip's TLS key.")
    if record.signing_key != keys.signing_public:
        raise DocumentRefused("the record is not for this chip's signing key.")
    if record.household_key != keys.household.id:
        raise DocumentRefused("the record is not for this household's keys.")
    return record


def ca_fingerprint(ca_pem: bytes) -> str:
    """Return the SHA-256 of the CA's certificate in groups of four, for people to compare.

    Raises:
        ConfigError: it is no certificate.
    """
    digest = _authority(ca_pem).fingerprint(SHA256()).hex()
    return " ".join(digest[i : i + 4] for i in range(0, len(digest), 4))


def authority_key(ca_pem: bytes) -> bytes:
    """Return an authority's public key (SubjectPublicKeyInfo, DER): a renewed certificate keeps it.

    Raises:
        ConfigError: it is no certificate.
    """
    return (
        _authority(ca_pem)
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )


def _authority(ca_pem: bytes) -> Certificate:
    try:
        return load_pem_x509_certificate(ca_pem)
    except ValueError as exc:
        raise ConfigError("ca.pem is damaged; put it back from a copy.") from exc


def read_signed(path: Path, next_step: str) -> Signed:
    """Read a signed document from JSON, its signature not yet checked.

    Raises:
        ConfigError: missing, or no signed document.
    """
    data = read_document(path, next_step)
    try:
        return read_json(data, Signed)
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path} is not a signed document ({exc}); {next_step}") from exc


def _decode(path: Path, data: bytes, kind: type[Document]) -> Document:
    try:
        return read_json(data, kind)
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path} is no {kind.__name__.lower()}: {exc}.") from exc


def _key_bytes(directory: Path, name: str) -> bytes:
    path = key_path(directory, name)
    next_step = f"draw the chip's keys with `volet edge init --dir {quoted(directory)}`."
    if path.parent != directory / "keys":
        return read_document(path, next_step)  # systemd keeps others away from its credentials
    return read_secret(path, next_step)


def _private_key(directory: Path, name: str) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(_key_bytes(directory, name), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise ConfigError(f"{key_path(directory, name)} holds no private key in PEM.") from exc


def _verify_answer(enrolment: Enrolment, ca: Certificate) -> None:
    key = ca.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise DocumentRefused("the authority's key is no elliptic-curve key.")
    key.verify(enrolment.record_signature, enrolment.record, ec.ECDSA(SHA256()))
    if enrolment.signature:
        key.verify(enrolment.signature, enrolment.signed_bytes, ec.ECDSA(SHA256()))


def _common_name(certificate: Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else ""
