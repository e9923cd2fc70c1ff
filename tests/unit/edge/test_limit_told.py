"""A meter that lets more through than subscribed is told to the household, once."""

from datetime import timedelta

import pytest

from edge.metering.events import NoticeKind
from edge.status.limit import LimitWatch
from edge.tic.consistency import ConsistencyCheck
from edge.tic.frame import InformationGroup
from tests.support.chip_bench import PLATFORM_KEY, Bench, instant, make_identity
from tests.support.chip_cloud import FakeCloud

START = instant(2026, 5, 5, 10)


@pytest.fixture
def bench(tmp_path):
    identity = make_identity()
    bench = Bench(tmp_path / "chip", FakeCloud(identity, PLATFORM_KEY), identity, START)
    bench.start()
    yield bench
    bench.kill()


def overload(bench, frames: int) -> None:
    """Draw 5.4 kVA where 3 kVA are subscribed."""
    for _ in range(frames):
        low_wh, high_wh = bench.meter.base_wh
        bench.meter.base_wh = (low_wh + 15, high_wh)
        bench.clock.at += timedelta(seconds=10)
        bench.clock.seconds += 10
        frame = bench.meter.frame(bench.clock.at)
        frame.groups["PREF"] = InformationGroup("03")
        bench.chip.observe(frame, bench.clock.host_time())


def told(bench) -> int:
    return [each.kind for each in bench.vault.values.notices()].count(NoticeKind.LIMIT_YIELDED)


def test_an_overload_is_metered_and_told_once_over_restarts(bench):
    overload(bench, 20)
    assert told(bench) == 1
    total_wh = bench.chip._meter.state.account.last.total_wh
    assert total_wh == sum(bench.meter.registers_wh(bench.clock.at))
    bench.restart()
    overload(bench, 20)
    assert told(bench) == 1


def test_it_is_told_again_after_another_power_was_subscribed():
    check = ConsistencyCheck()
    watch = LimitWatch(check, [])
    seen = []
    for has_yielded in (False, True, True, False, True, True):
        check.has_limit_yielded = has_yielded
        seen.append(len(watch.check(START)))
    assert seen == [0, 1, 0, 0, 1, 0]
