"""A store that is lost on the day on which the calendar, the meter or a register was new."""

from datetime import date, timedelta

import pytest

from edge.metering.events import NoticeKind
from protocol.doubt import Doubt
from tests.support import chip_bench
from tests.support.chip_bench import (
    PLATFORM_KEY,
    Bench,
    BenchMeter,
    instant,
    make_identity,
)
from tests.support.chip_cloud import FakeCloud
from tests.support.confirming import notice_kinds

START = instant(2026, 5, 4, 22)  # Paris' midnight
ALL_DAYS = date(2026, 1, 1), date(2027, 1, 1)


@pytest.fixture
def bench(tmp_path):
    identity = make_identity()
    made = Bench(
        tmp_path / "chip",
        FakeCloud(identity, PLATFORM_KEY),
        identity,
        START,
        is_quarter_hourly=True,
    )
    yield made
    made.kill()


def hear(bench: Bench, frames: int = 5) -> None:
    """Let frames come a second apart."""
    for n in range(1, frames + 1):
        now = bench.clock.at + timedelta(seconds=n)
        bench.chip.observe(bench.meter.frame(now), bench.clock.host_time())


def lose(bench: Bench) -> None:
    """Take the card away and put an empty one in."""
    bench.settle()
    bench.kill()
    for path in bench.directory.iterdir():
        path.unlink()
    bench.start()
    bench.settle()
    hear(bench)


def billed_kwh(bench: Bench) -> list[int]:
    days = bench.vault.values.days(*ALL_DAYS)
    return [sum(closed.register_steps_kwh[n] for closed, _ in days) for n in (0, 1)]


def shown_kwh(bench: Bench, at) -> list[int]:
    """Return by how many whole kWh the registers have risen by `at`."""
    pairs = zip(bench.meter.registers_wh(at), bench.meter.base_wh, strict=True)
    return [index_wh // 1_000 - base_wh // 1_000 for index_wh, base_wh in pairs]


@pytest.mark.parametrize("calendar", ["BASE", "EJP", "TEMPO"])
def test_no_kwh_is_lost_where_the_calendar_changed_on_the_same_day(bench, monkeypatch, calendar):
    bench.begin()
    bench.run(96 + 40)
    monkeypatch.setattr(chip_bench, "CALENDAR", calendar)
    hear(bench)
    bench.run(36)
    lose(bench)
    bench.run(2 * 96 + 20)
    assert billed_kwh(bench) == shown_kwh(bench, START + timedelta(days=4))
    assert NoticeKind.CALENDAR_CHANGED in notice_kinds(bench)


def test_a_meter_replaced_on_the_same_day_leaves_a_doubt(bench):
    bench.begin()
    bench.run(96 + 40)
    bench.meter = BenchMeter(bench.clock.at, 3, "041961239999")
    hear(bench)
    bench.chip._meter.confirm_meter()
    bench.run(36)
    lose(bench)
    bench.run(3 * 96)
    assert NoticeKind.METER_REPLACED in notice_kinds(bench)
    doubts = {doubt for closed, _ in bench.vault.values.days(*ALL_DAYS) for doubt in closed.doubts}
    assert doubts == {Doubt.INDEX_BEGAN_ANEW}


@pytest.mark.parametrize("calendar", ["BASE", "TEMPO", "H PLEINE/CREUSE"])
def test_a_register_that_stood_at_zero_at_midnight_keeps_what_it_counted(
    bench, monkeypatch, calendar
):
    monkeypatch.setattr(chip_bench, "CALENDAR", calendar)
    bench.meter.base_wh = (1_234_567, 0)
    bench.begin()
    bench.run(4)
    base = bench.meter.registers_wh(bench.clock.at)[1]
    assert base == 0
    bench.run(96 + 4)  # the second register has counted at the day's end
    bench.run(40)
    lose(bench)
    bench.run(2 * 96)
    assert billed_kwh(bench) == shown_kwh(bench, START + timedelta(days=3))
