"""The state of the line to the meter."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec
import structlog

from edge.tic.decoder import Decoder
from edge.tic.frame import Frame
from protocol.calendar import Instant
from protocol.status import QUALITY_GOOD
from system.conditions import Condition

# A Linky sends a frame every 1 to 2 s.
GOOD_FRAME_WITHIN_S = 10.0
# A dead line is logged within half a minute.
LOGGED_AFTER_S = 20.0
# An unstable line counts as one bad spell, which ends when it has been good for this long.
BACK_AFTER_S = 300.0
# A meter is found, in one of two modes and speeds, within this time.
STARTING_S = 30.0

log = structlog.get_logger()


class LineFault(StrEnum):
    """What is wrong with a line: nothing comes, nothing readable comes, or there is no device."""

    SILENT = "silent"
    GARBLED = "garbled"
    AWAY = "away"


class LineState(msgspec.Struct, frozen=True):
    """The line at one moment.

    Attributes:
        is_good: a good frame has come within ten seconds.
        quality: recent share of good groups, 0.0 while nothing comes, None before the first byte.
        mode: the mode of the meter's output, None while unknown.
        clock_offset_s: the host's clock minus the meter's, None if not known.
        last_frame_at: the host's time at the last good frame.
        fault: what is wrong, None while the line is good or starting.
        is_starting: the chip has just begun to read, so nothing is judged yet.
        is_time_known: a clock is believed; otherwise no quarter-hour and no day closes.
    """

    is_good: bool = False
    quality: float | None = None
    mode: Literal["standard", "historique"] | None = None
    clock_offset_s: int | None = None
    last_frame_at: Instant | None = None
    fault: LineFault | None = None
    is_starting: bool = False
    is_time_known: bool = True

    @property
    def is_poor(self) -> bool:
        """True if too many groups are refused, or nothing comes."""
        return not self.is_good or (self.quality is not None and self.quality < QUALITY_GOOD)


class LineWatch:
    """Watches the line for status, panel and log."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._bytes_at_s: float | None = None
        self._good_at_s: float | None = None
        self._last_frame_at: datetime | None = None
        self._clock_offset_s: int | None = None
        self._watched_since_s: float | None = None
        self._now_s = 0.0
        self._conditions = {fault: Condition(lambda: self._now_s) for fault in LineFault}
        self._good_since_s: float | None = None
        self._has_ended = False
        self._is_open = True
        self._is_time_known = True

    def set_open(self, *, is_open: bool) -> None:
        """Record whether the device is there and open."""
        self._is_open = is_open

    def record_bytes(self, now_s: float) -> None:
        """Record that bytes have come."""
        self._bytes_at_s = now_s

    def record_frame(self, frame: Frame, host_time: datetime, now_s: float) -> None:
        """Record a frame."""
        if not frame.groups:
            return
        if frame.is_complete:
            self._good_at_s = now_s
            self._last_frame_at = host_time
        clock = frame.groups.get("DATE")
        if clock is not None and clock.at is not None and not clock.is_clock_degraded:
            self._clock_offset_s = round((host_time - clock.at).total_seconds())

    def set_time_known(self, *, is_known: bool) -> None:
        """Record whether metering believes a clock."""
        self._is_time_known = is_known

    def end(self) -> None:
        """Record that the source has ended, as a capture does; silence is normal from now on."""
        self._has_ended = True

    def check(self, now_s: float) -> None:
        """Log once a bad spell that the line is silent or garbled, and that it is back."""
        self._now_s = now_s
        if self._watched_since_s is None:
            self._watched_since_s = now_s
        if self._has_ended:
            return
        fault = self._fault_at(now_s)
        if fault is None:
            self._record_good(now_s)
            return
        self._good_since_s = None
        if not self._conditions[fault].begins():
            return
        had_frames = self._good_at_s is not None
        if fault is LineFault.SILENT:
            log.warning("line_silent", had_frames=had_frames)
        elif fault is LineFault.GARBLED:
            log.warning("line_garbled", had_frames=had_frames)
        # A device that is gone has been logged at once: `serial_line_lost`.

    def _record_good(self, now_s: float) -> None:
        if self._good_since_s is None:
            self._good_since_s = now_s
        if now_s - self._good_since_s < BACK_AFTER_S:
            return
        ended = [condition.ends() for condition in self._conditions.values()]
        if any(ended):
            log.info("line_back")

    def _fault_at(self, now_s: float) -> LineFault | None:
        good_at_s = self._watched_since_s if self._good_at_s is None else self._good_at_s
        if good_at_s is None or now_s - good_at_s <= LOGGED_AFTER_S:
            return None
        return self._fault_within(LOGGED_AFTER_S, now_s)

    def _fault_within(self, time_s: float, now_s: float) -> LineFault:
        """Return what is wrong with a line that has given no good frame for `time_s`."""
        if not self._is_open:
            return LineFault.AWAY
        has_bytes = self._bytes_at_s is not None and now_s - self._bytes_at_s <= time_s
        return LineFault.GARBLED if has_bytes else LineFault.SILENT

    def is_good(self, now_s: float) -> bool:
        """Return whether a good frame has come within ten seconds."""
        return _is_recent(self._good_at_s, now_s)

    def state(self, now_s: float) -> LineState:
        """Return the present state of the line."""
        mode, is_good = self._decoder.mode, self.is_good(now_s)
        is_starting = not is_good and self._is_starting(now_s)
        return LineState(
            is_good=is_good,
            quality=self._quality(now_s),
            mode=None if mode is None else mode.value,
            clock_offset_s=self._clock_offset_s,
            last_frame_at=self._last_frame_at,
            fault=None
            if is_good or is_starting
            else self._fault_within(GOOD_FRAME_WITHIN_S, now_s),
            is_starting=is_starting,
            is_time_known=self._is_time_known,
        )

    def _is_starting(self, now_s: float) -> bool:
        since_s = self._watched_since_s
        return self._good_at_s is None and (since_s is None or now_s - since_s < STARTING_S)

    def _quality(self, now_s: float) -> float | None:
        """Return the share of good groups in the last frames, 0.0 if nothing has come lately."""
        share = self._decoder.quality.recent_share
        if share is None or _is_recent(self._bytes_at_s, now_s):
            return share if share is None else round(share, 2)
        return 0.0


def _is_recent(at_s: float | None, now_s: float) -> bool:
    return at_s is not None and now_s - at_s <= GOOD_FRAME_WITHIN_S
