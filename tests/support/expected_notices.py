"""Compares a household's notices with those that must follow from what truly happened."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.metering.events import NoticeKind
from tests.support.true_meter import TrueMeter

FRAMES_TO_NOTICE = 8
GAP = timedelta(minutes=15)
# Gaps closer together than this give one notice.
LINE_RECOVERS_AFTER = timedelta(hours=1)

ANEW = "a register anew"
JUMP = "a jump"
ANOTHER_CALENDAR = "another calendar"
ANOTHER_METER = "another meter"
SILENCE = "a silence"
CLOCKS = "clocks that differ"
LIMIT = "a limit that yields"
KINDS_OF = {
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
    """An expected notice of `what`, to come after the first `before` notices."""

    what: str
    before: int


class ExpectedNotices:
    """The notices in order of arrival, and the expected ones."""

    def __init__(self, at: datetime) -> None:
        self._notices: list[NoticeKind] = []
        self._expected: list[Expected] = []
        self.followed: tuple[str, str] | None = None
        self._in_a_row: tuple[tuple[str, str] | None, int] = (None, 0)
        self._before_gaps = self._before_dispute = self._when_followed = 0
        self._gap_at = self.observed_at = self._other_calendar_at = at
        self._calendar = ""
        self._disputed_frames = 0

    def note(self, kind: NoticeKind) -> None:
        """Record a notice to the household.

        Frames that are far apart may hide a wrap, and the chip reports the gap until it is
        confirmed. A gap that follows soon belongs to the same one. Neither does the chip count the
        first frames of another calendar: where frames come slowly, that is a gap.
        """
        self._notices.append(kind)
        if kind is NoticeKind.GAP or (
            kind is NoticeKind.CALENDAR_CHANGED and self.observed_at - self._other_calendar_at > GAP
        ):
            self._gap_at = max(self.observed_at, self._gap_at)

    def expect(self, what: str) -> None:
        """Expect a notice of `what` from now on."""
        self._expected.append(Expected(what, len(self._notices)))

    def expect_ever(self, what: str) -> None:
        """Expect a notice of `what`, which may already have come."""
        self._expected.append(Expected(what, 0))

    def drop(self, what: str) -> None:
        """Stop expecting a notice of `what`."""
        self._expected = [expected for expected in self._expected if expected.what != what]

    def disturb(self) -> None:
        """Record an interruption of a row of frames."""
        self._in_a_row = None, 0

    def forget(self, at: datetime) -> None:
        """Record a loss, after which the chip has nothing to compare with.

        A restored store may know of gaps that it has reported before.
        """
        self._before_gaps = 0
        self._gap_at = max(at, self._gap_at)
        self._expected.clear()
        self.followed = None
        self._before_dispute, self._disputed_frames = len(self._notices), 0

    def take_for_gaps(self, until: datetime) -> None:
        """Record that the chip saw time jump to `until`, which it reports as a gap."""
        self._gap_at = until

    def settle_dispute(self) -> None:
        """Record that clocks agree; until they do, one notice covers all their differences."""
        self._before_dispute = len(self._notices)

    def observe(self, at: datetime, meter: TrueMeter, *, is_own: bool, is_put_aside: bool) -> None:
        """Record a frame with known time; with `is_put_aside` the chip does not count it."""
        self._disputed_frames = 0
        if is_put_aside:
            self._gap_at = max(at, self._gap_at)
        elif is_own and at - self.observed_at > GAP:
            self._expected.append(Expected(SILENCE, self._before_gaps))
            self._gap_at = max(at, self._gap_at)
        elif is_own and at - self._gap_at > LINE_RECOVERS_AFTER:
            self._before_gaps = len(self._notices)
        if is_own:
            if meter.calendar != self._calendar:
                self._calendar, self._other_calendar_at = meter.calendar, self.observed_at
            self.observed_at = at
        if self.followed is not None or not is_put_aside:
            self._follow(meter)

    def observe_disputed(self) -> None:
        """Record a frame at which two trusted clocks differ."""
        self._disputed_frames += 1
        if self._disputed_frames == FRAMES_TO_NOTICE:
            self._expected.append(Expected(CLOCKS, self._before_dispute))

    def missing(self) -> str | None:
        """Return the first expected notice that did not come, and start over."""
        due, self._expected = self._expected, []
        for expected in due:
            if KINDS_OF[expected.what].isdisjoint(self._notices[expected.before :]):
                return f"nothing is told of {expected.what}"
        return None

    def _follow(self, meter: TrueMeter) -> None:
        """Expect a notice of another meter or calendar once enough of its frames have come."""
        names = meter.serial, meter.calendar
        before, count = self._in_a_row
        self._in_a_row = names, count + 1 if before == names else 1
        if names == self.followed or self._in_a_row[1] < FRAMES_TO_NOTICE:
            return
        if self.followed is not None:
            what = ANOTHER_CALENDAR if self.followed[0] == meter.serial else ANOTHER_METER
            self._expected.append(Expected(what, self._when_followed))
        self.followed = names
        self._when_followed = len(self._notices)
