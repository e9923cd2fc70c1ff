"""Counts every message that the chip publishes, by legal day and kind, for its household to see.

Each day has a file of its own beside the vault, below 4 kB, so that a minute's write costs an SD
card one small file, and a damaged one costs its own day alone. What is counted is what was handed
to a session: a message that is sent again counts again.
"""

import threading
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import structlog

from protocol.calendar import Instant, legal_day
from protocol.errors import ConfigError
from protocol.json_text import read_json
from protocol.topics import kind_of
from system.conditions import Condition
from system.files import make_private_dir, read_secret, write_secret

FOLDER = "sent"
# As long as quarter-hours are kept unless the household chooses otherwise; 400 kB on a card.
DAYS_KEPT = 100
WRITTEN_EVERY_S = 60.0
# The status message that each connection leaves with the broker, for the case that it breaks.
LAST_WILL = "will"
_NAME = "{day}.json"
_KINDS_MAX = 32
# Days that could not be written yet: more of them are given up, the oldest first.
_UNWRITTEN_MAX = 3

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_KindName = Annotated[str, msgspec.Meta(max_length=32)]

log = structlog.get_logger()


class SentKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The messages of one kind on a day: how many, their payloads' bytes, and from when to when."""

    count: _Count
    size_bytes: _Count
    first: Instant
    last: Instant

    def and_also(self, other: "SentKind") -> "SentKind":
        """Return both together."""
        return SentKind(
            self.count + other.count,
            self.size_bytes + other.size_bytes,
            min(self.first, other.first),
            max(self.last, other.last),
        )


class SentDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was published on a legal day.

    Attributes:
        since: from when on it is counted, None if from the day's beginning.
        is_anew: the count of before `since` was damaged.
        kinds: by the topic's kind, or `LAST_WILL`.
    """

    day: date
    since: Instant | None = None
    is_anew: bool = False
    kinds: Annotated[dict[_KindName, SentKind], msgspec.Meta(max_length=_KINDS_MAX)] = {}


class SentAccount:
    """The account of one chip; `count` and `of` are for any thread, `keep` for the chip's loop."""

    def __init__(
        self,
        directory: Path,
        now: Callable[[], datetime],
        monotonic_s: Callable[[], float],
    ) -> None:
        """Go on from what `directory`, the chip's, holds of today."""
        self._folder = directory / FOLDER
        self._now = now
        self._lock = threading.Lock()
        self._unwritten: dict[date, SentDay] = {}
        self._write_at_s = monotonic_s() + WRITTEN_EVERY_S
        self._monotonic_s = monotonic_s
        self._failing = Condition(monotonic_s)
        at = _whole_seconds(now())
        self._day = self._begun(legal_day(at), at)

    def count(self, topic: str, payload: bytes) -> None:
        """Count a message that goes out on `topic`."""
        self._add(kind_of(topic), len(payload))

    def count_will(self, payload: bytes) -> None:
        """Count the last will that a connection leaves with the broker."""
        self._add(LAST_WILL, len(payload))

    def of(self, day: date) -> SentDay | None:
        """Return what was published on `day`; None if nothing is known of it."""
        with self._lock:
            known = self._day if self._day.day == day else self._unwritten.get(day)
        return known or _load(self._path(day))

    def keep(self, *, is_end: bool = False) -> None:
        """Write what has changed, once a minute at most, or at once at the end."""
        if not self._unwritten or (self._monotonic_s() < self._write_at_s and not is_end):
            return
        self._write_at_s = self._monotonic_s() + WRITTEN_EVERY_S
        with self._lock:
            unwritten, self._unwritten = self._unwritten, {}
        try:
            make_private_dir(self._folder)
            for day, sent in unwritten.items():
                write_secret(self._path(day), msgspec.json.encode(sent))
            self._forget_old()
        except (ConfigError, OSError) as exc:
            with self._lock:
                waiting = unwritten | self._unwritten
                newest = sorted(waiting)[-_UNWRITTEN_MAX:]
                self._unwritten = {day: waiting[day] for day in newest}
            if self._failing.begins():
                log.warning("sent_not_kept", why=str(exc))
            return
        self._failing.ends()

    def _add(self, kind: str, size_bytes: int) -> None:
        at = _whole_seconds(self._now())
        one = SentKind(1, size_bytes, at, at)
        with self._lock:
            if (day := legal_day(at)) != self._day.day:
                self._day = self._unwritten.get(day) or self._begun(day, None)
            kinds = self._day.kinds
            sum_ = kinds[kind].and_also(one) if kind in kinds else one
            self._day = msgspec.structs.replace(self._day, kinds=kinds | {kind: sum_})
            self._unwritten[day] = self._day

    def _begun(self, day: date, since: datetime | None) -> SentDay:
        """Return what is known of a day that begins, or goes on; without any count, from `since`."""
        path = self._path(day)
        if (kept := _load(path)) is not None:
            return kept
        if not path.exists():
            return SentDay(day, since)
        log.warning("sent_counted_anew", day=day.isoformat())
        return SentDay(day, since or _whole_seconds(self._now()), is_anew=True)

    def _path(self, day: date) -> Path:
        return self._folder / _NAME.format(day=day)

    def _forget_old(self) -> None:
        for path in sorted(self._folder.glob(_NAME.format(day="*")))[:-DAYS_KEPT]:
            path.unlink(missing_ok=True)


def _load(path: Path) -> SentDay | None:
    try:
        kept = read_json(read_secret(path, ""), SentDay)
    except (ConfigError, msgspec.MsgspecError):
        return None
    return kept if path.name == _NAME.format(day=kept.day) else None


def _whole_seconds(at: datetime) -> datetime:
    return at.replace(microsecond=0)
