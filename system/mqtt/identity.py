"""A program's identity for the broker: certificate, key, name and role, drawn where it is used."""

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from mosquitto.roles import Role, role_of
from protocol.certificates import read_pem
from protocol.errors import ConfigError
from system.certificates import Lifetime, check_chain, read_lifetimes
from system.files import draw_secret, put_public, read_document, read_secret, write_public
from system.mqtt.link import TlsFiles
from system.private_keys import new_ec_key, read_ec_key, signing_request

# In the directory of a party whose key nobody else ever has.
CA, CERTIFICATE, TLS_KEY, REQUEST = "ca.pem", "tls.pem", "tls.key", "tls.csr"


def own_files(directory: Path) -> TlsFiles:
    """Return where a party's directory has its identity."""
    return TlsFiles(directory / CA, directory / CERTIFICATE, directory / TLS_KEY)


def draw_own_key(directory: Path, name: str, next_step: str) -> bool:
    """Draw a party's TLS key and write the request to certify it under `name`, unless they are there.

    Returns whether the key is new. `next_step` ends the error's text if the key cannot be used.

    Raises:
        ConfigError: the key is damaged or open to others, or a file cannot be written.
    """
    path = directory / TLS_KEY
    is_new = draw_secret(path, new_ec_key())
    if not (directory / REQUEST).exists():
        request = signing_request(read_ec_key(read_secret(path, next_step), path), name)
        write_public(directory / REQUEST, request.public_bytes(Encoding.PEM))
    return is_new


def install_certificate(
    directory: Path, name: str, role: Role, certificate: Path, ca: Path | None, next_step: str
) -> bool:
    """Install the certificate that was issued for a party's own key; return whether it is another.

    Raises:
        ConfigError: it is not for this key, and nothing was installed; or a file cannot be read or
            written.
    """
    files = TlsFiles(ca or directory / CA, certificate, directory / TLS_KEY)
    check_identity(files, name, role, next_step)
    is_new = put_public(directory / CERTIFICATE, read_document(certificate, next_step))
    if ca is not None:
        is_new |= put_public(directory / CA, read_document(ca, next_step))
    return is_new


def own_lifetimes(directory: Path, name: str) -> tuple[Lifetime, ...]:
    """Return the lifetimes of the installed certificates.

    Raises:
        ConfigError: a certificate is damaged.
    """
    files = {"authority": directory / CA, name: directory / CERTIFICATE}
    return read_lifetimes({each: path for each, path in files.items() if path.exists()})


def check_identity(files: TlsFiles, name: str, role: Role, next_step: str) -> None:
    """Check that these files are the identity of `name`, and that `name` is valid for `role`.

    `next_step` ends the error's text if a file is missing or belongs to another identity.

    Raises:
        ConfigError: names the file that does not fit, and what to do.
    """
    if role_of(name) is not role:
        raise ConfigError(
            f"{name} is no {role}'s name, but {role} or {role}- and 1 to 24 of a-z and 0-9 is."
        )
    certificate, *issuers = _certificates(files.certificate, next_step)
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    actual = str(names[0].value) if names else "nobody"
    if actual != name:
        raise ConfigError(
            f"{files.certificate} is the certificate of {actual!r}, not of {name}; {next_step}"
        )
    try:
        check_chain((certificate, *issuers), _certificates(files.ca, next_step))
    except ConfigError as exc:
        raise ConfigError(
            f"{files.certificate} was not issued by the authority in {files.ca}; {next_step}"
        ) from exc
    try:
        key = load_pem_private_key(read_secret(files.key, next_step), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise ConfigError(f"{files.key} holds no private key in PEM; {next_step}") from exc
    if key.public_key() != certificate.public_key():
        raise ConfigError(
            f"{files.key} is not the key of the certificate {files.certificate}; {next_step}"
        )


def _certificates(path: Path, next_step: str) -> list[x509.Certificate]:
    data = read_document(path, next_step)
    try:
        return read_pem(data)
    except ValueError as exc:
        raise ConfigError(f"{path} is no certificate; {next_step}") from exc
