"""Whatever frames come, metering accounts for every Wh and kWh once, in order."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.metering.events import DayClosed, Event, Notice, NoticeKind, QuarterHourClosed
from edge.metering.meter import Meter
from edge.metering.reading import Reading
from edge.metering.state import MeterState
from edge.simulate.host import host_time_at
from edge.tic.frame import ClosedBy, Frame, InformationGroup, Mode, OpenedBy
from protocol.calendar import quarter_hours

MODULUS_WH = 1_000_000_000
# Month's end, both changes of time, an ordinary day; all at night so that days close often.
STARTS = [
    datetime(2025, 1, 31, 20, 7, 13, tzinfo=UTC),
    datetime(2025, 3, 29, 21, 0, tzinfo=UTC),
    datetime(2025, 10, 25, 20, 59, 59, tzinfo=UTC),
    datetime(2025, 6, 10, 9, 14, 59, tzinfo=UTC),
]


@dataclass
class World:
    """The true meter, and the oracle: what each of its counters has counted since it was seen."""

    at: datetime
    serial: int = 1
    calendar: str = "H PLEINE/CREUSE"
    registers_wh: list[int] = field(default_factory=lambda: [1_234_567, 7_654_321])
    injected_wh: int = 55_555
    drawn_wh: int = 0
    steps_kwh: list[int] = field(default_factory=lambda: [0, 0])
    injected_total_wh: int = 0
    by_key: Counter[tuple[int, str]] = field(default_factory=Counter)

    def frame(self) -> Frame:
        groups = {
            "ADSC": InformationGroup(f"{self.serial:012}"),
            "DATE": InformationGroup("", "E", at=self.at),
            "NGTF": InformationGroup(f"{self.calendar:^16}"),
            "EAST": InformationGroup(f"{sum(self.registers_wh) % MODULUS_WH:09}"),
            "EASF01": InformationGroup(f"{self.registers_wh[0] % MODULUS_WH:09}"),
            "EASF02": InformationGroup(f"{self.registers_wh[1] % MODULUS_WH:09}"),
            "EAIT": InformationGroup(f"{self.injected_wh % MODULUS_WH:09}"),
            "SINSTS": InformationGroup("00420"),
        }
        return Frame(
            mode=Mode.STANDARD,
            start=0,
            end=1,
            opened_by=OpenedBy.STX,
            closed_by=ClosedBy.ETX,
            groups=groups,
            is_complete=True,
        )


def is_of_a_contract(reading: Reading) -> bool:
    """Meters that replace another end in 1; liars do not."""
    return reading.serial.endswith("1")


@dataclass
class Run:
    """A meter under test that is restarted from its serialised state when asked."""

    world: World
    meter: Meter = field(default_factory=partial(Meter, is_named=is_of_a_contract))
    events: list[Event] = field(default_factory=list)

    def observe(self) -> None:
        self.events += self.meter.observe(self.world.frame(), host_time_at(self.world.at))

    def restart(self) -> None:
        stored = msgspec.msgpack.encode(self.meter.state)
        state = msgspec.msgpack.decode(stored, type=MeterState)
        self.meter = Meter(state, is_named=is_of_a_contract)

    def closed(self) -> list[QuarterHourClosed]:
        return [event for event in self.events if isinstance(event, QuarterHourClosed)]

    def days(self) -> list[DayClosed]:
        return [event for event in self.events if isinstance(event, DayClosed)]

    def notices(self) -> list[NoticeKind]:
        return [event.kind for event in self.events if isinstance(event, Notice)]


OPERATION = st.one_of(
    st.tuples(st.just("tick"), st.integers(1, 900), st.integers(0, 9_000)),
    st.tuples(st.just("tick"), st.integers(1, 30), st.integers(0, 300)),
    st.tuples(st.just("gap"), st.integers(901, 4 * 86_400), st.integers(0, 36_000)),
    st.tuples(st.just("jump"), st.integers(-7_200, -11), st.integers(0, 90)),
    st.tuples(st.just("replace"), st.integers(0, 90_000), st.integers(0, 5_000_000)),
    st.tuples(st.just("calendar"), st.integers(1, 5), st.just(0)),
    st.tuples(st.just("restart"), st.just(0), st.just(0)),
    st.tuples(st.just("noise"), st.integers(1, 2_000_000), st.integers(0, 5)),
)


def _apply(run: Run, operation: tuple[str, int, int], split: float) -> None:
    """Let something happen in the world, then show the meter enough frames to be sure of it."""
    kind, amount, extra = operation
    world = run.world
    if kind == "restart":
        run.restart()
        return
    if kind == "noise":  # one frame that lies, whichever way
        liar = World(at=world.at + timedelta(days=extra, seconds=1), serial=world.serial + extra)
        liar.registers_wh = [max(world.registers_wh[0] - amount, 0), amount]
        run.events += run.meter.observe(liar.frame(), host_time_at(liar.at))
        world.at += timedelta(seconds=1)
        run.observe()
        return
    if kind in ("tick", "gap"):
        energy_wh = min(extra, amount * 10)
        world.at += timedelta(seconds=amount)
        first_wh = int(energy_wh * split)
        _count(world, first_wh, energy_wh - first_wh, energy_wh // 3)
    elif kind == "jump":
        world.at += timedelta(seconds=amount)
        _count(world, extra, 0, 0)
    elif kind == "replace":
        world.at += timedelta(seconds=amount)
        world.serial += 10
        world.registers_wh, world.injected_wh = [5_000 + extra, 5_000 + extra // 7], extra // 3
    elif kind == "calendar":
        world.at += timedelta(seconds=amount)
        world.calendar = "BASE" if world.calendar != "BASE" else "H PLEINE/CREUSE"
    run.observe()
    world.at += timedelta(seconds=1)
    run.observe()


def _count(world: World, first_wh: int, second_wh: int, injected_wh: int) -> None:
    before = [index_wh // 1_000 for index_wh in world.registers_wh]
    world.registers_wh = [world.registers_wh[0] + first_wh, world.registers_wh[1] + second_wh]
    world.injected_wh += injected_wh
    world.drawn_wh += first_wh + second_wh
    world.injected_total_wh += injected_wh
    for n, index_kwh in enumerate(before):
        step_kwh = world.registers_wh[n] // 1_000 - index_kwh
        world.steps_kwh[n] += step_kwh
        world.by_key[world.serial, world.calendar] += step_kwh


@settings(max_examples=150, deadline=None)
@given(
    start=st.sampled_from(STARTS),
    base_wh=st.sampled_from([1_234_567, 999_990_000]),
    operations=st.lists(st.tuples(OPERATION, st.floats(0, 1)), max_size=40),
)
def test_every_wh_and_kwh_is_accounted_for_once_in_order(start, base_wh, operations):
    world = World(at=start, registers_wh=[base_wh, 7_654_321])
    run = Run(world)
    run.observe()
    world.at += timedelta(seconds=1)
    run.observe()
    for operation, split in operations:
        _apply(run, operation, split)

    closed = run.closed()
    account = run.meter.state.account
    assert all(0 <= quarter.energy_wh <= 9_000 for quarter in closed)
    assert sum(quarter.energy_wh for quarter in closed) + account.pool_wh == world.drawn_wh
    _assert_consecutive(closed, run.days())

    # Closes the last day that saw a reading, also if its clock went back over midnight.
    world.at += timedelta(days=3)
    run.observe()
    world.at += timedelta(seconds=1)
    run.observe()
    days = run.days()
    for n in (0, 1):
        assert sum(day.register_steps_kwh[n] for day in days) == world.steps_kwh[n]
    assert sum(day.injected_wh for day in days) == world.injected_total_wh
    assert all(step >= 0 for day in days for step in day.register_steps_kwh)
    for day in days:
        if day.parts:
            for n in (0, 1):
                steps = [part.register_steps_kwh[n] for part in day.parts]
                assert sum(steps) == day.register_steps_kwh[n]
    assert NoticeKind.INDEX_QUARANTINED not in run.notices()


@settings(max_examples=100, deadline=None)
@given(
    start=st.sampled_from(STARTS),
    operations=st.lists(st.tuples(OPERATION, st.floats(0, 1)), max_size=30),
)
def test_each_meter_and_calendar_is_billed_what_it_counted(start, operations):
    run = Run(World(at=start))
    run.observe()
    run.world.at += timedelta(seconds=1)
    run.observe()
    for operation, split in operations:
        _apply(run, operation, split)
    run.world.at += timedelta(days=3)  # closes the day after the last that saw a reading, too
    run.observe()
    run.world.at += timedelta(seconds=1)
    run.observe()
    billed = Counter[tuple[int, str]]()
    for day in run.days():
        whole = (day.meter_serial, day.calendar, day.register_steps_kwh)
        parts = [(p.meter_serial, p.calendar, p.register_steps_kwh) for p in day.parts]
        for serial, calendar, steps_kwh in parts or [whole]:
            billed[int(serial), calendar] += sum(steps_kwh)
    assert +billed == +run.world.by_key


@settings(max_examples=100, deadline=None)
@given(
    start=st.sampled_from(STARTS),
    ticks=st.lists(st.tuples(st.integers(1, 900), st.integers(0, 9_000)), max_size=40),
    is_replaced=st.booleans(),
    at=st.integers(0, 40),
)
def test_a_day_that_saw_one_change_of_calendar_counts_by_one_of_them(start, ticks, is_replaced, at):
    run = Run(World(at=start))
    run.observe()
    run.world.at += timedelta(seconds=1)
    run.observe()
    for number, (seconds, energy_wh) in enumerate(ticks):
        if number == at:
            if is_replaced:  # another meter, which runs the other calendar from its first index
                run.world.calendar = "BASE"
                _apply(run, ("replace", 60, 700), 0)
            else:
                _apply(run, ("calendar", 1, 0), 0)
        _apply(run, ("tick", seconds, energy_wh), 0.5)
    run.world.at += timedelta(days=3)
    run.observe()
    run.world.at += timedelta(seconds=1)
    run.observe()
    for day in run.days():
        assert len({part.calendar for part in day.parts if any(part.register_steps_kwh)}) <= 1
    assert sum(sum(day.register_steps_kwh) for day in run.days()) == sum(run.world.steps_kwh)


def _assert_consecutive(closed: list[QuarterHourClosed], days: list[DayClosed]) -> None:
    """Each quarter-hour follows the one before, and days close where their last one does."""
    for before, after in pairwise(closed):
        is_last = before.j + 1 == quarter_hours(before.day)
        expected = (before.day + timedelta(days=1), 0) if is_last else (before.day, before.j + 1)
        assert (after.day, after.j) == expected
    full = [quarter.day for quarter in closed if quarter.j + 1 == quarter_hours(quarter.day)]
    assert [day.day for day in days] == full


@settings(max_examples=60, deadline=None)
@given(
    start=st.sampled_from(STARTS),
    operations=st.lists(st.tuples(OPERATION, st.floats(0, 1)), max_size=25),
)
def test_a_restart_from_serialised_state_at_any_frame_changes_nothing(start, operations):
    steady, restarted = Run(World(at=start)), Run(World(at=start))
    for run in (steady, restarted):
        run.observe()
    for operation, split in operations:
        if operation[0] == "restart":
            continue
        _apply(steady, operation, split)
        restarted.restart()
        _apply(restarted, operation, split)
        restarted.restart()
    assert restarted.events == steady.events
    assert restarted.meter.state == steady.meter.state


@settings(max_examples=60, deadline=None)
@given(
    start=st.sampled_from(STARTS),
    steps=st.lists(
        st.tuples(st.integers(1, 40_000), st.integers(0, 500_000)), min_size=1, max_size=15
    ),
)
def test_drawn_index_of_a_closed_day_is_what_the_curve_accounts_for(start, steps):
    world = World(at=start, registers_wh=[999_500_000, 400_000])
    first_wh = sum(world.registers_wh)
    run = Run(world)
    run.observe()
    run.observe()
    for seconds, energy_wh in steps:
        world.at += timedelta(seconds=seconds)
        _count(world, min(energy_wh, seconds * 10), 0, 0)
        run.observe()
    placed_wh = 0
    for event in run.events:
        if isinstance(event, QuarterHourClosed):
            placed_wh += event.energy_wh
        elif isinstance(event, DayClosed):
            assert event.drawn_index_wh == (first_wh + placed_wh) % MODULUS_WH
