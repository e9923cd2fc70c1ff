"""The clock of a meter that is not the account's says nothing of the household's own time."""

from datetime import UTC, date, datetime, timedelta

import pytest

from edge.metering.events import DayClosed, Event, Notice, NoticeKind
from edge.metering.meter import Meter
from edge.metering.other_meter import STAY
from edge.tic.consistency import ConsistencyCheck
from edge.tic.decoder import Decoder
from edge.tic.frame import Frame, Mode
from protocol.calendar import quarter_hour
from system.clock import HostTime
from tests.support.metered_line import LineMeter

START = datetime(2026, 5, 5, 8, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (
    timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days")
)
STRANGER = "021669999999"


class TwoMeters:
    """A chip that hears its own meter or a stranger's, whose clock is `ahead`.

    The host's time is known for the first hour only.
    """

    def __init__(self, mode: Mode, *, ahead: timedelta) -> None:
        self.own = LineMeter([3_000_000], mode=mode)
        self.stranger = LineMeter([9_000_000], serial=STRANGER)
        self.ahead, self.is_degraded = ahead, False
        self.at = START
        self.is_synchronised = True
        self.meter, self.events = Meter(), list[Event]()
        self._check = ConsistencyCheck()
        self.hear(self.own, HOUR, MINUTE)
        self.is_synchronised = False

    def hear(self, source: LineMeter, span: timedelta, step: timedelta) -> None:
        """Let both meters count a Wh each 3 s, and one of them be heard."""
        end = self.at + span
        while self.at < end:
            self.at += step
            for each in (self.own, self.stranger):
                each.count(step // (3 * SECOND))
            shown = self.at + (self.ahead if source is self.stranger else timedelta())
            (frame,) = Decoder().feed(source.frame(shown))
            if source is self.own and self.is_degraded:
                frame = _with_unsure_clock(frame)
            passed_s = (self.at - START).total_seconds()
            host = HostTime(self.at, self.is_synchronised, passed_s, "boot")
            self.events += self.meter.observe(self._check.check(frame, self.at), host)

    def days(self) -> list[DayClosed]:
        return [each for each in self.events if isinstance(each, DayClosed)]

    def told(self) -> list[NoticeKind]:
        kinds = [each.kind for each in self.events if isinstance(each, Notice)]
        return [kind for kind in kinds if kind is not NoticeKind.GAP]


def _with_unsure_clock(frame: Frame) -> Frame:
    date_group = frame.groups["DATE"]
    unsure = type(date_group)(date_group.value, at=date_group.at, is_clock_degraded=True)
    fields = {name: getattr(frame, name) for name in frame.__struct_fields__}
    return Frame(**{**fields, "groups": frame.groups | {"DATE": unsure}})


@pytest.mark.parametrize("ahead", [5 * DAY, 3 * HOUR, -2 * DAY])
@pytest.mark.parametrize(
    ("mode", "is_degraded"),
    [(Mode.HISTORIQUE, False), (Mode.STANDARD, True), (Mode.STANDARD, False)],
)
def test_the_own_meters_days_close_at_their_time_after_a_stranger_of_another_one(
    mode, is_degraded, ahead
):
    home = TwoMeters(mode, ahead=ahead)
    home.hear(home.stranger, 6 * MINUTE, 6 * SECOND)
    assert home.meter.state.other.serial == STRANGER
    home.is_degraded = is_degraded
    home.hear(home.own, 3 * DAY, 5 * MINUTE)
    account = home.meter.state.account
    assert (account.day, account.j) == quarter_hour(home.at)
    assert account.last.at == home.at
    days = [(each.day, each.register_steps_kwh[0], each.is_index_read) for each in home.days()]
    assert days == [
        (date(2026, 5, 5), 16, False),
        (date(2026, 5, 6), 29, False),
        (date(2026, 5, 7), 29, False),
    ]
    assert home.own.registers_wh[0] // 1_000 - 3_000 == 16 + 29 + 29 + 13
    doubted = [NoticeKind.CLOCK_DOUBTED] if ahead > timedelta() else []
    aside = [NoticeKind.OTHER_METER, NoticeKind.OTHER_METER_DROPPED]
    unsure = [NoticeKind.CLOCK_DEGRADED] if is_degraded else []
    assert home.told() == [*doubted, aside[0], *unsure, aside[1]]


def test_a_doubt_of_the_own_time_is_not_settled_by_a_stranger():
    home = TwoMeters(Mode.STANDARD, ahead=timedelta())
    before = home.meter.state.time
    home.hear(home.stranger, HOUR, 30 * SECOND)
    assert home.meter.state.time == before
    assert home.meter.state.other_time.serial == STRANGER


def test_what_a_stranger_showed_by_a_wrong_clock_closes_nothing_ahead_once_its_clock_is_right():
    home = TwoMeters(Mode.STANDARD, ahead=5 * DAY)
    home.hear(home.stranger, HOUR, 30 * SECOND)
    home.ahead = timedelta()
    home.hear(home.stranger, HOUR, 30 * SECOND)
    home.events += home.meter.confirm_meter()
    assert home.meter.state.account.last.serial == STRANGER
    home.hear(home.stranger, DAY, 5 * MINUTE)
    account = home.meter.state.account
    assert (account.day, account.j) == quarter_hour(home.at)
    assert [each.day for each in home.days()] == [date(2026, 5, 5)]
    # Of the own one 1 200 Wh in an hour; of the other since it was heard first, three minutes later.
    (closed,) = home.days()
    assert [sum(part.register_steps_kwh) for part in closed.parts] == [1, 15]


def test_a_meter_that_is_confirmed_brings_its_time_along():
    home = TwoMeters(Mode.STANDARD, ahead=5 * DAY)
    left_at = home.at
    home.hear(home.stranger, 10 * MINUTE, 6 * SECOND)
    home.events += home.meter.confirm_meter()
    assert home.meter.state.other_time is None
    assert home.meter.state.account.last.at == home.at + 5 * DAY
    assert home.days()[-1].day == date(2026, 5, 9)  # as its own clock would have closed them
    home.ahead = timedelta()
    home.hear(home.stranger, MINUTE, 6 * SECOND)
    assert home.meter.closed_ahead == quarter_hour(left_at)  # and is taken back from there on


def test_a_stranger_that_is_seen_twice_a_day_apart_has_not_stayed():
    home = TwoMeters(Mode.STANDARD, ahead=timedelta())
    home.hear(home.stranger, 20 * SECOND, 2 * SECOND)
    home.at += DAY
    home.hear(home.stranger, 20 * SECOND, 2 * SECOND)
    assert home.meter.state.account.last.serial == home.own.serial
    home.hear(home.own, DAY, 5 * MINUTE)
    assert home.told() == [NoticeKind.OTHER_METER, NoticeKind.OTHER_METER_DROPPED]
    assert {each.meter_serial for each in home.days()} == {home.own.serial}


def test_a_meter_counts_as_replaced_when_it_has_been_read_for_a_day():
    home = TwoMeters(Mode.STANDARD, ahead=timedelta())
    for _ in range(4):
        home.hear(home.stranger, STAY / 4 - MINUTE, 5 * MINUTE)
        assert home.meter.state.account.last.serial == home.own.serial
        home.at += 2 * HOUR
    home.hear(home.stranger, 20 * MINUTE, MINUTE)
    assert home.meter.state.account.last.serial == home.own.serial
    home.hear(home.stranger, 20 * MINUTE, MINUTE)
    assert home.meter.state.account.last.serial == STRANGER
