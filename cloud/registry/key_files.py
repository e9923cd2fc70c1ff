"""The files of the collectivity's identity, below its directory, and how they are read.

root/root.key, root.pem         the root; on a stick or machine of its own once it has signed
key-list.json                   the key list (protocol/key_list.py): which of these keys is in force
platform.key, platform-2.key …  Ed25519; sign acks and statements, one after the other
pki/ca.pem                      what everybody trusts: the roots, the newest first
pki/issuer.key, issuer.pem      the issuer of chips, broker and roles; issuer-2 and so on follow it
pki/above.pem                   a newer root as the older one signed it, while there are two
workers.group                   the secret name of the workers' share group at the broker
pki/server.key, server.pem      the broker
pki/worker.key, worker.pem      the first worker; further roles likewise, by their names
pki/operator.key, operator.pem  ends sessions at the broker; operator-former.pem, the one before
pki/crl.pem                     the revocation lists, one of each issuer
pki/issued/{device}.pem         all certificates ever issued to a device
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
)

from cloud.registry.authority import (
    Authority,
    check_holds,
)
from protocol.calendar import day_number, legal_day
from protocol.certificates import read_pem
from protocol.envelope import decode_body
from protocol.errors import ConfigError, MessageRefused
from protocol.json_text import read_json
from protocol.key_list import (
    KeyList,
    KeyUse,
    SignedKeyList,
)
from system.files import (
    draw_secret,
    read_document,
    read_secret,
    write_public,
)
from system.private_keys import new_ec_key, new_ed25519_key, read_ec_key, read_ed25519_key
from system.shell import quoted

PLATFORM_KEY = "platform.key"
SHARE_GROUP = "workers.group"
SHARE_GROUP_BYTES = 16
ROOT = "root"
ROOT_KEY, ROOT_CERTIFICATE = "root.key", "root.pem"
TRUSTED = "ca.pem"
ISSUER, ABOVE = "issuer", "above.pem"
KEY_LIST = "key-list.json"
OPERATOR_CERTIFICATE, FORMER_OPERATOR = "operator.pem", "operator-former.pem"
_END_OF_LIST = b"-----END X509 CRL-----\n"
RESTORE = "put it back from a backup; chips trust the one that was drawn first."


def pki_path(directory: Path, name: str) -> Path:
    """Return the path of a file of the PKI."""
    return directory / "pki" / name


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Keep other commands from changing the PKI at the same time.

    Raises:
        ConfigError: there is no PKI.
    """
    try:
        fd = os.open(directory / "pki", os.O_RDONLY | os.O_DIRECTORY)
    except OSError as exc:
        raise ConfigError(
            f"{directory} holds no authority; is it the right directory (`--dir`)? For a new "
            f"collectivity, make it with `volet cloud init --dir {quoted(directory)}`."
        ) from exc
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def numbered(stem: str, number: int) -> str:
    """Return the name of the first, second, … key of a sort."""
    return stem if number == 1 else f"{stem}-{number}"


def load_signed_list(directory: Path) -> SignedKeyList:
    """Read the key list as the root signed it.

    Raises:
        ConfigError: it is missing or damaged.
    """
    path = directory / KEY_LIST
    try:
        return read_json(read_document(path, RESTORE), SignedKeyList)
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path} is no key list; {RESTORE}") from exc


def load_key_list(directory: Path) -> KeyList:
    """Read the key list, of which the collectivity itself needs no proof.

    Raises:
        ConfigError: it is missing or damaged.
    """
    try:
        return decode_body(load_signed_list(directory).body, KeyList)
    except MessageRefused as exc:
        raise ConfigError(f"{directory / KEY_LIST} is damaged; {RESTORE}") from exc


def write_key_list(directory: Path, signed: SignedKeyList) -> None:
    """Put a key list in force: what it names last is what signs from now on."""
    write_public(directory / KEY_LIST, msgspec.json.encode(signed))


def load_root(root: Path) -> Authority:
    """Read a root.

    Raises:
        ConfigError: it is missing, or open to others; the message says what to do.
    """
    if not (root / ROOT_KEY).exists():
        raise ConfigError(
            f"{root} holds no root key. The root is offline: put in the stick with its directory "
            "and name that with --root."
        )
    return Authority(_load_ec_key(root / ROOT_KEY), load_certificate(root / ROOT_CERTIFICATE))


def load_trusted(directory: Path) -> tuple[x509.Certificate, ...]:
    """Return the collectivity's roots, the newest first. Raises ConfigError if there is none."""
    return load_certificates(pki_path(directory, TRUSTED))


def load_authority(directory: Path) -> Authority:
    """Read the present issuer.

    Raises:
        ConfigError: it is missing, or open to others.
    """
    return _load_issuer(directory, len(load_key_list(directory).issuers))


def load_issuers(directory: Path, now: datetime) -> tuple[Authority, ...]:
    """Read the present issuer and the former ones that still count, the present one first.

    Raises:
        ConfigError: one is missing or damaged, or the present one has ended.
    """
    keys = load_key_list(directory)
    counting = range(len(keys.issuers), keys.withdrawn, -1)
    issuers = [_load_issuer(directory, number) for number in counting]
    check_holds(issuers[0], now)
    return tuple(each for each in issuers if now < each.certificate.not_valid_after_utc)


def load_platform_key(directory: Path, now: datetime | None = None) -> Ed25519PrivateKey:
    """Read the key that signs acks and statements today, or at `now`.

    Raises:
        ConfigError: it is missing, open to others, or not an Ed25519 key.
    """
    keys, today = load_key_list(directory), day_number(legal_day(now or datetime.now(UTC)))
    number = keys.ever(KeyUse.PLATFORM).index(keys.signing_on(KeyUse.PLATFORM, today)) + 1
    return load_ed25519_key(directory / f"{numbered('platform', number)}.key")


def share_group(directory: Path) -> str:
    """Return the name of the workers' share group at the broker, which no chip can know.

    mosquitto lets anyone subscribe to anything, and drops what the subscriber may not read. A chip
    that knew the group could join it, and its share of all blocks would be lost. It stays the same
    when the platform's key is replaced, so that all workers are in one group at every moment.

    Raises:
        ConfigError: the name is missing, or open to others.
    """
    return read_secret(directory / SHARE_GROUP, RESTORE).decode("ascii", "replace")


def load_certificate(path: Path) -> x509.Certificate:
    """Read a certificate.

    Raises:
        ConfigError: it is missing, or not a certificate.
    """
    return load_certificates(path)[0]


def load_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """Read a certificate and those that lead to a root.

    Raises:
        ConfigError: they are missing, or not certificates.
    """
    try:
        return tuple(read_pem(read_document(path, RESTORE)))
    except ValueError as exc:
        raise ConfigError(f"{path} is no certificate.") from exc


def load_crls(path: Path) -> tuple[x509.CertificateRevocationList, ...]:
    """Read the revocation lists of all issuers. Raises ConfigError if they are missing or invalid."""
    data = read_document(path, RESTORE)
    try:
        lists = tuple(
            x509.load_pem_x509_crl(text + _END_OF_LIST) for text in data.split(_END_OF_LIST)[:-1]
        )
    except ValueError as exc:
        raise ConfigError(f"{path} is no revocation list; {RESTORE}") from exc
    if not lists:
        raise ConfigError(f"{path} is no revocation list; {RESTORE}")
    return lists


def revoked_serials(path: Path) -> frozenset[int]:
    """Return the serial numbers on the revocation lists of a file; raises as `load_crls`."""
    return frozenset(entry.serial_number for each in load_crls(path) for entry in each)


def load_ec_key(directory: Path, name: str) -> ec.EllipticCurvePrivateKey:
    """Read a key of the PKI. Raises ConfigError if it is missing, open to others, or invalid."""
    return _load_ec_key(pki_path(directory, name))


def load_ed25519_key(path: Path) -> Ed25519PrivateKey:
    """Read a key that signs messages or documents.

    Raises:
        ConfigError: it is missing, open to others, or not an Ed25519 key.
    """
    return read_ed25519_key(read_secret(path, RESTORE), path)


def draw_ec_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Draw a key of a root or issuer, unless it is there; return it."""
    draw_secret(path, new_ec_key())
    return _load_ec_key(path)


def draw_ed25519_key(path: Path) -> Ed25519PrivateKey:
    """Draw a key that signs messages or documents, unless it is there; return it."""
    draw_secret(path, new_ed25519_key())
    return load_ed25519_key(path)


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """Return the public half of a key, 32 bytes."""
    return key.public_key().public_bytes_raw()


def der(certificate: x509.Certificate) -> bytes:
    """Return a certificate as bytes."""
    return certificate.public_bytes(Encoding.DER)


def pem(document: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    """Return a document as PEM."""
    return document.public_bytes(Encoding.PEM)


def _load_issuer(directory: Path, number: int) -> Authority:
    name, above = numbered(ISSUER, number), pki_path(directory, ABOVE)
    return Authority(
        load_ec_key(directory, f"{name}.key"),
        load_certificate(pki_path(directory, f"{name}.pem")),
        load_certificates(above) if above.exists() else (),
    )


def _load_ec_key(path: Path) -> ec.EllipticCurvePrivateKey:
    return read_ec_key(read_secret(path, RESTORE), path)
