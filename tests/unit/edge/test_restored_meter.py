"""A chip that lost its store takes no other meter for its own, and finds its own again."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from edge.metering.events import NoticeKind
from tests.support.chip_bench import CALENDAR, PLATFORM_KEY, Bench, BenchMeter, make_identity
from tests.support.chip_cloud import FakeCloud
from tests.unit.edge.test_chip_scenarios import START, assert_sums

OTHER = "041961234568"
DAY = 96


@pytest.fixture
def bench(tmp_path):
    identity = make_identity()
    bench = Bench(tmp_path / "chip", FakeCloud(identity, PLATFORM_KEY), identity, START)
    bench.begin()
    bench.run(2 * DAY)
    yield bench
    bench.kill()


def lose_store(bench):
    bench.kill()
    for path in bench.directory.iterdir():
        path.unlink()


def show(bench, meter, frames=5):
    for _ in range(frames):
        bench.clock.at += timedelta(seconds=1)
        bench.chip.observe(meter.frame(bench.clock.at), bench.clock.host_time())


@pytest.mark.parametrize("is_restarted", [False, True])
def test_its_own_meter_is_found_after_another_was_read_first(bench, is_restarted):
    own = bench.meter
    lose_store(bench)
    bench.meter = BenchMeter(bench.clock.at, 5, OTHER)
    with capture_logs() as logs:
        bench.start()
        bench.settle()
        show(bench, bench.meter)
        if is_restarted:
            bench.restart()
            bench.settle()
            show(bench, bench.meter)
        bench.meter = own
        show(bench, own)
        bench.run(DAY)
        bench.settle()
    found = [each["is_same_meter"] for each in logs if each["event"] == "metering_restored"]
    assert found == [False, True]
    assert OTHER not in str(logs)
    assert_sums(bench)


def test_another_meter_that_stays_takes_its_place(bench):
    lose_store(bench)
    bench.meter = BenchMeter(bench.clock.at, 5, OTHER)
    bench.start()
    bench.settle()
    show(bench, bench.meter)
    bench.run(2 * DAY)
    kinds = [notice.kind for notice in bench.vault.values.notices()]
    assert NoticeKind.METER_REPLACED in kinds
    assert bench.vault.values.state().account.last.serial == OTHER


def test_its_meter_is_known_again_under_the_name_that_the_other_mode_gives_its_calendar(
    bench, monkeypatch
):
    lose_store(bench)
    assert CALENDAR == "H PLEINE/CREUSE"
    monkeypatch.setattr("tests.support.chip_bench.CALENDAR", "HC")
    with capture_logs() as logs:
        bench.start()
        bench.settle()
        show(bench, bench.meter)
    assert [each["is_same_meter"] for each in logs if each["event"] == "metering_restored"] == [
        True
    ]
    bench.run(2 * DAY)
    rows = [row.closed for row in bench.vault.day_rows(START.date(), bench.clock.at.date())]
    assert {row.calendar for row in rows} == {"H PLEINE/CREUSE", "HC"}
    counted = [sum(row.register_steps_kwh[n] for row in rows) for n in (0, 1)]
    last, base = rows[-1].register_index_kwh, bench.meter.base_wh
    assert counted == [last[n] - base[n] // 1_000 for n in (0, 1)]
