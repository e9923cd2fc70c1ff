"""Checks a program's identity for the broker: certificate, key, name and role."""

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from mosquitto.roles import Role, role_of
from protocol.certificates import read_pem
from protocol.errors import ConfigError
from system.certificates import check_chain
from system.files import read_document, read_secret
from system.mqtt.link import TlsFiles


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
