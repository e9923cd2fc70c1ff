"""What a household must be told, from what truly happened, beside what it was told."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.metering.events import NoticeKind
from tests.support.true_meter import TrueMeter

FRAMES_TO_TELL = 8
GAP = timedelta(minutes=15)
# Gaps less apart than this are told as one.
LINE_RECOVERS_AFTER = timedelta(hours=1)

ANEW = "a register anew"
JUMP = "a jump"
ANOTHER_CALENDAR = "another calendar"
ANOTHER_METER = "another meter"
SILENCE = "a silence"
CLOCKS = "clocks that differ"
LIMIT = "a limit that yields"
TOLD_BY = {
    ANEW: {
        NoticeKind.INDEX_QUARANTINED,
        NoticeKind.INDEX_BEGAN_ANEW,
        NoticeKind.CALENDAR_CHANGED,
        NoticeKind.METER_REPLACED,
    },
    JUMP: {NoticeKind.INDEX_JUMPED},
    ANOTHER_CALENDAR: {NoticeKind.CALENDAR_CHANGED},
    ANOTHER_METER: {
        NoticeKind.OTHER_METER,
        NoticeKind.OTHER_METER_DROPPED,
        NoticeKind.METER_REPLACED,
    },
    SILENCE: {NoticeKind.GAP},
    LIMIT: {NoticeKind.LIMIT_YIELDED},
    CLOCKS: {NoticeKind.CLOCK_DOUBTED, NoticeKind.CLOCKS_DIFFER},
}


@dataclass(frozen=True)
class Expected:
    """A notice of `what` that is to come after the first `before`."""

    what: str
    before: int


class ExpectedNotices:
    """Notices in the order in which they came, and what waits for one."""

    def __init__(self, at: datetime) -> None:
        self._told: list[NoticeKind] = []
        self._untold: list[Expected] = []
        self.followed: tuple[str, str] | None = None
        self._in_a_row: tuple[tuple[str, str] | None, int] = (None, 0)
        self._before_gaps = self._before_dispute = self._when_followed = 0
        self._gap_at = self.heard_at = at
        self._disputed_frames = 0

    def note(self, kind: NoticeKind) -> None:
        """Take note of what the household was told.

        A wrap may hide in frames that are far apart, and the chip tells of the gap until it is
        borne out: one that follows soon is of the same spell.
        """
        self._told.append(kind)
        if kind is NoticeKind.GAP:
            self._gap_at = max(self.heard_at, self._gap_at)

    def expect(self, what: str) -> None:
        """Wait for a notice of `what` from now on."""
        self._untold.append(Expected(what, len(self._told)))

    def expect_ever(self, what: str) -> None:
        """Wait for a notice of `what` that may have come long since."""
        self._untold.append(Expected(what, 0))

    def drop(self, what: str) -> None:
        """Wait no longer for a notice of `what`."""
        self._untold = [each for each in self._untold if each.what != what]

    def disturb(self) -> None:
        """Take note of what breaks a row of frames."""
        self._in_a_row = None, 0

    def forget(self, at: datetime) -> None:
        """Take note of a loss: the chip compares with nothing that it knew.

        What came back may know of gaps that it has told before.
        """
        self._before_gaps = 0
        self._gap_at = max(at, self._gap_at)
        self._untold.clear()
        self.followed = None
        self._before_dispute, self._disputed_frames = len(self._told), 0

    def take_for_gaps(self, until: datetime) -> None:
        """Take note that the chip saw time leap to `until`, which it tells as a gap."""
        self._gap_at = until

    def settle_dispute(self) -> None:
        """Take note that clocks agree: until they do, one notice tells of all their differences."""
        self._before_dispute = len(self._told)

    def hear(self, at: datetime, meter: TrueMeter, *, is_own: bool, is_put_aside: bool) -> None:
        """Take note of a frame whose time is known; `is_put_aside`: the chip does not count it."""
        self._disputed_frames = 0
        if is_put_aside:
            self._gap_at = max(at, self._gap_at)
        elif is_own and at - self.heard_at > GAP:
            self._untold.append(Expected(SILENCE, self._before_gaps))
            self._gap_at = max(at, self._gap_at)
        elif is_own and at - self._gap_at > LINE_RECOVERS_AFTER:
            self._before_gaps = len(self._told)
        if is_own:
            self.heard_at = at
        if self.followed is not None or not is_put_aside:
            self._follow(meter)

    def hear_disputed(self) -> None:
        """Take note of a frame at which two trusted clocks differ."""
        self._disputed_frames += 1
        if self._disputed_frames == FRAMES_TO_TELL:
            self._untold.append(Expected(CLOCKS, self._before_dispute))

    def missing(self) -> str | None:
        """Say what nothing was told of, and begin anew."""
        untold, self._untold = self._untold, []
        for each in untold:
            if TOLD_BY[each.what].isdisjoint(self._told[each.before :]):
                return f"nothing is told of {each.what}"
        return None

    def _follow(self, meter: TrueMeter) -> None:
        """Expect that another meter or calendar is told once enough of its frames have come."""
        names = meter.serial, meter.calendar
        before, count = self._in_a_row
        self._in_a_row = names, count + 1 if before == names else 1
        if names == self.followed or self._in_a_row[1] < FRAMES_TO_TELL:
            return
        if self.followed is not None:
            what = ANOTHER_CALENDAR if self.followed[0] == meter.serial else ANOTHER_METER
            self._untold.append(Expected(what, self._when_followed))
        self.followed = names
        self._when_followed = len(self._told)
