"""Another meter on the line: set aside, dropped, or followed with all that it has shown."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.metering.events import DayClosed, NoticeKind, QuarterHourClosed
from edge.metering.meter import Meter
from edge.metering.other_meter import READINGS_MAX, STAY
from edge.metering.state import MeterState
from edge.simulate.host import host_time_at
from protocol.calendar import day_start, legal_day
from tests.support.chip_bench import BenchMeter
from tests.support.sweeps import examples

OWN, OTHER, THIRD = "041961000001", "041961000002", "041961000003"
STARTS = [
    datetime(2026, 3, 28, 21, 7, 13, tzinfo=UTC),
    datetime(2026, 10, 24, 20, 59, 59, tzinfo=UTC),
    datetime(2026, 6, 10, 10, tzinfo=UTC),
]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
AT_ONCE = [NoticeKind.METER_REPLACED]
ASIDE = [NoticeKind.OTHER_METER]


class SteadyMeter(BenchMeter):
    """A meter that draws another power in each quarter-hour of five, shared by two registers."""

    def registers_wh(self, at):
        seconds = int((at - self.start).total_seconds()) + 100_000
        number, rest_s = divmod(seconds, 900)
        drawn_ws = 900 * (500 * number + 700 * (10 * (number // 5) + sum(range(number % 5))))
        drawn_wh = (drawn_ws + (500 + 700 * (number % 5)) * rest_s) // 3_600
        low_wh, high_wh = self.base_wh
        return low_wh + drawn_wh // 3, high_wh + drawn_wh - drawn_wh // 3


class Run:
    """A chip's account whose line is plugged into one meter after another."""

    def __init__(self, start, named=(), step=5 * MINUTE):
        self.at, self.step, self.named = start, step, named
        self.meters = {
            serial: SteadyMeter(start - n * MINUTE, n, serial)
            for n, serial in enumerate((OWN, OTHER, THIRD))
        }
        self.meter, self.events = Meter(is_named=self.is_named), []
        self.show(OWN, 2 * self.step)

    def is_named(self, reading):
        return reading.serial in self.named

    def show(self, serial, elapsed):
        """Let a meter send its frames for a while; two at first, a second apart."""
        end = self.at + elapsed
        self.see(serial, self.at)
        self.see(serial, self.at + timedelta(seconds=1))
        while self.at + self.step <= end:
            self.at += self.step
            self.see(serial, self.at)

    def see(self, serial, at):
        self.events += self.meter.observe(self.meters[serial].frame(at), host_time_at(at))

    def restart(self):
        stored = msgspec.msgpack.encode(self.meter.state)
        state = msgspec.msgpack.decode(stored, type=MeterState)
        self.meter = Meter(state, is_named=self.is_named)

    def kinds(self):
        return [each.kind for each in self.events if hasattr(each, "kind")]

    def closed(self):
        return [each for each in self.events if isinstance(each, QuarterHourClosed | DayClosed)]

    def curve_wh(self):
        quarters = (each for each in self.events if isinstance(each, QuarterHourClosed))
        return sum(each.energy_wh for each in quarters) + self.meter.state.account.pool_wh

    def counted(self):
        """Whole kWh handed on, and still to be, by serial."""
        found = {}
        for day in (each for each in self.events if isinstance(each, DayClosed)):
            whole = (day.meter_serial, day.register_steps_kwh)
            parts = [(part.meter_serial, part.register_steps_kwh) for part in day.parts]
            for serial, steps_kwh in parts or [whole]:
                found[serial] = found.get(serial, 0) + sum(steps_kwh)
        return found

    def risen_wh(self, serial, start, end):
        meter = self.meters[serial]
        return sum(meter.registers_wh(end)) - sum(meter.registers_wh(start))


@settings(max_examples=examples(5, 30), deadline=None)
@given(
    start=st.sampled_from(STARTS),
    hours=st.integers(1, 23),
    is_restarted=st.booleans(),
    others=st.sampled_from([(OTHER,), (OTHER, THIRD), (OTHER, OTHER)]),
)
def test_the_first_meter_goes_on_from_its_last_index_and_a_strangers_counts_nowhere(
    start, hours, is_restarted, others
):
    run = Run(start)
    for other in others:
        run.show(other, hours * HOUR / len(others))
        if is_restarted:
            run.restart()
    run.show(OWN, timedelta(days=2))
    assert run.meter.state.account.last.serial == OWN
    assert run.curve_wh() == run.risen_wh(OWN, start, run.at)
    assert run.counted().keys() == {OWN}
    told = [*ASIDE, NoticeKind.OTHER_METER_DROPPED] * len(set(others))
    assert [kind for kind in run.kinds() if kind is not NoticeKind.GAP] == told


@settings(max_examples=examples(3, 30), deadline=None)
@given(
    start=st.sampled_from(STARTS),
    minutes=st.integers(0, 1_439),
    step_s=st.sampled_from([30, 71, 300, 900]),
    way=st.sampled_from(["stays", "named", "confirmed"]),
    is_restarted=st.booleans(),
)
def test_a_replaced_meter_is_followed_as_if_it_had_been_known_at_once(
    start, minutes, step_s, way, is_restarted
):
    step = timedelta(seconds=step_s)
    run, known = Run(start, step=step), Run(start, named=(OTHER,), step=step)
    for each in (run, known):
        each.show(OTHER, minutes * MINUTE)
    if way == "named":
        run.named = (OTHER,)
    if way == "confirmed":
        run.events += run.meter.confirm_meter()
        assert run.meter.confirm_meter() == []
    if is_restarted:
        run.restart()
    for each in (run, known):
        each.show(OTHER, 2 * STAY)
    assert run.closed() == known.closed()
    assert run.meter.state == known.meter.state
    assert run.kinds() == [*ASIDE, *known.kinds()]
    own_wh = run.risen_wh(OWN, start, start + 2 * step)
    assert run.curve_wh() == own_wh + run.risen_wh(OTHER, start + 2 * step, run.at)


def test_what_is_kept_of_another_meter_is_bounded():
    run = Run(STARTS[2], step=timedelta(seconds=20))
    run.show(OTHER, STAY - MINUTE)
    assert len(run.meter.state.other.readings) <= 200
    assert len(msgspec.msgpack.encode(run.meter.state)) < 80_000
    other = run.meter.state.other
    for n in range(300):  # a clock that goes to and fro
        at = run.at - timedelta(hours=n % 2)
        other = other.with_next(msgspec.structs.replace(other.last, at=at))
    assert len(other.readings) <= READINGS_MAX


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_meter_that_was_followed_before_goes_on_from_its_last_billed_index(is_restarted):
    start = STARTS[2]
    run = Run(start, named=(OTHER, OWN))
    left_at = run.at
    run.show(OTHER, timedelta(hours=30))
    if is_restarted:
        run.restart()
    back_at = run.at
    run.show(OWN, timedelta(days=2))
    other_wh = run.risen_wh(OTHER, left_at, back_at)
    assert run.curve_wh() == run.risen_wh(OWN, start, run.at) + other_wh
    end = day_start(legal_day(run.at))
    for serial, (first, last) in {OWN: (start, end), OTHER: (left_at, back_at)}.items():
        registers = [run.meters[serial].registers_wh(at) for at in (first, last)]
        steps = [after // 1_000 - before // 1_000 for before, after in zip(*registers, strict=True)]
        assert run.counted()[serial] == sum(steps)


def test_a_meter_that_came_back_with_lower_indices_begins_anew():
    run = Run(STARTS[2], named=(OTHER, OWN))
    run.show(OTHER, HOUR)
    run.meters[OWN] = SteadyMeter(run.at, 9, OWN)
    run.meters[OWN].base_wh = (500, 700)
    first_wh = run.meters[OWN].registers_wh(run.at)
    run.show(OWN, HOUR)
    assert run.meter.state.account.billed_kwh[:2] == tuple(wh // 1_000 for wh in first_wh)
    assert run.meter.state.quarantined is None


def test_the_bases_of_the_last_meters_are_kept_and_no_more():
    serials = [f"0419610001{n:02}" for n in range(9)]
    run = Run(STARTS[2], named=serials)
    for n, serial in enumerate(serials):
        run.meters[serial] = SteadyMeter(run.at, n, serial)
        run.show(serial, 20 * MINUTE)
    kept = [each.last.serial for each in run.meter.state.account.former]
    assert kept == serials[4:8]


def test_a_household_that_moves_out_is_not_billed_what_another_meter_showed():
    run = Run(STARTS[2])
    run.show(OTHER, timedelta(hours=3))
    run.events += run.meter.close()
    assert run.counted().keys() == {OWN}
    assert run.kinds() == [*ASIDE, NoticeKind.OTHER_METER_DROPPED]
    assert run.meter.state == MeterState()


def test_one_frame_of_another_meter_is_noise():
    run = Run(STARTS[2])
    run.see(OTHER, run.at)
    run.show(OWN, HOUR)
    assert run.kinds() == []
