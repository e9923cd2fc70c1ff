"""When certificates end, and saying so in time: the one mechanism of all programs.

A warning comes when a third, a sixth and a twentieth of the lifetime is left, once each in a
process. What `volet cloud renew` renews each month is renewed at a half, so it stays silent for as
long as that works.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog
from cryptography import x509

from protocol.errors import ConfigError
from system.conditions import Condition
from system.files import read_document

# Shares of the lifetime, as 1/n.
WARN_AT = (3, 6, 20)
LOOK_EVERY_S = 3_600.0

log = structlog.get_logger()


class Lifetime(msgspec.Struct, frozen=True):
    """From when until when the certificate `name` holds."""

    name: str
    not_before: datetime
    not_after: datetime

    def is_within(self, share: int, now: datetime) -> bool:
        """Say whether no more than 1/`share` of the lifetime is left."""
        return (self.not_after - now) * share <= self.not_after - self.not_before

    def days_left(self, now: datetime) -> int:
        """Return whole days, negative for a certificate that has ended."""
        return (self.not_after - now) // timedelta(days=1)


def lifetime_of(name: str, certificate: x509.Certificate) -> Lifetime:
    """Return the lifetime of a certificate under the name by which people know it."""
    return Lifetime(name, certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def read_lifetimes(files: Mapping[str, Path]) -> tuple[Lifetime, ...]:
    """Read the lifetimes of the certificates in `files`, by name; raises as `read_lifetime`."""
    return tuple(read_lifetime(name, path) for name, path in files.items())


def read_lifetime(name: str, path: Path) -> Lifetime:
    """Read the lifetime of the certificate in a file.

    Raises:
        ConfigError: it is not there, or none.
    """
    data = read_document(path, "put it back from a backup.")
    try:
        return lifetime_of(name, x509.load_pem_x509_certificate(data))
    except ValueError as exc:
        raise ConfigError(f"{path} is no certificate.") from exc


class CertificateWatch:
    """Says in the log which certificates end, each threshold once."""

    def __init__(
        self, lifetimes: Callable[[], Iterable[Lifetime]], clock: Callable[[], datetime]
    ) -> None:
        """Watch what `lifetimes` returns, which is read anew each time: certificates are renewed."""
        self._lifetimes = lifetimes
        self._clock = clock
        self._said: dict[tuple[str, datetime], int] = {}
        self._look_at_s = float("-inf")
        self._unreadable = Condition()

    def look(self) -> None:
        """Log what has come nearer to its end than was said before."""
        now = self._clock()
        try:
            lifetimes = tuple(self._lifetimes())
        except ConfigError as exc:
            if self._unreadable.begins(str(exc)):
                log.warning("certificate_unreadable", why=str(exc))
            return
        if self._unreadable.ends():
            log.info("certificate_readable")
        for each in lifetimes:
            share = max((n for n in WARN_AT if each.is_within(n, now)), default=0)
            if share <= self._said.get((each.name, each.not_after), 0):
                continue
            self._said[each.name, each.not_after] = share
            days = each.days_left(now)
            log.warning(
                "certificate_ends",
                certificate=each.name,
                not_after=each.not_after.isoformat(),
                days=days,
            )

    def look_each_hour(self, now_s: float) -> None:
        """Look if the last time lies an hour back; `now_s` runs evenly."""
        if now_s >= self._look_at_s:
            self._look_at_s = now_s + LOOK_EVERY_S
            self.look()

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """Look now and each hour for as long as a program does its work."""
        task = asyncio.create_task(self._keep_looking(), name="certificates")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _keep_looking(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)
