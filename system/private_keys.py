"""Private keys in PEM: drawn, read, and named to whoever certifies them."""

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from protocol.errors import ConfigError


def new_ec_key() -> bytes:
    """Draw a key on P-256, for TLS and certificates; return it as PEM."""
    return _pem(generate_private_key(SECP256R1()))


def new_ed25519_key() -> bytes:
    """Draw a key that signs messages or documents; return it as PEM."""
    return _pem(Ed25519PrivateKey.generate())


def read_ec_key(pem: bytes, path: Path) -> EllipticCurvePrivateKey:
    """Read a key on an elliptic curve, which stands in `path`; raises ConfigError if it is none."""
    key = _read(pem, path)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise ConfigError(f"{path} is no elliptic-curve key.")
    return key


def read_ed25519_key(pem: bytes, path: Path) -> Ed25519PrivateKey:
    """Read an Ed25519 key, which stands in `path`; raises ConfigError if it is none."""
    key = _read(pem, path)
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path} is no Ed25519 key.")
    return key


def signing_request(key: EllipticCurvePrivateKey, name: str = "") -> x509.CertificateSigningRequest:
    """Return a request to certify a key (PKCS #10), by default under a name that the issuer chooses."""
    names = [x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    return builder.sign(key, SHA256())


def _read(pem: bytes, path: Path) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise ConfigError(f"{path} holds no private key in PEM.") from exc


def _pem(key: EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
