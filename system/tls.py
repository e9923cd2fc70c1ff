"""TLS for all programs of Volet: version 1.3, with certificates on both sides."""

import ssl
from pathlib import Path

from protocol.errors import ConfigError


def client_context(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a context that trusts only `ca` and presents `certificate`.

    The server's name is checked against its certificate.

    Raises:
        ConfigError: a file is missing or does not fit the others.
    """
    context = _context()
    try:
        context.load_verify_locations(ca)
        context.load_cert_chain(certificate, key)
    except OSError as exc:  # ssl.SSLError is one
        raise ConfigError(
            f"TLS identity {certificate} with key {key} and authority {ca} does not load: "
            f"{exc.strerror or exc}."
        ) from exc
    return context


def server_context(ca: Path) -> ssl.SSLContext:
    """Return a context that trusts only `ca` and presents no certificate.

    Raises:
        ConfigError: the file is missing or holds no certificate.
    """
    context = _context()
    try:
        context.load_verify_locations(ca)
    except OSError as exc:  # ssl.SSLError is one
        raise ConfigError(f"Authority {ca} does not load: {exc.strerror or exc}.") from exc
    return context


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
