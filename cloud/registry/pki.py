"""The collectivity's authority: made once, then issues and revokes certificates."""

import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from cloud.config import CONFIG_NAME, ONLY_EDITED, CloudConfig, config_toml, load_config
from cloud.registry.authority import (
    DEVICE_VALIDITY,
    ROLE_VALIDITY,
    Authority,
    issue_client,
    issue_server,
    issuer_name,
    new_issuer,
    new_operator,
    new_root,
    revocation_list,
)
from cloud.registry.key_files import (
    ISSUER,
    KEY_LIST,
    PLATFORM_KEY,
    RESTORE,
    ROOT,
    ROOT_CERTIFICATE,
    ROOT_KEY,
    SHARE_GROUP,
    SHARE_GROUP_BYTES,
    TRUSTED,
    der,
    draw_ec_key,
    draw_ed25519_key,
    exclusive,
    load_authority,
    load_certificate,
    load_certificates,
    load_crls,
    load_ec_key,
    load_ed25519_key,
    load_issuers,
    load_platform_key,
    load_trusted,
    pem,
    pki_path,
    public_bytes,
    revoked_serials,
    share_group,
    write_key_list,
)
from mosquitto.roles import Role, role_of
from protocol.certificates import read_pem, read_request_pem
from protocol.errors import ConfigError, DocumentRefused
from protocol.ids import DeviceId, is_device_id
from protocol.key_list import (
    KeyList,
    ListedKey,
    ListedRoot,
    sign_key_list,
)
from system.files import (
    draw_secret,
    make_private_dir,
    read_document,
    write_public,
)
from system.private_keys import new_ec_key

FIRST_ROLES = ("worker", "monitor")


_CLIENTS = (*FIRST_ROLES, "operator")


CHIP_REVOKED = "This chip was revoked; give it a new directory with `volet edge init` first."


def initialise(
    directory: Path, config: CloudConfig, now: datetime, root: Path | None = None
) -> bool:
    """Draw the collectivity's keys and sign its first certificates; False if they exist already.

    The root's key goes to `root`, by default a folder of the directory. cloud.toml is written last
    and marks the directory as complete; nothing is drawn again after that. The files of an
    interrupted run are kept and completed.

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
        authority = _complete_authority(directory, root or directory / ROOT, config, now)
        _keep_or_write(
            pki_path(directory, "server.pem"),
            lambda: authority.chained(server_certificate(directory, authority, config, now)),
        )
        for name in FIRST_ROLES:
            _keep_or_write(
                pki_path(directory, f"{name}.pem"),
                partial(_first_certificate, directory, authority, name, now),
            )
        _keep_or_write(
            pki_path(directory, "operator.pem"),
            lambda: pem(new_operator(load_ec_key(directory, "operator.key"), now)),
        )
        _keep_or_write(
            pki_path(directory, "crl.pem"), lambda: pem(revocation_list(authority, (), now))
        )
        write_public(directory / CONFIG_NAME, config_toml(config))
    return True


def draw_root(root: Path, collectivity: str, now: datetime) -> Authority:
    """Draw a root in a directory, unless it is there; return it.

    Raises:
        ConfigError: the directory cannot be written.
    """
    make_private_dir(root)
    key = draw_ec_key(root / ROOT_KEY)
    path = root / ROOT_CERTIFICATE
    _keep_or_write(path, lambda: pem(new_root(key, collectivity, now)))
    return Authority(key, load_certificate(path))


def roles(directory: Path) -> tuple[str, ...]:
    """Return the common names of the roles that have a certificate."""
    stems = (path.stem for path in (directory / "pki").glob("*.pem"))
    return tuple(sorted(stem for stem in stems if role_of(stem)))


def issue_role(
    directory: Path, name: str, now: datetime, key: ec.EllipticCurvePublicKey | None = None
) -> Path:
    """Certify the key of a worker, monitor, trustee or provider; return the certificate's path.

    `key` is that of whoever has drawn one; without it, one is drawn here.

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
        if key is None:
            draw_secret(path.with_suffix(".key"), new_ec_key())
            key = load_ec_key(directory, f"{name}.key").public_key()
        write_public(path, _role_certificate(load_authority(directory), name, key, now))
    return path


def requested_key(data: bytes, name: str) -> ec.EllipticCurvePublicKey:
    """Return the key of a certificate signing request as PEM; `name` names its source in errors.

    Its subject says nothing: who has handed it over is known otherwise.

    Raises:
        DocumentRefused: it is none, its signature does not hold, or its key is on another curve.
    """
    try:
        request = read_request_pem(data)
    except ValueError as exc:
        raise DocumentRefused(f"{name} is no certificate signing request.") from exc
    key = request.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise DocumentRefused(f"{name} is for a key of another kind than P-256.")
    if not request.is_signature_valid:
        raise DocumentRefused(f"{name} is not signed by the key that it names.")
    return key


def issue_device(
    directory: Path, device: DeviceId, public_key: ec.EllipticCurvePublicKey, now: datetime
) -> bytes:
    """Certify a chip's key under its id; return certificate and issuer as PEM, within `exclusive`.

    Raises:
        ConfigError: the issuer is missing or has ended.
    """
    authority = load_authority(directory)
    certificate = issue_client(authority, device, public_key, now, DEVICE_VALIDITY)
    path = pki_path(directory, f"issued/{device}.pem")
    earlier = path.read_bytes() if path.exists() else b""
    write_public(path, earlier + pem(certificate))
    return authority.chained(certificate)


def issued_certificates(directory: Path, device: DeviceId) -> list[x509.Certificate]:
    """Return all certificates ever issued to a chip, oldest first.

    Raises:
        ConfigError: their file is damaged.
    """
    path = pki_path(directory, f"issued/{device}.pem")
    if not path.exists():
        return []
    try:
        return read_pem(path.read_bytes())
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
        revoked = revoked_serials(pki_path(directory, "crl.pem"))
        if any(certificate.serial_number in revoked for certificate in certificates):
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
        # Of a role's file, the issuer that follows in it is not revoked.
        issued = load_certificates(path)[:1] if role_of(name) else load_certificates(path)
        add_revoked(directory, {certificate.serial_number for certificate in issued}, now)
    return True


def add_revoked(
    directory: Path, serials: Collection[int], now: datetime, *others: Authority
) -> None:
    """Add serial numbers to the revocation lists of all issuers. Call within `exclusive`.

    Serial numbers are drawn at random, so each list may name those of all issuers. `others` are
    issuers that will be in force.

    Raises:
        ConfigError: a file is missing, or the present issuer has ended.
    """
    path = pki_path(directory, "crl.pem")
    lists = load_crls(path)
    revoked = {*serials, *revoked_serials(path)}
    write_public(
        path,
        b"".join(
            pem(revocation_list(issuer, revoked, now, _list_of(lists, issuer)))
            for issuer in (*others, *load_issuers(directory, now))
        ),
    )


def _list_of(
    lists: Sequence[x509.CertificateRevocationList], issuer: Authority
) -> x509.CertificateRevocationList | None:
    return next((each for each in lists if each.issuer == issuer.certificate.subject), None)


def forget_role(directory: Path, name: str) -> None:
    """Remove the key and certificate of a revoked role; a device has none here."""
    if role_of(name):
        for suffix in (".key", ".pem"):
            pki_path(directory, f"{name}{suffix}").unlink(missing_ok=True)


def _check_same(directory: Path, config: CloudConfig) -> None:
    """Check that what `volet cloud init` was given is what the directory has."""
    path, existing = directory / CONFIG_NAME, load_config(directory)
    if existing.collectivity != config.collectivity:
        raise ConfigError(f"{path} is {existing.collectivity}'s; name another directory.")
    differing = [
        f"{key} = {_toml(getattr(existing, key))}, not {_toml(getattr(config, key))}"
        for key in CloudConfig.__struct_fields__
        if key not in ONLY_EDITED and getattr(existing, key) != getattr(config, key)
    ]
    if differing:
        raise ConfigError(
            f"{path} has {'; '.join(differing)}. If the file is right, type what it has; if not, "
            "edit it, then run `volet cloud renew` and `volet cloud broker-config`."
        )
    load_authority(directory)
    load_trusted(directory)
    load_platform_key(directory)
    share_group(directory)
    for name in ("server", "operator"):
        load_ec_key(directory, f"{name}.key")
        load_certificate(pki_path(directory, f"{name}.pem"))
    read_document(pki_path(directory, "crl.pem"), RESTORE)


def _toml(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _draw_keys(directory: Path) -> None:
    for name in (ISSUER, "server", *_CLIENTS):
        draw_secret(pki_path(directory, f"{name}.key"), new_ec_key())
    draw_ed25519_key(directory / PLATFORM_KEY)
    draw_secret(directory / SHARE_GROUP, secrets.token_hex(SHARE_GROUP_BYTES).encode())


def _complete_authority(
    directory: Path, root: Path, config: CloudConfig, now: datetime
) -> Authority:
    """Draw a root, or take the one that is there, and have it sign the issuer and the key list."""
    key, platform = load_ec_key(directory, f"{ISSUER}.key"), directory / PLATFORM_KEY
    path = pki_path(directory, f"{ISSUER}.pem")
    if not (directory / KEY_LIST).exists():
        authority = draw_root(root, config.collectivity, now)
        _keep_or_write(pki_path(directory, TRUSTED), lambda: pem(authority.certificate))
        issuer = new_issuer(authority, key.public_key(), config.collectivity, now)
        _keep_or_write(path, lambda: pem(issuer))
        keys = KeyList(
            config.collectivity,
            roots=(ListedRoot(der(authority.certificate)),),
            issuers=(der(load_certificate(path)),),
            platform=(ListedKey(public_bytes(load_ed25519_key(platform)), 0),),
        )
        write_key_list(directory, sign_key_list(keys, authority.key))
    issuer = load_certificate(path)
    expected = issuer_name(config.collectivity, key.public_key())
    if (issuer.subject, issuer.public_key()) != (expected, key.public_key()):
        raise ConfigError(
            f"{path} is the beginning of another collectivity's; name another directory."
        )
    return load_authority(directory)


def server_certificate(
    directory: Path, authority: Authority, config: CloudConfig, now: datetime
) -> x509.Certificate:
    """Certify the broker's key for the names in its configuration.

    Raises:
        ConfigError: the key is missing, or the authority has expired.
    """
    hosts = tuple(dict.fromkeys((config.broker_host, *config.broker_names)))
    return issue_server(authority, hosts, load_ec_key(directory, "server.key").public_key(), now)


def _first_certificate(directory: Path, authority: Authority, name: str, now: datetime) -> bytes:
    key = load_ec_key(directory, f"{name}.key").public_key()
    return _role_certificate(authority, name, key, now)


def _role_certificate(
    authority: Authority, name: str, key: ec.EllipticCurvePublicKey, now: datetime
) -> bytes:
    return authority.chained(issue_client(authority, name, key, now, ROLE_VALIDITY))


def _keep_or_write(path: Path, make: Callable[[], bytes]) -> None:
    if not path.exists():
        write_public(path, make())
