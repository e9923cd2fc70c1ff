"""The files of the collectivity's identity, below its directory.

platform.key                    Ed25519; signs acks and statements
pki/ca.key, ca.pem              the authority of chips, broker and roles
pki/server.key, server.pem      the broker
pki/worker.key, worker.pem      the first worker; further roles likewise, by their names
pki/operator.key, operator.pem  ends sessions at the broker
pki/crl.pem                     the revocation list
pki/issued/{device}.pem         all certificates ever issued to a device
"""

import fcntl
import hmac
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from cloud.config import CONFIG_NAME, CloudConfig, config_toml, load_config
from cloud.registry.authority import (
    DEVICE_VALIDITY,
    ROLE_VALIDITY,
    Authority,
    issue_client,
    issue_server,
    new_authority,
    new_operator,
    revocation_list,
)
from mosquitto.roles import Role, role_of
from protocol.errors import ConfigError, DocumentRefused
from protocol.ids import DeviceId, is_device_id
from system.files import (
    draw_secret,
    make_private_dir,
    read_document,
    read_secret,
    write_public,
)
from system.shell import quoted

PLATFORM_KEY = "platform.key"
FIRST_ROLES = ("worker", "monitor")
_CLIENTS = (*FIRST_ROLES, "operator")

CHIP_REVOKED = "This chip was revoked; give it a new directory with `volet edge init` first."
_RESTORE = "put it back from a backup; chips trust the one that was drawn first."


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


def initialise(directory: Path, config: CloudConfig, now: datetime) -> bool:
    """Draw the collectivity's keys and sign its first certificates; False if they exist already.

    cloud.toml is written last and marks the directory as complete; nothing is drawn again after
    that. The files of an interrupted run are kept and completed.

    Raises:
        ConfigError: the directory is another collectivity's, or has lost a file.
    """
    if (directory / CONFIG_NAME).exists():
        _check_same(directory, config)
        return False
    make_private_dir(directory)
    make_private_dir(directory / "pki")
    make_private_dir(pki_path(directory, "issued"))
    with exclusive(directory):
        _draw_keys(directory)
        authority = _complete_authority(directory, config, now)
        _keep_or_write(
            pki_path(directory, "server.pem"),
            lambda: server_certificate(directory, authority, config, now),
        )
        for name in FIRST_ROLES:
            _keep_or_write(
                pki_path(directory, f"{name}.pem"),
                partial(_role_certificate, directory, authority, name, now),
            )
        _keep_or_write(
            pki_path(directory, "operator.pem"),
            lambda: new_operator(load_ec_key(directory, "operator.key"), now),
        )
        _keep_or_write(pki_path(directory, "crl.pem"), lambda: revocation_list(authority, (), now))
        write_public(directory / CONFIG_NAME, config_toml(config))
    return True


def load_authority(directory: Path) -> Authority:
    """Read the CA.

    Raises:
        ConfigError: it is missing, or open to others.
    """
    return Authority(
        load_ec_key(directory, "ca.key"), load_certificate(pki_path(directory, "ca.pem"))
    )


def load_platform_key(directory: Path) -> Ed25519PrivateKey:
    """Read the key that signs acks and statements.

    Raises:
        ConfigError: it is missing, open to others, or not an Ed25519 key.
    """
    path = directory / PLATFORM_KEY
    key = _load_key(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path} is no Ed25519 key.")
    return key


def load_certificate(path: Path) -> x509.Certificate:
    """Read a certificate.

    Raises:
        ConfigError: it is missing, or not a certificate.
    """
    try:
        return x509.load_pem_x509_certificate(read_document(path, _RESTORE))
    except ValueError as exc:
        raise ConfigError(f"{path} is no certificate.") from exc


def roles(directory: Path) -> tuple[str, ...]:
    """Return the common names of the roles that have a certificate."""
    stems = (path.stem for path in (directory / "pki").glob("*.pem"))
    return tuple(sorted(stem for stem in stems if role_of(stem)))


def issue_role(directory: Path, name: str, now: datetime) -> Path:
    """Draw and certify a key for a worker, monitor or trustee; return the certificate's path.

    Raises:
        ConfigError: `name` does not name a role, or has a certificate.
    """
    role = role_of(name)
    if role is None:
        raise ConfigError(
            f"{name} names no role; say worker or monitor, or one of them with a suffix such as "
            "worker-2; or trustee- and a suffix."
        )
    if role is Role.TRUSTEE and name == role:
        raise ConfigError(
            "There are several trustees, each with a name of its own; say trustee- and the suffix "
            "that `volet trustee init --name` was given."
        )
    path = pki_path(directory, f"{name}.pem")
    with exclusive(directory):
        if path.exists():
            raise ConfigError(f"{path} is there already; `volet cloud renew` renews it.")
        draw_secret(path.with_suffix(".key"), _new_ec_key())
        certificate = _role_certificate(directory, load_authority(directory), name, now)
        write_public(path, pem(certificate))
    return path


def issue_device(
    directory: Path, device: DeviceId, public_key: ec.EllipticCurvePublicKey, now: datetime
) -> bytes:
    """Certify a chip's key under its id; return the certificate as PEM. Call within `exclusive`.

    Raises:
        ConfigError: the CA is missing.
    """
    certificate = issue_client(load_authority(directory), device, public_key, now, DEVICE_VALIDITY)
    path = pki_path(directory, f"issued/{device}.pem")
    earlier = path.read_bytes() if path.exists() else b""
    write_public(path, earlier + pem(certificate))
    return pem(certificate)


def issued_certificates(directory: Path, device: DeviceId) -> list[x509.Certificate]:
    """Return all certificates ever issued to a chip, oldest first.

    Raises:
        ConfigError: their file is damaged.
    """
    path = pki_path(directory, f"issued/{device}.pem")
    if not path.exists():
        return []
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError as exc:
        raise ConfigError(f"{path} is damaged; put it back from a backup.") from exc


def find_issued(directory: Path, public_key: ec.EllipticCurvePublicKey) -> DeviceId | None:
    """Return the id under which a chip's TLS key was certified before, or None.

    For a store that has lost the enrolment: the chip's signed messages are bound to its id.

    Raises:
        DocumentRefused: that chip is revoked.
        ConfigError: the CA is missing.
    """
    for path in sorted(pki_path(directory, "issued").glob("*.pem")):
        certificates = issued_certificates(directory, DeviceId(path.stem))
        if all(certificate.public_key() != public_key for certificate in certificates):
            continue
        crl = load_crl(pki_path(directory, "crl.pem"))
        for certificate in certificates:
            if crl.get_revoked_certificate_by_serial_number(certificate.serial_number):
                raise DocumentRefused(CHIP_REVOKED)
        return DeviceId(path.stem)
    return None


def revoke(directory: Path, name: str, now: datetime) -> bool:
    """Add all certificates of a device or role to the revocation list; False if there are none.

    Raises:
        ConfigError: the CA is missing.
    """
    if not role_of(name) and not is_device_id(name):
        return False
    with exclusive(directory):
        folder = "" if role_of(name) else "issued/"
        path = pki_path(directory, f"{folder}{name}.pem")
        if not path.exists():
            return False
        serials = [
            certificate.serial_number
            for certificate in x509.load_pem_x509_certificates(path.read_bytes())
        ]
        crl_path = pki_path(directory, "crl.pem")
        previous = load_crl(crl_path)
        crl = revocation_list(load_authority(directory), serials, now, previous)
        write_public(crl_path, pem(crl))
    return True


def forget_role(directory: Path, name: str) -> None:
    """Remove the key and certificate of a revoked role; a device has none here."""
    if role_of(name):
        for suffix in (".key", ".pem"):
            pki_path(directory, f"{name}{suffix}").unlink(missing_ok=True)


def share_group(key: Ed25519PrivateKey) -> str:
    """Return the name of the workers' share group at the broker, known only to holders of `key`.

    mosquitto lets anyone subscribe to anything, and drops what the subscriber may not read. A chip
    that knew the group could join it, and its share of all blocks would be lost.
    """
    return hmac.digest(key.private_bytes_raw(), b"volet share group v1", "sha256")[:16].hex()


def _check_same(directory: Path, config: CloudConfig) -> None:
    existing = load_config(directory)
    if existing != config:
        raise ConfigError(
            f"{directory / CONFIG_NAME} says otherwise (collectivity {existing.collectivity}, broker "
            f"{existing.broker_host}:{existing.broker_port}); edit it and run `volet cloud renew`, or "
            "name another directory."
        )
    load_authority(directory)
    load_platform_key(directory)
    for name in ("server", "operator"):
        load_ec_key(directory, f"{name}.key")
        load_certificate(pki_path(directory, f"{name}.pem"))
    read_document(pki_path(directory, "crl.pem"), _RESTORE)


def _draw_keys(directory: Path) -> None:
    for name in ("ca", "server", *_CLIENTS):
        draw_secret(pki_path(directory, f"{name}.key"), _new_ec_key())
    draw_secret(directory / PLATFORM_KEY, _private_pem(Ed25519PrivateKey.generate()))


def _complete_authority(directory: Path, config: CloudConfig, now: datetime) -> Authority:
    key = load_ec_key(directory, "ca.key")
    expected = new_authority(key, config.collectivity, now)
    path = pki_path(directory, "ca.pem")
    _keep_or_write(path, lambda: expected)
    authority = Authority(key, load_certificate(path))
    if (authority.certificate.subject, authority.certificate.public_key()) != (
        expected.subject,
        expected.public_key(),
    ):
        raise ConfigError(
            f"{path} is the beginning of another collectivity's; name another directory."
        )
    return authority


def server_certificate(
    directory: Path, authority: Authority, config: CloudConfig, now: datetime
) -> x509.Certificate:
    """Certify the broker's key for the names in its configuration.

    Raises:
        ConfigError: the key is missing, or the authority has expired.
    """
    hosts = tuple(dict.fromkeys((config.broker_host, *config.broker_names)))
    return issue_server(authority, hosts, load_ec_key(directory, "server.key").public_key(), now)


def _role_certificate(
    directory: Path, authority: Authority, name: str, now: datetime
) -> x509.Certificate:
    key = load_ec_key(directory, f"{name}.key").public_key()
    return issue_client(authority, name, key, now, ROLE_VALIDITY)


def load_crl(path: Path) -> x509.CertificateRevocationList:
    """Read a revocation list. Raises ConfigError if it is missing or invalid."""
    try:
        return x509.load_pem_x509_crl(read_document(path, _RESTORE))
    except ValueError as exc:
        raise ConfigError(f"{path} is no revocation list; {_RESTORE}") from exc


def _keep_or_write(
    path: Path, make: Callable[[], x509.Certificate | x509.CertificateRevocationList]
) -> None:
    if not path.exists():
        write_public(path, pem(make()))


def _new_ec_key() -> bytes:
    return _private_pem(ec.generate_private_key(ec.SECP256R1()))


def _private_pem(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def pem(document: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    """Return a document as PEM."""
    return document.public_bytes(Encoding.PEM)


def load_ec_key(directory: Path, name: str) -> ec.EllipticCurvePrivateKey:
    """Read a key of the PKI. Raises ConfigError if it is missing, open to others, or invalid."""
    path = pki_path(directory, name)
    key = _load_key(path)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{path} is no elliptic-curve key.")
    return key


def _load_key(path: Path) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(read_secret(path, _RESTORE), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise ConfigError(f"{path} holds no private key in PEM.") from exc
