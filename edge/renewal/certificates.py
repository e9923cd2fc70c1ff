"""A chip's certificate in use (`device.pem`), and the next one until it has worked.

The next one is kept in `device.next.pem` and shown from the next session on. It takes the place of
the first once the broker has accepted it; if the broker refuses it, the first one is shown again.
"""

import ssl
from collections.abc import Sequence
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from edge.identity.enrolment import Identity
from edge.identity.platform_keys import key_list_of
from edge.mqtt.message import Absence
from protocol.certificates import read_all_der, read_pem
from protocol.errors import ConfigError, DocumentRefused
from protocol.key_list import UNREADABLE
from protocol.renewal import RenewedCertificate
from system.certificates import check_chain
from system.files import read_document, write_public
from system.private_keys import read_ec_key, signing_request
from system.tls import client_context

NEXT = "device.next.pem"
# The broker does not accept the chip's certificate, or the chip the broker's.
CERTIFICATE_TROUBLE = frozenset({Absence.EXPIRED, Absence.AUTHORITY, Absence.CERTIFICATE})

log = structlog.get_logger()


class Certificates:
    """The certificates of one chip. Used by the loop and by the link's thread."""

    def __init__(self, identity: Identity) -> None:
        """Go on with the files of `identity`."""
        self._identity = identity
        self._path = identity.certificate_path
        self._next_path = self._path.with_name(NEXT)
        self._is_trying_next = False

    def tls_context(self) -> ssl.SSLContext:
        """Return the context of the next session.

        Raises:
            ConfigError: a file is missing or does not fit.
        """
        self._is_trying_next = self.has_next
        path = self._next_path if self._is_trying_next else self._path
        listed = key_list_of(self._identity.platform_key)
        return client_context(self._identity.ca_path, path, self._identity.tls_key_path, listed)

    @property
    def has_next(self) -> bool:
        """Whether a certificate waits for its first session."""
        return self._next_path.exists()

    def current(self) -> x509.Certificate:
        """Return the certificate in use. Raises ConfigError if it is missing or damaged."""
        return self._read(self._path)[0]

    def worked(self) -> None:
        """Put the next certificate in the place of the first, if a session was made with it."""
        if self._is_trying_next and self.has_next:
            write_public(self._path, self._next_path.read_bytes())
            self._next_path.unlink()
            self._is_trying_next = False
            log.info("certificate_renewed")

    def failed(self, why: Absence) -> bool:
        """Drop the next certificate if the broker has refused it; return whether it has."""
        if not self._is_trying_next or why not in CERTIFICATE_TROUBLE:
            return False
        self._next_path.unlink(missing_ok=True)
        self._is_trying_next = False
        log.warning("next_certificate_refused", why=why)
        return True

    def put(self, renewed: RenewedCertificate, *, is_shut_out: bool = False) -> None:
        """Check the collectivity's answer and keep it as the next certificate.

        It must end later than the present one. If the broker has shut that one out, any other will
        do: the present one may be by an issuer that was withdrawn, and have years to go.

        Raises:
            DocumentRefused: it is not for this chip, not by a listed issuer, or no newer one.
        """
        try:
            chain = read_all_der(renewed.chain)
            check_chain(chain, self._read(self._identity.ca_path))
        except (*UNREADABLE, ConfigError) as exc:
            raise DocumentRefused("The certificate is not by the chip's authority.") from exc
        self._check(chain, renewed.chain)
        present = self.current()
        if is_shut_out and chain[0] == present:
            raise DocumentRefused("The certificate is the one that the broker refuses.")
        if not is_shut_out and chain[0].not_valid_after_utc <= present.not_valid_after_utc:
            raise DocumentRefused("The certificate ends no later than the present one.")
        pem = b"".join(each.public_bytes(Encoding.PEM) for each in chain)
        write_public(self._next_path, pem)
        log.info("next_certificate_kept", not_after=chain[0].not_valid_after_utc.isoformat())

    def _check(self, chain: Sequence[x509.Certificate], encoded: Sequence[bytes]) -> None:
        certificate = chain[0]
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if [name.value for name in names] != [self._identity.device]:
            raise DocumentRefused("The certificate is another device's.")
        if certificate.public_key() != self._tls_key().public_key():
            raise DocumentRefused("The certificate is not for this chip's TLS key.")
        listed = key_list_of(self._identity.platform_key)
        if listed is not None and encoded[1] not in listed.issuers[listed.withdrawn :]:
            raise DocumentRefused("The certificate is by an issuer that is not listed, or no more.")

    def _tls_key(self) -> ec.EllipticCurvePrivateKey:
        path = self._identity.tls_key_path
        return read_ec_key(path.read_bytes(), path)

    def signing_request(self) -> bytes:
        """Return a signing request (PKCS #10, DER) for the chip's TLS key."""
        return signing_request(self._tls_key()).public_bytes(Encoding.DER)

    @staticmethod
    def _read(path: Path) -> list[x509.Certificate]:
        data = read_document(path, "put it back from a copy.")
        try:
            return read_pem(data)
        except ValueError as exc:
            raise ConfigError(f"{path} is no certificate; put it back from a copy.") from exc
