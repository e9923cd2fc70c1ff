"""A clock that is ahead, on a whole chip: what it closed is taken back, or added up later."""

from datetime import date, timedelta
from itertools import product

import pytest

from edge.chip.chip import Chip
from edge.identity.enrolment import signer_of
from edge.metering.events import NoticeKind
from edge.mqtt.message import Arrived
from edge.vault.vault import Vault
from protocol.calendar import QUARTER_HOUR, day_start, quarter_hour
from system.clock import HostTime
from tests.support.chip_bench import PLATFORM_KEY, Bench, instant, make_identity
from tests.support.chip_cloud import FakeCloud, opened
from tests.support.sweeps import swept

START = instant(2026, 3, 1, 23)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


class WrongClocks(Bench):
    """A household whose meter says that its clock is right, and whose host does not know the time."""

    def __init__(self, directory, **how) -> None:
        identity = make_identity()
        super().__init__(directory, FakeCloud(identity, PLATFORM_KEY), identity, START, **how)

    def unpack(self) -> None:
        """Start a chip that is new, and that no frame has reached yet; it is offline."""
        self.vault = Vault.open(
            self.directory, signer_of(self.identity), is_quarter_hourly=self.is_quarter_hourly
        )
        self.chip = Chip(self.identity, self.vault, self.clock, self.settings)
        self.is_online = False

    def show(self, ahead: timedelta = timedelta()) -> None:
        """Let the meter send a frame that says a later time."""
        frame = self.meter.frame(self.clock.at)
        groups = frame.groups | {"DATE": type(frame.groups["DATE"])("", at=self.clock.at + ahead)}
        host = HostTime(
            self.clock.at, is_synchronised=False, monotonic_s=self.clock.seconds, boot="one"
        )
        self.chip.observe(type(frame)(**{**_fields(frame), "groups": groups}), host)

    def pass_time(self, time: timedelta, step: timedelta, ahead: timedelta = timedelta()) -> None:
        end = self.clock.at + time
        while self.clock.at < end:
            self.clock.at += step
            self.clock.seconds += step.total_seconds()
            self.show(ahead)
            if self.is_online:
                self.pump()

    def live(self, days: float) -> None:
        self.pass_time(days * DAY, QUARTER_HOUR)

    def told(self) -> list[NoticeKind]:
        return [notice.kind for notice in self.vault.values.notices()]


def _fields(frame) -> dict:
    return {name: getattr(frame, name) for name in frame.__struct_fields__}


@pytest.fixture(params=[False, True], ids=["daily", "quarter_hourly"])
def home(request, tmp_path):
    home = WrongClocks(tmp_path / "chip", is_quarter_hourly=request.param)
    home.begin()
    yield home
    home.kill()


def assert_days_are_true(home: WrongClocks, first, last) -> None:
    """Each day's quarter-hours and steps are what the meter counted on that day."""
    for closed, is_encrypted in home.vault.values.days(first, last):
        before, after = (home.meter.registers_wh(day_start(closed.day + n * DAY)) for n in (0, 1))
        steps = tuple(b // 1_000 - a // 1_000 for a, b in zip(before, after, strict=True))
        assert closed.register_steps_kwh[:2] == steps, closed.day
        assert is_encrypted


@pytest.mark.parametrize("ahead", swept([40 * DAY, 3 * DAY], 2))
def test_what_a_clock_ahead_closed_and_has_not_left_is_closed_again_when_it_is_time(home, ahead):
    home.live(2.5)
    home.settle()
    home.connect(is_online=False)
    home.pass_time(4 * MINUTE, SECOND, ahead)
    assert home.vault.figures().last_day_closed >= (home.clock.at + ahead - DAY).date()
    home.pass_time(10 * MINUTE, SECOND)
    assert NoticeKind.DAYS_REOPENED in home.told()
    place = quarter_hour(home.clock.at)
    last = home.vault.figures().last_quarter_hour
    assert last < place
    home.clock.at += QUARTER_HOUR - (home.clock.at - START) % QUARTER_HOUR
    home.connect(is_online=True)
    home.live(4)
    home.settle()
    first = START.date() + 2 * DAY
    assert_days_are_true(home, first, first + 4 * DAY)
    assert len(home.vault.values.days(first, first + 4 * DAY)) == 4
    kept = home.vault.values.intervals(START.date(), first + 400 * DAY)
    is_closed = {closed.day for closed, _ in home.vault.values.days(START.date(), date.max)}
    held = opened(home.cloud, home.identity)
    for each in kept:
        if each.day in is_closed:
            assert held[each.day, each.j] == each.energy_wh


@pytest.mark.parametrize("is_acknowledged", swept([False, True], 2))
def test_what_has_left_is_made_up_for_by_the_days_after_it(home, is_acknowledged):
    home.live(2.5)
    home.drop = lambda each: isinstance(each, Arrived) and not is_acknowledged
    home.pass_time(4 * MINUTE, SECOND, 3 * DAY)
    home.pass_time(10 * MINUTE, SECOND)
    home.clock.at += QUARTER_HOUR - (home.clock.at - START) % QUARTER_HOUR
    home.drop = lambda _: False
    home.live(6)
    home.settle()
    assert not home.cloud.refused
    days = home.vault.values.days(START.date(), START.date() + 400 * DAY)
    last = day_start(days[-1][0].day + DAY)
    for n, total_wh in enumerate(home.meter.registers_wh(last)):
        counted_kwh = sum(closed.register_steps_kwh[n] for closed, _ in days)
        assert counted_kwh == total_wh // 1_000 - home.meter.base_wh[n] // 1_000


@pytest.mark.parametrize(
    ("is_online", "is_quarter_hourly", "lasts", "ahead"),
    swept(
        product((False, True), (False, True), (40 * MINUTE, 5 * MINUTE), (-60 * DAY, 30 * DAY)), 5
    ),
)
def test_a_chip_that_began_at_a_wrong_time_closes_each_real_day(
    tmp_path, is_online, is_quarter_hourly, lasts, ahead
):
    home = WrongClocks(tmp_path / "chip", is_quarter_hourly=is_quarter_hourly)
    home.unpack()
    home.connect(is_online=is_online)
    home.pass_time(lasts, SECOND, ahead)
    home.pass_time(10 * MINUTE, SECOND)
    assert {NoticeKind.BEGINNING_MOVED, NoticeKind.DAYS_REOPENED} & {*home.told()}
    home.clock.at += QUARTER_HOUR - (home.clock.at - START) % QUARTER_HOUR
    home.connect(is_online=True)
    home.live(4)
    home.settle()
    first = (START + DAY).date()  # the day that begins with START, in Paris
    days = [closed.day for closed, _ in home.vault.values.days(date.min, date.max)]
    early = [day for day in days if day < first]
    assert days[len(early) :] == [first + n * DAY for n in range(4)]
    has_closed_behind = ahead < timedelta() and lasts > QUARTER_HOUR
    assert early == ([(START + ahead + DAY).date()] if has_closed_behind else [])
    assert_days_are_true(home, first + DAY, date.max)
    held = opened(home.cloud, home.identity)
    kept = home.vault.values.intervals(date.min, date.max)
    assert len({(each.day, each.j) for each in kept}) == len(kept)
    assert all(held[each.day, each.j] == each.energy_wh for each in kept if each.day in days)
    assert not home.cloud.refused
    home.kill()


def test_a_new_chip_that_only_its_meter_tells_the_time_sends_from_the_second_day_on(tmp_path):
    home = WrongClocks(tmp_path / "chip", is_quarter_hourly=True)
    home.unpack()
    home.connect(is_online=True)
    home.pass_time(23 * 4 * QUARTER_HOUR, QUARTER_HOUR)
    assert not opened(home.cloud, home.identity)
    home.pass_time(2 * 4 * QUARTER_HOUR, QUARTER_HOUR)
    home.settle()
    kept = home.vault.values.intervals(date.min, date.max)
    held = opened(home.cloud, home.identity)
    assert {(each.day, each.j): each.energy_wh for each in kept}.items() <= held.items()
    assert len(kept) == 25 * 4 - 3  # it begins with the fourth frame
    home.kill()
