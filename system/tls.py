"""TLS for all programs of Volet: version 1.3, with certificates on both sides.

A server of the web at large is spoken to in 1.2 as well.

Whoever has the collectivity's key list trusts the authorities that it names. Each of them counts for
itself (OpenSSL's partial chains): an issuer of a root that was replaced need not lead to that root,
which counts no more.
"""

import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509

from protocol.certificates import UnreadableCertificate, read_all_der, read_der
from protocol.errors import ConfigError
from protocol.key_list import KeyList
from system.certificates import is_issued_by

# X509_V_ERR_CERT_REVOKED of OpenSSL's x509_vfy.h.
WITHDRAWN_CODE = 23


def client_context(
    ca: Path, certificate: Path, key: Path, listed: KeyList | None = None
) -> ssl.SSLContext:
    """Return a context that presents `certificate`, and trusts only `ca` or, if given, the key list.

    The server's name is checked against its certificate.

    Raises:
        ConfigError: a file is missing or does not fit the others.
    """
    context = _context()
    try:
        _trust(context, ca, listed)
        context.load_cert_chain(certificate, key)
    except OSError as exc:  # ssl.SSLError is one
        raise ConfigError(
            f"TLS identity {certificate} with key {key} and authority {ca} does not load: "
            f"{exc.strerror or exc}."
        ) from exc
    return context


def _trust(context: ssl.SSLContext, ca: Path, listed: KeyList | None) -> None:
    """Trust the authorities of a key list, or without one those in `ca`. Raises OSError."""
    if listed is None:
        context.load_verify_locations(ca)
        return
    pem = "".join(map(ssl.DER_cert_to_PEM_cert, listed.authorities))
    context.load_verify_locations(cadata=pem)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if listed.withdrawn:
        _refuse_issuers(context, read_all_der(listed.withdrawn_issuers))


def _refuse_issuers(context: ssl.SSLContext, withdrawn: Sequence[x509.Certificate]) -> None:
    """Have a client's handshake fail if an authority in `withdrawn` issued the server's certificate.

    It fails with `SSLCertVerificationError`, before the client has sent anything inside TLS.
    """

    class Socket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - ssl's own form
            super().do_handshake(block)
            encoded = self.getpeercert(binary_form=True) or b""
            try:
                certificate = read_der(encoded)
                is_refused = any(is_issued_by(certificate, each) for each in withdrawn)
            except UnreadableCertificate:
                is_refused = True
            if is_refused:
                error = ssl.SSLCertVerificationError("a withdrawn issuer signed the certificate")
                error.verify_code = WITHDRAWN_CODE
                self.close()
                raise error

    context.sslsocket_class = Socket


def server_context(ca: Path, listed: KeyList | None = None) -> ssl.SSLContext:
    """Return a context that presents no certificate, and trusts as `client_context` does.

    Raises:
        ConfigError: the file is missing or holds no certificate.
    """
    context = _context()
    try:
        _trust(context, ca, listed)
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
