"""Days that a lost process never got through, between days that it did: billed all the same."""

import shutil
from datetime import date, timedelta

import msgspec
import pytest

from edge.mqtt.message import Publish
from edge.tic.frame import Mode
from edge.vault.gaps import account_of_gap
from protocol.calendar import day_end, day_number
from protocol.layout import REGISTER_STEP
from protocol.messages import Block
from protocol.topics import Kind, parse_device_topic
from tests.support.chip_bench import PLATFORM_KEY, Bench, instant, make_identity
from tests.support.chip_cloud import FakeCloud, opened
from tests.support.household import closed_day
from tests.support.sweeps import swept

START = instant(2026, 5, 5, 10)
FIRST = date(2026, 5, 6)


@pytest.fixture(params=[False, True], ids=["daily", "quarter_hourly"])
def bench(request, tmp_path):
    identity = make_identity()
    cloud = FakeCloud(identity, PLATFORM_KEY)
    bench = Bench(tmp_path / "chip", cloud, identity, START, is_quarter_hourly=request.param)
    yield bench
    bench.kill()


def blocks_of(days):
    """Say of a message whether it is a block of one of these days, closed or not."""
    numbers = {day_number(day) for day in days}

    def is_one(message):
        if not isinstance(message, Publish):
            return False
        if parse_device_topic(message.topic).kind is not Kind.BLOCK:
            return False
        body = msgspec.msgpack.decode(message.payload)[1]
        return msgspec.msgpack.decode(body, type=Block).day in numbers

    return is_one


@pytest.mark.parametrize("count", swept([2, 1], 2))
@pytest.mark.parametrize("what", ["lost", "old image"])
def test_days_that_were_never_sent_are_accounted_for_from_the_days_around_them(
    bench, tmp_path, what, count
):
    bench.begin()
    bench.run(20)
    bench.image(tmp_path / "image")
    days = [FIRST + timedelta(days=n) for n in range(count)]
    bench.drop = blocks_of(days)
    bench.run(96 * (count + 2))
    bench.drop = lambda _: False
    if what == "lost":
        (tmp_path / "image" / "vault.db").unlink()
    bench.restore(tmp_path / "image")
    shutil.rmtree(tmp_path / "image")
    bench.start()
    bench.run(96 * 2)
    bench.settle()

    values = opened(bench.cloud, bench.identity)
    closed = sorted({day for day, j in values if j == 127})
    assert set(days) < set(closed)
    assert closed == [closed[0] + timedelta(days=n) for n in range(len(closed))]
    assert all((day, j) in values for day in closed for j in range(128))
    before, after = bench.meter.base_wh, bench.meter.registers_wh(day_end(closed[-1]))
    for register in range(2):
        steps = sum(values[day, REGISTER_STEP + register] for day in closed)
        assert steps == after[register] // 1000 - before[register] // 1000
    curve_wh = sum(values[day, j] for day in closed for j in range(100))
    assert curve_wh == sum(after) - sum(before)
    assert not bench.cloud.refused


def around(before, after, earlier=None, **changes):
    """Two closed days with a day between them; indices of register 1 in kWh."""
    first = closed_day(FIRST, (0,), register_index_kwh=(before, *[0] * 9), **(earlier or {}))
    last = closed_day(
        FIRST + timedelta(days=2), (5,), register_index_kwh=(after, *[0] * 9), **changes
    )
    return account_of_gap(first, last, {})


def test_a_gap_takes_what_the_indices_rose_by_over_their_wrap_too():
    assert around(100, 125).days[0].register_steps_kwh[0] == 20
    assert around(999_990, 15).days[0].register_steps_kwh[0] == 20


def test_indices_that_contradict_each_other_are_left_alone():
    assert around(100, 50) is None
    assert around(100, 100_000) is None


@pytest.mark.parametrize("modes", [list(Mode), list(Mode)[::-1]])
def test_another_total_is_no_energy_of_days_that_were_lost(modes):
    before, after = modes
    gap = around(100, 125, {"mode": before}, mode=after, drawn_index_wh=400_000)
    assert gap.days[0].register_steps_kwh[0] == 20
    assert gap.days[0].mode is after
    assert sum(quarter.energy_wh for quarter in gap.quarter_hours) == 0


def test_a_register_that_was_not_known_before_starts_at_its_first_index():
    assert around(0, 50_005).days[0].register_steps_kwh[0] == 0
