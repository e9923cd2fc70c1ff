"""Reports the chip's status: stored for the household at once, published on a schedule."""

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import msgspec

from edge.identity.enrolment import Identity
from edge.mqtt.message import Absence, Connected, Disconnected, LinkEvent, Publish, Unreachable
from edge.status.line import LineState, LineWatch
from edge.status.machine import Machine, MachineWatch
from edge.status.presence import (
    Presence,
    SessionState,
    StatusFile,
    StatusRecord,
    this_process,
)
from edge.status.schedule import Facts, PublishedStatus, Schedule
from edge.status.software import read_software
from edge.tic.repeater.choice import RepeaterState
from protocol.errors import ConfigError
from protocol.status import TEXT_MAX, State, Status, decode_status, encode_status, whole_hour
from system.certificates import read_lifetime
from system.clock import Clock

# Both speeds and modes of a line are tried within this time.
INIT = timedelta(seconds=60)
KEPT_EVERY_S = 5.0
_BOOT_BYTES = 6


@lru_cache(maxsize=1)
def software() -> str:
    """Return the running version of Volet."""
    return version("volet")


def _unknown_end() -> datetime | None:
    return None


def _never_rolled_back() -> str | None:
    return None


def _rolled_back_from() -> str | None:
    """Return the release that was taken back to this one, cut to what a status holds."""
    release = read_software()
    if release is None or release.taken_back is None:
        return None
    return release.taken_back.version[:TEXT_MAX]


def _not_repeated() -> RepeaterState | None:
    return None


@dataclass(frozen=True, slots=True)
class StatusOptions:
    """What the status needs from the machine.

    Attributes:
        file: where it is kept, None if it is not kept.
        machine: measures the machine.
        not_after: returns when the chip's certificate expires.
        source: where the chip reads the meter.
        repeater: returns how the line is repeated, None if it is not to be.
        rolled_back_from: returns the release that was tried and taken back to this one, None if none
            was; this changes with a start only.
    """

    file: StatusFile | None = None
    machine: Callable[[], Machine] = Machine
    not_after: Callable[[], datetime | None] = _unknown_end
    source: str = ""
    repeater: Callable[[], RepeaterState | None] = _not_repeated
    rolled_back_from: Callable[[], str | None] = _never_rolled_back


def status_options(
    directory: Path,
    identity: Identity,
    clock: Clock,
    source: str,
    repeater: Callable[[], RepeaterState | None] = _not_repeated,
) -> StatusOptions:
    """Return what the status needs, for a chip in `directory` that reads the meter on `source`."""

    def not_after() -> datetime | None:
        try:
            return read_lifetime("chip", identity.certificate_path).not_after
        except ConfigError:
            return None  # the link reports what is wrong with it

    return StatusOptions(
        StatusFile(directory),
        MachineWatch(directory, clock),
        not_after,
        source,
        repeater,
        _rolled_back_from,
    )


class StatusCounts(msgspec.Struct, frozen=True):
    """The counts of a status message."""

    outbox_depth: int
    refused: int


@dataclass(slots=True)
class _Memory:
    """What was last stored, and when."""

    kept: StatusRecord
    at_s: float = float("-inf")
    was_good: bool = False


class StatusReporter:
    """Watches line and session; `outgoing` returns the status when it is due."""

    def __init__(
        self,
        topic: str,
        clock: Clock,
        line: LineWatch,
        options: StatusOptions,
        rng: random.Random,
    ) -> None:
        """Publish on `topic`, continuing from the stored record."""
        self._topic = topic
        self._clock = clock
        self._line = line
        self._options = options
        record = StatusRecord() if options.file is None else options.file.read()
        self._memory = _Memory(record)
        self._revoked_at = record.revoked_at
        self._schedule = Schedule(record.told, rng)
        self._boot = secrets.token_hex(_BOOT_BYTES)
        self._process = this_process()
        self._started_at = self._line_since = clock.now()
        self._session = SessionState(is_up=False, since=clock.now(), why=Absence.STARTING)
        self._not_after = options.not_after()
        self._rolled_back_from = options.rolled_back_from()
        self._has_left = False
        self._had_session = self._is_back = False
        self._shown: State | None = None

    def take(self, event: LinkEvent) -> None:
        """Record an event of the link."""
        if isinstance(event, Connected):
            if not event.is_resumed:
                self._schedule.shown(State.LOST)
            # The first session of a process may follow a tripped main switch.
            self._is_back = event.is_resumed and self._had_session
            self._had_session = True
            self._not_after = self._options.not_after()
            self._revoked_at = None
            self._set_session(is_up=True, why=None)
        elif isinstance(event, Disconnected):
            self._set_session(is_up=False, why=Absence.NETWORK)
        elif isinstance(event, Unreachable):
            if event.why is Absence.REVOKED:
                self._revoked_at = self._revoked_at or self._clock.now()
            self._set_session(is_up=False, why=event.why)

    def take_shown(self, payload: bytes) -> None:
        """Take the status of this chip that the broker shows; an empty one has been cleared.

        Raises:
            MessageRefused: it is no status.
        """
        if payload:
            self._shown = decode_status(payload).state

    def outgoing(self, count: Callable[[], StatusCounts], *, has_left: bool) -> list[Publish]:
        """Store what has changed, and return the status if it is due and there is a session."""
        self._has_left = has_left
        line = self._line.state(self._clock.monotonic_s())
        self._keep(line)
        now, now_s = self._clock.now(), self._clock.monotonic_s()
        if self._session.is_up and self._shown is not None:
            is_early = self._is_back and self._shown is State.LOST
            self._schedule.shown(self._shown, is_early=is_early)
            self._shown = None
        published = self._schedule.step(self._facts(line), now, now_s, may_send=self._session.is_up)
        return [] if published is None else self._message(published, line, count())

    def goodbye(self, counts: StatusCounts) -> Publish | None:
        """Return the last status of a chip that stops; None if the broker's will reports it."""
        line = self._line.state(self._clock.monotonic_s())
        self._memory.at_s = float("-inf")  # store now, since there is no later
        self._keep(line)
        published = self._schedule.goodbye(self._clock.now())
        return next(iter([] if published is None else self._message(published, line, counts)), None)

    def _set_session(self, *, is_up: bool, why: Absence | None) -> None:
        if (is_up, why) != (self._session.is_up, self._session.why):
            self._session = SessionState(is_up, self._clock.now(), why)

    def _facts(self, line: LineState) -> Facts:
        return Facts(
            self._state(line), line.mode, software(), self._not_after, self._rolled_back_from
        )

    def _state(self, line: LineState) -> State:
        if self._has_left:
            return State.SLEEPING
        if line.last_frame_at is None and self._clock.now() - self._started_at < INIT:
            return State.INIT
        return State.ALERT if line.is_poor else State.READY

    def _keep(self, line: LineState) -> None:
        """Write if line or session have changed, but not each time for a line that flickers."""
        if line.is_good is not self._memory.was_good:
            self._memory.was_good, self._line_since = line.is_good, self._clock.now()
        now_s = self._clock.monotonic_s()
        before = self._memory.kept.presence
        presence = Presence(
            *self._process,
            self._boot,
            self._started_at,
            line,
            self._line_since,
            self._session,
            self._options.source,
            self._options.repeater(),
        )
        is_new = before is None or _essence(before) != _essence(presence)
        if is_new and now_s - self._memory.at_s >= KEPT_EVERY_S:
            self._memory.at_s = now_s
            self._write(StatusRecord(presence, self._memory.kept.told, self._revoked_at))

    def _write(self, record: StatusRecord) -> bool:
        self._memory.kept = record
        return self._options.file is None or self._options.file.write(record)

    def _message(
        self, published: PublishedStatus, line: LineState, counts: StatusCounts
    ) -> list[Publish]:
        """Return the message once it is stored; if that failed, it could be sent over and over."""
        if not self._write(StatusRecord(self._memory.kept.presence, published, self._revoked_at)):
            return []
        machine, facts = self._options.machine(), published.facts
        status = Status(
            state=facts.state,
            at=whole_hour(self._clock.now()),
            software=facts.software,
            software_rolled_back_from=facts.software_rolled_back_from,
            boot=self._boot,
            tic_mode=line.mode,
            line_quality=line.quality,
            clock_offset_s=line.clock_offset_s,
            outbox_depth=counts.outbox_depth,
            refused=counts.refused,
            not_after=None if facts.not_after is None else whole_hour(facts.not_after),
            disk_free_mb=machine.disk_free_mb,
            written_mb_a_day=machine.written_mb_a_day,
            temperature_c=machine.temperature_c,
            undervoltage=machine.undervoltage,
        )
        return [Publish(self._topic, encode_status(status), retain=True)]


def last_will() -> bytes:
    """Return what the broker publishes for a chip that disappears without a goodbye."""
    return encode_status(Status(state=State.LOST, software=software()))


def _essence(presence: Presence) -> tuple[object, ...]:
    """Return the part of a presence whose change is written at once."""
    line = presence.line
    quality = None if line.quality is None else round(line.quality, 1)
    offset = None if line.clock_offset_s is None else line.clock_offset_s // 10
    state = line.fault, line.is_starting, line.is_time_known, line.mode
    return presence.boot, presence.session, *state, quality, offset, presence.repeater
