"""Warns before certificates expire, for all programs.

A process warns when a third, a sixth and a twentieth of the lifetime is left, once for each.
`volet cloud renew` renews certificates monthly, once half of their lifetime has passed, so there is
no warning while that works.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from protocol.certificates import read_pem
from protocol.errors import ConfigError
from system.beside import running_beside
from system.conditions import Condition
from system.files import read_document

# Shares of the lifetime, as 1/n.
WARN_AT = (3, 6, 20)
# Whoever runs a program must act when a sixth of the lifetime is left.
ENDS_SOON = 6
LOOK_EVERY_S = 3_600.0

log = structlog.get_logger()


class Lifetime(msgspec.Struct, frozen=True):
    """The period in which the certificate `name` is valid."""

    name: str
    not_before: datetime
    not_after: datetime

    def is_within(self, share: int, now: datetime) -> bool:
        """Return whether at most 1/`share` of the lifetime is left."""
        return (self.not_after - now) * share <= self.not_after - self.not_before

    def days_left(self, now: datetime) -> int:
        """Return the whole days left, negative for an expired certificate."""
        return (self.not_after - now) // timedelta(days=1)


def lifetime_of(name: str, certificate: x509.Certificate) -> Lifetime:
    """Return the lifetime of a certificate under the name that people use for it."""
    return Lifetime(name, certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def check_chain(chain: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate]) -> None:
    """Check that each certificate was issued by the next one, and the last by a trusted one.

    A chain may go on to an older authority than the one that is trusted. Validity is for TLS to
    check: what was signed while an authority was valid stays signed.

    Raises:
        ConfigError: no trusted certificate issued any of the chain.
    """
    for place, certificate in enumerate(chain):
        if any(is_issued_by(certificate, authority) for authority in trusted):
            return
        if place + 1 == len(chain) or not is_issued_by(certificate, chain[place + 1]):
            break
    raise ConfigError("the certificate was not issued by the authority that is trusted here")


def is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Return whether an authority's key has signed a certificate, which names it as its issuer."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return _is_authority(authority)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def read_lifetimes(files: Mapping[str, Path]) -> tuple[Lifetime, ...]:
    """Read the lifetimes of the certificates in `files`, by name; raises like `read_lifetime`."""
    return tuple(read_lifetime(name, path) for name, path in files.items())


def read_lifetime(name: str, path: Path) -> Lifetime:
    """Read the lifetime of the certificate in a file.

    Raises:
        ConfigError: it is missing, or not a certificate.
    """
    data = read_document(path, "put it back from a backup.")
    try:
        return lifetime_of(name, read_pem(data)[0])
    except ValueError as exc:
        raise ConfigError(f"{path} is no certificate.") from exc


class CertificateWatch:
    """Logs which certificates are about to expire, once per threshold."""

    def __init__(
        self, lifetimes: Callable[[], Iterable[Lifetime]], clock: Callable[[], datetime]
    ) -> None:
        """Watch the certificates that `lifetimes` returns; it is called each time, for renewals."""
        self._lifetimes = lifetimes
        self._clock = clock
        self._warned: dict[tuple[str, datetime], int] = {}
        self._look_at_s = float("-inf")
        self._unreadable = Condition()

    def look(self) -> None:
        """Log each certificate that has passed a further threshold."""
        now = self._clock()
        try:
            lifetimes = tuple(self._lifetimes())
        except ConfigError as exc:
            if self._unreadable.begins(str(exc)):
                log.warning("certificate_unreadable", why=str(exc))
            return
        if self._unreadable.ends():
            log.info("certificate_readable")
        for lifetime in lifetimes:
            share = max((n for n in WARN_AT if lifetime.is_within(n, now)), default=0)
            if share <= self._warned.get((lifetime.name, lifetime.not_after), 0):
                continue
            self._warned[lifetime.name, lifetime.not_after] = share
            days = lifetime.days_left(now)
            log.warning(
                "certificate_ends",
                certificate=lifetime.name,
                not_after=lifetime.not_after.isoformat(),
                days=days,
            )

    def look_each_hour(self, now_s: float) -> None:
        """Look if the last look was an hour ago; `now_s` is monotonic."""
        if now_s >= self._look_at_s:
            self._look_at_s = now_s + LOOK_EVERY_S
            self.look()

    def beside(self) -> AbstractAsyncContextManager[None]:
        """Look now and every hour while the block runs."""
        return running_beside(self._keep_looking(), "certificates")

    async def _keep_looking(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)
