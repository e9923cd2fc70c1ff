"""Metering, rule by rule."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from edge.metering.events import DayClosed, Event, Notice, NoticeKind, QuarterHourClosed
from edge.metering.meter import UNNAMED_MAX, Meter
from edge.metering.restore import RestorePoint, restore
from edge.metering.state import MeterState
from edge.simulate.host import host_time_at
from edge.tic.frame import ClosedBy, Frame, InformationGroup, Mode, OpenedBy
from protocol.calendar import PARIS, day_start, quarter_hour_start

SERIAL = "021661000001"
SECOND = timedelta(seconds=1)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


def _frame(mode: Mode, groups: dict[str, InformationGroup], *, is_short: bool = False) -> Frame:
    return Frame(
        mode=mode,
        start=0,
        end=1,
        opened_by=OpenedBy.STX,
        closed_by=ClosedBy.ETX,
        groups=groups,
        is_complete=True,
        is_short=is_short,
    )


def standard(
    at: datetime,
    *registers_wh: int,
    serial: str = SERIAL,
    calendar: str = "BASE",
    injected_wh: int | None = None,
    power_va: int = 500,
    is_degraded: bool = False,
    without: tuple[str, ...] = (),
    **more: InformationGroup,
) -> Frame:
    groups = {
        "ADSC": InformationGroup(serial),
        "DATE": InformationGroup("", "E", at=at, is_clock_degraded=is_degraded),
        "NGTF": InformationGroup(f"{calendar:^16}"),
        "EAST": InformationGroup(f"{sum(registers_wh):09}"),
        "SINSTS": InformationGroup(f"{power_va:05}"),
        **{f"EASF{n:02}": InformationGroup(f"{wh:09}") for n, wh in enumerate(registers_wh, 1)},
        **more,
    }
    if injected_wh is not None:
        groups["EAIT"] = InformationGroup(f"{injected_wh:09}")
    return _frame(
        Mode.STANDARD, {name: group for name, group in groups.items() if name not in without}
    )


def historique(optarif: str, serial: str = SERIAL, **registers: int) -> Frame:
    groups = {
        "ADCO": InformationGroup(serial),
        "OPTARIF": InformationGroup(optarif),
        "PAPP": InformationGroup("00700"),
    }
    return _frame(
        Mode.HISTORIQUE,
        groups | {name: InformationGroup(f"{wh:09}") for name, wh in registers.items()},
    )


def see(meter: Meter, at: datetime, *registers_wh: int, **kwargs) -> list[Event]:
    return meter.observe(standard(at, *registers_wh, **kwargs), host_time_at(at))


def see_twice(meter: Meter, at: datetime, *registers_wh: int, **kwargs) -> list[Event]:
    """Two agreeing frames, a second apart: what a reading that surprises needs."""
    return see(meter, at, *registers_wh, **kwargs) + see(
        meter, at + SECOND, *registers_wh, **kwargs
    )


def begun(at: datetime, *registers_wh: int, named: str = "", **kwargs) -> Meter:
    """A meter that is followed; `named` is the serial of another that a contract names."""
    meter = Meter(is_named=lambda reading: reading.serial == named)
    assert not [
        event
        for event in see_twice(meter, at, *registers_wh, **kwargs)
        if not isinstance(event, Notice)
    ]
    return meter


def days(events: list[Event]) -> list[DayClosed]:
    return [event for event in events if isinstance(event, DayClosed)]


def quarters(events: list[Event]) -> list[QuarterHourClosed]:
    return [event for event in events if isinstance(event, QuarterHourClosed)]


def kinds(events: list[Event]) -> list[NoticeKind]:
    return [event.kind for event in events if isinstance(event, Notice)]


def test_reading_on_the_boundary_closes_the_quarter_hour_exactly():
    meter = begun(local("2025-06-10T10:00"), 1_000_000)
    see(meter, local("2025-06-10T10:07"), 1_000_100)
    assert see(meter, local("2025-06-10T10:15"), 1_000_321) == [
        QuarterHourClosed(date(2025, 6, 10), 40, 321)
    ]


def test_energy_across_a_boundary_is_shared_by_time():
    meter = begun(local("2025-06-10T10:00"), 1_000_000)
    see(meter, local("2025-06-10T10:14:00"), 1_000_000)
    events = see(meter, local("2025-06-10T10:15:30"), 1_000_010)
    assert events == [QuarterHourClosed(date(2025, 6, 10), 40, 6)]  # 60 s of 90 s, floor
    assert meter.state.account.pool_wh == 4


@pytest.mark.parametrize(
    ("day", "count"), [("2025-03-30", 92), ("2025-10-26", 100), ("2025-06-10", 96)]
)
def test_a_day_has_its_legal_number_of_quarter_hours(day, count):
    start = day_start(date.fromisoformat(day))
    meter = begun(start, 5_000_000)
    events: list[Event] = []
    for n in range(1, count + 1):
        events += see(meter, start + n * timedelta(minutes=15), 5_000_000 + 100 * n)
    assert [quarter.j for quarter in quarters(events)] == list(range(count))
    assert {quarter.energy_wh for quarter in quarters(events)} == {100}
    assert not any(quarter.is_estimated for quarter in quarters(events))
    (closed,) = days(events)
    assert closed.day == date.fromisoformat(day)
    assert closed.is_index_read
    assert closed.register_steps_kwh[0] == count * 100 // 1_000


def test_reading_at_midnight_counts_for_the_day_that_ends():
    meter = begun(local("2025-06-10T23:50"), 1_999_000)
    (closed,) = days(see(meter, local("2025-06-11T00:00"), 2_000_000))
    assert closed.register_steps_kwh == (1, *[0] * 9)
    assert closed.register_index_kwh[0] == 2_000
    assert closed.drawn_index_wh == 2_000_000


def test_reading_after_midnight_leaves_the_kwh_to_the_new_day():
    meter = begun(local("2025-06-10T23:59:30"), 1_999_990)
    (closed,) = days(see(meter, local("2025-06-11T00:00:10"), 2_000_002))
    assert closed.register_steps_kwh[0] == 0
    assert closed.is_index_read
    assert closed.drawn_index_wh == 1_999_990 + 8  # 29 s of 39 s since the last reading


def test_gap_is_spread_and_its_steps_fall_on_the_first_day_with_a_reading():
    meter = begun(local("2025-06-10T22:00"), 1_000_000)
    events = see_twice(meter, local("2025-06-13T02:00"), 1_005_200)
    closed = days(events)
    assert [day.day for day in closed] == [date(2025, 6, 10) + n * timedelta(1) for n in range(3)]
    assert [day.register_steps_kwh[0] for day in closed] == [0, 0, 0]
    assert not any(day.is_index_read for day in closed)
    assert len(quarters(events)) == 52 * 4
    assert sum(quarter.energy_wh for quarter in quarters(events)) == 5_200
    assert {quarter.energy_wh for quarter in quarters(events)} <= {24, 25, 26}
    assert all(quarter.is_estimated for quarter in quarters(events))
    assert kinds(events) == [NoticeKind.GAP]
    (day,) = days(see_twice(meter, local("2025-06-14T00:00"), 1_005_300))
    assert day.register_steps_kwh[0] == 5


def test_only_the_quarter_hours_with_an_end_in_the_gap_are_estimated():
    meter = begun(local("2025-06-10T10:00"), 1_000_000)
    see(meter, local("2025-06-10T10:14"), 1_000_100)
    events = see_twice(meter, local("2025-06-10T11:10"), 1_000_500)
    events += see(meter, local("2025-06-10T11:15"), 1_000_600)
    events += see(meter, local("2025-06-10T11:30"), 1_000_700)
    estimated = [quarter.is_estimated for quarter in quarters(events)]
    assert estimated == [False, True, True, True, True, False]


def test_energy_beyond_36_kva_is_carried_and_told():
    meter = begun(local("2025-06-10T10:00"), 1_000_000)
    events = see_twice(meter, local("2025-06-10T10:15"), 1_020_000)
    assert quarters(events)[0].energy_wh == 9_000
    assert kinds(events) == [NoticeKind.INDEX_JUMPED, NoticeKind.ENERGY_UNPLACED]
    events = see(meter, local("2025-06-10T10:30"), 1_020_000)
    events += see(meter, local("2025-06-10T10:45"), 1_020_000)
    assert [quarter.energy_wh for quarter in quarters(events)] == [9_000, 2_000]
    assert kinds(events) == []


def test_clock_set_back_never_opens_a_quarter_hour_again():
    meter = begun(local("2025-06-10T10:00"), 1_000_000)
    events = see(meter, local("2025-06-10T10:15"), 1_000_100)
    events += see_twice(meter, local("2025-06-10T09:40"), 1_000_130)
    assert kinds(events) == [NoticeKind.CLOCK_JUMP]
    events += see(meter, local("2025-06-10T09:50"), 1_000_150)
    events += see(meter, local("2025-06-10T10:05"), 1_000_200)
    events += see(meter, local("2025-06-10T10:20"), 1_000_230)
    events += see(meter, local("2025-06-10T10:30"), 1_000_250)
    assert [(quarter.j, quarter.energy_wh) for quarter in quarters(events)] == [
        (40, 100),
        (41, 150),
    ]


def test_clock_a_few_seconds_slow_is_no_jump():
    meter = begun(local("2025-06-10T10:00"), 1_000_000)
    events = see(meter, local("2025-06-10T10:15"), 1_000_100)
    events += see(meter, local("2025-06-10T10:14:55"), 1_000_101)
    assert kinds(events) == []
    assert meter.state.held is None


def test_one_false_frame_changes_nothing():
    meter = begun(local("2025-06-10T10:00"), 1_000_000)
    before = meter.state
    for at, index_wh, serial in [
        (local("2025-06-10T10:00:02"), 1_900_000, SERIAL),
        (local("2025-06-10T10:00:02"), 100, SERIAL),
        (local("2025-08-10T10:00:02"), 1_000_000, SERIAL),
        (local("2025-06-10T10:00:02"), 1_000_000, "021661000007"),
    ]:
        assert see(meter, at, index_wh, serial=serial) == []
        assert meter.state.account == before.account
    assert see(meter, local("2025-06-10T10:00:03"), 1_000_001) == []
    assert meter.state.account.pool_wh == 1


def test_register_that_wraps_goes_on():
    meter = begun(local("2025-06-10T23:50"), 999_999_600)
    events = see_twice(meter, local("2025-06-10T23:55"), 300)
    assert kinds(events) == [NoticeKind.INDEX_WRAPPED]
    (day,) = days(see(meter, local("2025-06-11T00:00"), 1_200))
    assert day.register_steps_kwh[0] == 2  # 999 999, 0, 1
    assert meter.state.account.pool_wh == 0


def test_fallen_index_is_quarantined_and_ignored():
    meter = begun(local("2025-06-10T10:00"), 5_000_000)
    events = see_twice(meter, local("2025-06-10T10:01"), 4_000_000)
    events += see_twice(meter, local("2025-06-10T10:20"), 4_000_100)
    assert kinds(events) == [NoticeKind.INDEX_QUARANTINED]
    assert quarters(events) == []
    assert meter.state.account.last.total_wh == 5_000_000


def test_quarantine_ends_by_itself_when_the_old_index_goes_on():
    meter = begun(local("2025-06-10T10:00"), 5_000_000)
    see_twice(meter, local("2025-06-10T10:01"), 4_000_000)
    events = see(meter, local("2025-06-10T10:15"), 5_000_200)
    assert [quarter.energy_wh for quarter in quarters(events)] == [200]
    assert meter.state.quarantined is None


def test_person_confirms_a_quarantined_index_and_no_step_is_negative():
    meter = begun(local("2025-06-10T10:00"), 5_000_000)
    see_twice(meter, local("2025-06-10T10:01"), 4_000_000)
    assert kinds(meter.confirm_index()) == [NoticeKind.INDEX_BEGAN_ANEW]
    see(meter, local("2025-06-10T10:02"), 4_000_050)
    events = see(meter, local("2025-06-10T10:15"), 4_000_150)
    assert [quarter.energy_wh for quarter in quarters(events)] == [150]
    (day,) = days(see_twice(meter, local("2025-06-11T00:00"), 4_003_000))
    assert day.register_steps_kwh[0] == 3
    assert [part.register_index_kwh[0] for part in day.parts] == [5_000, 4_003]


def test_confirming_without_a_quarantine_does_nothing():
    meter = begun(local("2025-06-10T10:00"), 5_000_000)
    before = meter.state
    assert meter.confirm_index() == []
    assert meter.state == before
    assert Meter().confirm_index() == []


def test_rise_that_nobody_can_have_used_is_quarantined():
    meter = begun(local("2025-06-10T10:00"), 5_000_000)
    events = see_twice(meter, local("2025-06-10T10:01"), 7_000_000)
    assert kinds(events) == [NoticeKind.INDEX_QUARANTINED]


def test_replaced_meter_closes_at_its_last_index_and_the_new_one_begins_at_its_first():
    meter = begun(local("2025-06-10T09:00"), 7_999_900, injected_wh=900, named="021661000002")
    see(meter, local("2025-06-10T09:10"), 8_001_000, injected_wh=1_100)
    at = local("2025-06-10T11:00")
    events = see_twice(meter, at, 500, serial="021661000002", injected_wh=20)
    assert kinds(events) == [NoticeKind.GAP, NoticeKind.METER_REPLACED]
    see_twice(meter, at + timedelta(hours=1), 2_600, serial="021661000002", injected_wh=60)
    events = see_twice(meter, local("2025-06-11T00:00"), 3_000, serial="021661000002")
    (day,) = days(events)
    assert [part.meter_serial for part in day.parts] == [SERIAL, "021661000002"]
    assert [part.register_steps_kwh[0] for part in day.parts] == [2, 3]
    assert [part.until for part in day.parts] == [at, day_start(date(2025, 6, 11))]
    assert day.register_steps_kwh[0] == 5
    assert (day.injected_wh, day.injected_step_kwh) == (200 + 40, 1)
    assert day.meter_serial == "021661000002"
    assert day.drawn_index_wh == 3_000


def test_injection_of_a_new_meter_begins_at_its_first_index():
    meter = begun(local("2025-06-10T09:00"), 7_000_000, injected_wh=10, named="021661000002")
    see_twice(meter, local("2025-06-10T11:00"), 500, serial="021661000002")
    see(meter, local("2025-06-10T11:05"), 500, serial="021661000002", injected_wh=5_000)
    (day,) = days(
        see_twice(meter, local("2025-06-11T00:00"), 900, serial="021661000002", injected_wh=5_030)
    )
    assert (day.injected_wh, day.injected_step_kwh) == (30, 0)


def test_contract_whose_registers_show_more_adds_nothing_to_the_curve():
    meter = Meter()
    at = local("2025-06-10T10:00")
    for n in (0, 1):
        meter.observe(
            historique("HC..", HCHC=1_000_000, HCHP=2_000_000), host_time_at(at + n * SECOND)
        )
    for n in (2, 3):
        meter.observe(historique("BASE", BASE=9_000_000), host_time_at(at + n * SECOND))
    assert meter.state.account.pool_wh == 0
    assert meter.state.account.billed_kwh == (9_000, *[None] * 9)


def test_a_frame_that_does_not_say_its_calendar_is_passed_over_until_none_does():
    meter = begun(local("2025-06-10T23:50"), 1_000_000, calendar="TEMPO")
    midnight = local("2025-06-11T00:00")
    for n in range(UNNAMED_MAX):
        assert see(meter, midnight + n * SECOND, 1_000_100, without=("NGTF",)) == []
    (day,) = days(see(meter, midnight + 20 * SECOND, 1_000_100, without=("NGTF",)))
    assert day.calendar == "TEMPO"
    at = local("2025-06-11T00:01")
    see(meter, at, 1_000_200, without=("NGTF",))
    assert meter.state.account.last.at == at
    see(meter, at + SECOND, 1_000_200, calendar="TEMPO")
    see(meter, at + 2 * SECOND, 1_000_200, without=("NGTF",))
    assert meter.state.account.last.at == at + SECOND


def test_calendar_change_with_the_same_counters_splits_the_steps():
    meter = begun(local("2025-06-10T09:00"), 1_999_500, 4_000_000, calendar="H PLEINE/CREUSE")
    see(meter, local("2025-06-10T09:10"), 2_000_500, 4_000_000, calendar="H PLEINE/CREUSE")
    events = see_twice(meter, local("2025-06-10T09:11"), 2_000_501, 4_000_000, calendar="TEMPO")
    assert kinds(events) == [NoticeKind.CALENDAR_CHANGED]
    (day,) = days(
        see_twice(meter, local("2025-06-11T00:00"), 2_000_501, 4_003_000, calendar="TEMPO")
    )
    assert [part.calendar for part in day.parts] == ["H PLEINE/CREUSE", "TEMPO"]
    assert [part.register_steps_kwh[:2] for part in day.parts] == [(1, 0), (0, 0)]
    assert day.register_steps_kwh[:2] == (1, 0)
    assert day.calendar == "TEMPO"
    (after,) = days(
        see_twice(meter, local("2025-06-12T00:00"), 2_000_501, 4_005_000, calendar="TEMPO")
    )
    assert (after.register_steps_kwh[:2], after.parts) == ((0, 5), ())


def test_a_calendar_that_takes_over_before_a_kwh_has_the_day():
    meter = begun(local("2025-06-10T00:00"), 2_000_000, calendar="BASE")
    see_twice(meter, local("2025-06-10T00:10"), 2_000_400, calendar="TEMPO")
    (day,) = days(see_twice(meter, local("2025-06-11T00:00"), 2_003_000, calendar="TEMPO"))
    assert [part.register_steps_kwh[0] for part in day.parts] == [0, 3]


def test_who_moves_out_on_the_day_of_a_change_is_billed_to_the_last_kwh():
    meter = begun(local("2025-06-10T09:00"), 1_999_500, calendar="BASE")
    see(meter, local("2025-06-10T09:10"), 2_000_500, calendar="BASE")
    see_twice(meter, local("2025-06-10T09:11"), 2_000_501, calendar="TEMPO")
    see_twice(meter, local("2025-06-10T18:00"), 2_004_000, calendar="TEMPO")
    (day,) = days(meter.close())
    assert [part.register_steps_kwh[0] for part in day.parts] == [1, 4]


def test_calendar_change_over_a_gap_bills_the_gap_under_the_new_calendar():
    meter = begun(local("2025-06-10T09:00"), 2_000_000, calendar="A")
    see_twice(meter, local("2025-06-12T09:00"), 2_020_000, calendar="B")
    (day,) = days(see_twice(meter, local("2025-06-13T00:00"), 2_021_000, calendar="B"))
    assert [(part.calendar, part.register_steps_kwh[0]) for part in day.parts] == [
        ("A", 0),
        ("B", 21),
    ]


def test_calendar_change_to_other_counters_starts_them_anew_and_keeps_the_curve():
    meter = begun(local("2025-06-10T10:00"), 2_000_000, calendar="A")
    frame = standard(
        local("2025-06-10T10:05"), 7_000_000, calendar="B", EAST=InformationGroup("002000050")
    )
    for at in (frame.groups["DATE"].at, frame.groups["DATE"].at + SECOND):
        meter.observe(frame, host_time_at(at))
    later = standard(
        local("2025-06-10T10:15"), 7_000_950, calendar="B", EAST=InformationGroup("002001000")
    )
    events = meter.observe(later, host_time_at(later.groups["DATE"].at))
    assert [quarter.energy_wh for quarter in quarters(events)] == [1_000]
    assert meter.state.account.billed_kwh[0] == 7_000


def test_switch_from_historique_to_standard_keeps_counting():
    meter = Meter()
    at = local("2025-06-10T10:00")
    for n in (0, 1):
        meter.observe(
            historique("HC..", HCHC=1_000_000, HCHP=2_000_000), host_time_at(at + n * SECOND)
        )
    at = local("2025-06-10T10:10")
    events = [
        event
        for n in (0, 1)
        for event in see(meter, at + n * SECOND, 1_000_000, 2_000_700, calendar="H PLEINE/CREUSE")
    ]
    assert kinds(events) == [NoticeKind.CALENDAR_CHANGED]
    events = see(meter, local("2025-06-10T10:15"), 1_000_000, 2_001_000, calendar="H PLEINE/CREUSE")
    assert [quarter.energy_wh for quarter in quarters(events)] == [1_000]
    (day,) = days(
        see_twice(
            meter, local("2025-06-11T00:00"), 1_000_000, 2_004_000, calendar="H PLEINE/CREUSE"
        )
    )
    assert [part.calendar for part in day.parts] == ["HC", "H PLEINE/CREUSE"]
    assert day.register_steps_kwh[:2] == (0, 4)


def test_a_day_on_which_the_mode_is_switched_holds_all_that_it_counted():
    meter = Meter()
    start = local("2025-06-10T10:00")
    for at, peak_wh in ((start, 0), (start + SECOND, 0), (local("2025-06-10T10:10"), 1_000)):
        frame = historique("HC..", HCHC=1_000_000, HCHP=2_000_000 + peak_wh)
        meter.observe(frame, host_time_at(at))
    names = {"calendar": "H PLEINE/CREUSE"}
    see_twice(meter, local("2025-06-10T10:15"), 1_000_000, 2_001_200, **names)
    (day,) = days(see_twice(meter, local("2025-06-11T00:00"), 1_000_000, 2_004_000, **names))
    assert day.register_steps_kwh[:2] == (0, 4)


@pytest.mark.parametrize(
    ("optarif", "calendar", "registers"),
    [
        ("BASE", "BASE", {"BASE": 10}),
        ("HC..", "HC", {"HCHC": 10, "HCHP": 20}),
        ("EJP.", "EJP", {"EJPHN": 10, "EJPHPM": 20}),
        (
            "BBR(",
            "BBR",
            {
                f"BBRH{hour}J{day}": 10 * n
                for n, (day, hour) in enumerate([(day, hour) for day in "BWR" for hour in "CP"], 1)
            },
        ),
    ],
)
def test_historique_registers_by_contract_on_the_hosts_clock(optarif, calendar, registers):
    meter = Meter()
    at = local("2025-06-10T23:44")
    first = {name: 1_000 * kwh for name, kwh in registers.items()}
    for n in (0, 1):
        meter.observe(historique(optarif, **first), host_time_at(at + n * SECOND))
    for minutes in (10, 16):
        later = {name: index_wh + 100 * minutes for name, index_wh in first.items()}
        events = meter.observe(
            historique(optarif, **later), host_time_at(at + minutes * timedelta(minutes=1))
        )
    (day,) = days(events)
    count = len(registers)
    assert day.calendar == calendar
    assert day.register_index_kwh[:count] == tuple(kwh + 1 for kwh in registers.values())
    assert day.register_steps_kwh == (*[1] * count, *[0] * (10 - count))
    assert day.max_power_va == 700


def test_sum_of_registers_needs_all_of_them_in_one_frame():
    meter = Meter()
    at = local("2025-06-10T10:00")
    for n in (0, 1):
        meter.observe(historique("HC..", HCHC=1_000, HCHP=2_000), host_time_at(at + n * SECOND))
    before = meter.state
    assert meter.observe(historique("HC..", HCHC=1_500), host_time_at(at + 2 * SECOND)) == []
    assert meter.state == before


def test_incomplete_standard_frame_serves_as_far_as_it_goes():
    meter = begun(local("2025-06-10T10:00"), 1_000_000, 2_000_000)
    at = local("2025-06-10T10:15")
    events = see(meter, at, 1_000_300, 2_000_000, without=("EASF01", "SINSTS"))
    assert [quarter.energy_wh for quarter in quarters(events)] == [300]
    assert meter.state.account.last.registers_wh[:2] == (1_000_000, 2_000_000)
    before = meter.state
    for label in ("DATE", "ADSC", "EAST"):
        assert see(meter, at + SECOND, 1_000_400, 2_000_000, without=(label,)) == []
    assert meter.state == before


def test_short_frames_say_nothing():
    meter = begun(local("2025-06-10T10:00"), 1_000_000)
    before = meter.state
    short = _frame(
        Mode.HISTORIQUE,
        {"ADCO": InformationGroup(SERIAL), "ADIR1": InformationGroup("030")},
        is_short=True,
    )
    assert meter.observe(short, host_time_at(local("2025-06-10T10:01"))) == []
    assert meter.state == before


def test_degraded_clock_is_told_once():
    meter = begun(local("2025-06-10T10:00"), 1_000_000)
    events = see(meter, local("2025-06-10T10:01"), 1_000_000, is_degraded=True)
    events += see(meter, local("2025-06-10T10:02"), 1_000_000, is_degraded=True)
    assert kinds(events) == [NoticeKind.CLOCK_DEGRADED]


def test_maximum_power_takes_what_the_meter_kept_of_the_day():
    meter = begun(local("2025-06-10T10:00"), 1_000_000, power_va=1_200)
    yesterday = InformationGroup("05500", "E", at=local("2025-06-10T21:00"))
    today = InformationGroup("02100", "E", at=local("2025-06-11T03:00"))
    at = local("2025-06-11T09:00")
    events = see_twice(meter, at, 1_001_000, **{"SMAXSN-1": yesterday, "SMAXSN": today})
    assert [day.max_power_va for day in days(events)] == [5_500]
    (day,) = days(see_twice(meter, local("2025-06-12T00:00"), 1_002_000, power_va=9_000))
    assert day.max_power_va == 2_100  # the reading at midnight shows the new day's power


def test_days_more_than_400_before_the_reading_are_left_out():
    meter = begun(local("2023-01-01T10:00"), 1_000_000)
    at = local("2025-06-10T10:00")
    events = see_twice(meter, at, 1_500_000)
    closed = days(events)
    assert closed[0].day == date(2023, 1, 1)
    assert closed[1].day == date(2025, 6, 10) - timedelta(days=400)
    assert closed[-1].day == date(2025, 6, 9)
    assert len(closed) == 401
    total_wh = sum(quarter.energy_wh for quarter in quarters(events))
    assert total_wh + meter.state.account.pool_wh == 500_000


def restored(drawn_index_wh: int, *register_index_kwh: int, j: int = 39, **known) -> Meter:
    point = RestorePoint(
        day=date(2025, 6, 10),
        j=j,
        drawn_index_wh=drawn_index_wh,
        register_index_kwh=(*register_index_kwh, *[0] * (10 - len(register_index_kwh))),
        injected_index_wh=known.get("injected_index_wh", 0),
        fingerprint=0,
        mode=known.get("mode", Mode.STANDARD),
    )
    state = restore(point, SERIAL, known.get("calendar"))
    state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=MeterState)
    return Meter(state)


@pytest.mark.parametrize("calendar", ["BASE", None])
def test_restored_account_goes_on_where_the_cloud_stopped(calendar):
    meter = restored(1_000_400, 1_000, injected_index_wh=5_500, calendar=calendar)
    events = see_twice(meter, local("2025-06-10T11:00"), 1_002_400, injected_wh=6_100)
    assert kinds(events) == [NoticeKind.GAP]
    assert [(quarter.j, quarter.energy_wh) for quarter in quarters(events)] == [
        (n, 500) for n in range(40, 44)
    ]
    (day,) = days(see_twice(meter, local("2025-06-11T00:00"), 1_003_000, injected_wh=7_000))
    assert day.register_steps_kwh[0] == 3
    assert (day.injected_wh, day.injected_step_kwh) == (1_500, 2)
    assert day.parts == ()
    assert (day.meter_serial, day.calendar) == (SERIAL, "BASE")


def test_restored_account_tells_another_meter_by_its_serial():
    meter = restored(1_000_400, 1_000, j=95)
    events = see_twice(meter, local("2025-06-11T00:10"), 1_000_500, serial="021661000009")
    assert NoticeKind.OTHER_METER in kinds(events)
    assert NoticeKind.METER_REPLACED in kinds(meter.confirm_meter())
    assert meter.state.account.billed_kwh[0] == 1_000


def test_one_frame_of_another_meter_does_not_take_a_restored_account():
    meter = restored(1_000_400, 1_000)
    assert see(meter, local("2025-06-10T11:00"), 1_002_400, serial="021661000009") == []
    events = see_twice(meter, local("2025-06-10T11:00"), 1_002_400)
    assert kinds(events) == [NoticeKind.GAP]
    assert sum(quarter.energy_wh for quarter in quarters(events)) == 2_000


def test_restored_account_never_bills_registers_that_it_did_not_know():
    meter = restored(3_000_000, 1_000, 2_000, j=95, calendar="HC", mode=Mode.HISTORIQUE)
    at = local("2025-06-11T00:10")
    events = [
        event
        for n in (0, 1)
        for event in see(
            meter,
            at + n * SECOND,
            1_000_000,
            2_000_000,
            9_000_000,
            EAST=InformationGroup("012000100"),
        )
    ]
    assert kinds(events) == [NoticeKind.CALENDAR_CHANGED]
    assert meter.state.account.billed_kwh[:3] == (1_000, 2_000, 9_000)


def test_steps_and_injection_too_large_for_a_day_go_on_to_the_next():
    meter = begun(local("2025-01-01T10:00"), 1_000_000, injected_wh=0)
    end = local("2025-06-10T10:00")
    see_twice(meter, end, 101_000_000, injected_wh=2_000_000)
    closed = []
    for n in range(3):
        at = local(f"2025-06-{11 + n}T00:00")
        closed += days(see_twice(meter, at, 101_000_000, injected_wh=2_000_000))
    assert [day.register_steps_kwh[0] for day in closed] == [65_535, 34_465, 0]
    assert [day.register_index_kwh[0] for day in closed] == [66_535, 101_000, 101_000]
    assert [day.injected_wh for day in closed] == [1_048_575, 951_425, 0]
    assert [day.injected_step_kwh for day in closed] == [1_048, 952, 0]
    assert closed[0].injected_index_wh == 1_048_575


def test_restoring_after_a_quarter_hour_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="no quarter-hour 92"):
        restore(RestorePoint(date(2025, 3, 30), 92, 0, (0,) * 10, 0, 0), SERIAL)


def test_first_quarter_hour_is_estimated_unless_it_began_with_a_reading():
    meter = begun(local("2025-06-10T10:05"), 1_000_000)
    assert quarters(see(meter, local("2025-06-10T10:15"), 1_000_010))[0].is_estimated
    start = quarter_hour_start(date(2025, 6, 10), 40)
    meter = begun(start.astimezone(UTC), 1_000_000)
    assert not quarters(see(meter, local("2025-06-10T10:15"), 1_000_010))[0].is_estimated


def test_notices_carry_no_energy():
    meter = begun(local("2025-06-10T10:00"), 5_123_456)
    events = see_twice(meter, local("2025-06-10T10:01"), 4_654_321)
    events += see_twice(meter, local("2025-06-13T10:01"), 5_199_999)
    text = " ".join(event.detail for event in events if isinstance(event, Notice))
    assert not any(character.isdigit() for character in text)
