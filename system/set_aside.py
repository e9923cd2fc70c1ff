"""Sets aside what the program cannot handle, so that everything else goes on.

A message that meets a defect is remembered by its hash, over restarts: the broker delivers a
retained message anew in each session. It is tried again after a day, because an error may also
have come from the program's state, or be mended by then. Nothing of its content is kept or logged.
"""

import hashlib
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

from protocol.calendar import Instant
from protocol.errors import (
    ConfigError,
    MessageRefused,
    StoreError,
    TransportError,
    VoletError,
)
from protocol.json_text import read_json
from system.conditions import Repeated
from system.files import read_secret, write_secret
from system.logs import raised_at
from system.sqlite_errors import CAUSED_BY_A_VALUE

FILE_NAME = "set-aside.json"
AGAIN_AFTER = timedelta(days=1)
# One line has about 200 bytes. Beyond this, the oldest is forgotten and its message met anew.
KEPT_MAX = 1_000

T = TypeVar("T")

log = structlog.get_logger()


class SetAsideMessage(msgspec.Struct, frozen=True):
    """A message that met a defect: its hash and kind, the error's class and place, and when."""

    sha256: str
    kind: str
    defect: str
    where: str
    at: Instant


class SetAside:
    """The messages that this program could not handle.

    One program uses the file at a time. Without a file, they are forgotten at its end.
    """

    def __init__(
        self, path: Path | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Continue with what `path` holds."""
        self._path = path
        self._now = now
        self._messages = {} if path is None else {m.sha256: m for m in read_set_aside(path)}
        self._repeated = Repeated()
        self._is_kept = True

    @property
    def messages(self) -> tuple[SetAsideMessage, ...]:
        """The messages set aside, the oldest first."""
        return tuple(self._messages.values())

    def holds(self, payload: bytes) -> bool:
        """Return whether a message is set aside and not to be tried again yet."""
        if not self._messages:
            return False
        known = self._messages.get(hashlib.sha256(payload).hexdigest())
        return known is not None and timedelta() <= self._now() - known.at < AGAIN_AFTER

    def handle(
        self,
        kind: str,
        payload: bytes,
        step: Callable[[], T],
        otherwise: T,
        refusal: type[VoletError] = MessageRefused,
    ) -> T:
        """Return what `step` makes of a message, or `otherwise` if it is, or was, set aside.

        Raises:
            VoletError: a `refusal` by `step`, which has checked the message.
            StoreError, TransportError, sqlite3.Error: from `step`; the message can be handled once
                store and network are well again.
        """
        if self.holds(payload):
            return otherwise
        return _attempt(step, otherwise, refusal, partial(self.add, kind, payload))

    def add(self, kind: str, payload: bytes, defect: Exception) -> None:
        """Set aside a message that met `defect`, and log it."""
        name, where = type(defect).__name__, raised_at(defect)
        if times := self._repeated.found(kind, name, where):
            log.error("message_set_aside", kind=kind, defect=name, where=where, times=times)
        if isinstance(defect, OSError):
            return  # of this machine, not of the message
        sha256 = hashlib.sha256(payload).hexdigest()
        self._messages.pop(sha256, None)
        self._messages[sha256] = SetAsideMessage(sha256, kind, name, where, self._now())
        while len(self._messages) > KEPT_MAX:
            del self._messages[next(iter(self._messages))]
        self._keep()

    def part(
        self,
        name: str,
        step: Callable[[], T],
        otherwise: T,
        refusal: type[VoletError] = ConfigError,
    ) -> T:
        """Return the result of one part of a program's round, or `otherwise` after a defect.

        The part is tried again in the next round.

        Raises:
            VoletError: a `refusal` by `step`, after which the operator must act.
            StoreError, TransportError, sqlite3.Error: from `step`.
        """
        return _attempt(step, otherwise, refusal, partial(self.report, name))

    def report(self, part: str, defect: Exception) -> None:
        """Log that a part of a program's round has failed."""
        name, where = type(defect).__name__, raised_at(defect)
        if times := self._repeated.found(part, name, where):
            log.error("part_failed", part=part, defect=name, where=where, times=times)

    def _keep(self) -> None:
        if self._path is None:
            return
        try:
            write_secret(self._path, msgspec.json.encode(self.messages))
            self._is_kept = True
        except (ConfigError, OSError) as exc:
            if self._is_kept:
                log.warning("set_aside_not_kept", why=str(exc))
            self._is_kept = False


def _attempt(
    step: Callable[[], T],
    otherwise: T,
    refusal: type[VoletError],
    met: Callable[[Exception], None],
) -> T:
    """Return the result of `step`; after a defect, which `met` is given, return `otherwise`."""
    try:
        return step()
    except Exception as exc:
        if isinstance(exc, refusal) or is_passing(exc):
            raise
        met(exc)
        return otherwise


def is_passing(exc: Exception) -> bool:
    """Return whether an error is of the store or the network, not of what was handled."""
    if isinstance(exc, StoreError | TransportError):
        return True
    return isinstance(exc, sqlite3.Error) and not isinstance(exc, CAUSED_BY_A_VALUE)


def read_set_aside(path: Path) -> tuple[SetAsideMessage, ...]:
    """Return the messages in a file; none if it is missing, damaged or open to others."""
    try:
        return read_json(read_secret(path, ""), tuple[SetAsideMessage, ...])
    except (ConfigError, msgspec.MsgspecError):
        return ()
