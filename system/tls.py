"""TLS for all programs of Volet: version 1.3, with certificates on both sides.

A server of the web at large is spoken to in 1.2 as well.
"""

import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509

from protocol.errors import ConfigError
from system.certificates import is_issued_by

# X509_V_ERR_CERT_REVOKED of OpenSSL's x509_vfy.h.
WITHDRAWN_CODE = 23


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


def refuse_issuers(context: ssl.SSLContext, withdrawn: Sequence[x509.Certificate]) -> None:
    """Have a client's handshake fail if an authority in `withdrawn` issued the server's certificate.

    It fails with `SSLCertVerificationError`, before the client has sent anything inside TLS.
    """

    class Socket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - ssl's own form
            super().do_handshake(block)
            encoded = self.getpeercert(binary_form=True) or b""
            certificate = x509.load_der_x509_certificate(encoded)
            if any(is_issued_by(certificate, each) for each in withdrawn):
                error = ssl.SSLCertVerificationError("a withdrawn issuer signed the certificate")
                error.verify_code = WITHDRAWN_CODE
                self.close()
                raise error

    context.sslsocket_class = Socket


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


def web_context() -> ssl.SSLContext:
    """Return a context that trusts the authorities that this machine trusts, for HTTPS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    return context


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
