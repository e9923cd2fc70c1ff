"""A total that has another meaning after the store was lost, under a calendar's unchanged name."""

from datetime import UTC, date, datetime, timedelta

import pytest

from edge.chip.restoring import restore_for
from edge.metering.events import Event, NoticeKind, QuarterHourClosed
from edge.metering.meter import Meter
from edge.metering.reading import read
from edge.metering.restore import RestorePoint
from edge.simulate.host import host_time_at
from edge.tic.decoder import Decoder
from edge.tic.frame import Mode
from tests.support.chip_bench import make_identity
from tests.support.true_meter import TrueMeter

SERIAL = "041961000001"
AT = datetime(2025, 6, 11, 10, 5, tzinfo=UTC)
HOUSEHOLD = make_identity().household
BILLED_KWH = (146, 274)
MODES = list(Mode)


def restored(meter: TrueMeter, mode: Mode, behind_wh: int) -> list[Event]:
    """Return what follows the return of an account whose last day closed in `mode`.

    The curve lacks `behind_wh` of what the meter had counted when the last quarter-hour closed.
    """
    shown_wh = sum(meter.indices_wh[: 1 if meter.calendar == "BASE" else 2])
    is_sum = mode is Mode.HISTORIQUE
    total_wh = shown_wh if is_sum else sum(meter.indices_wh) + meter.other_wh
    point = RestorePoint(
        day=date(2025, 6, 10),
        j=95,
        drawn_index_wh=total_wh - 3_000 - behind_wh,
        register_index_kwh=(*BILLED_KWH, *[0] * 8),
        injected_index_wh=0,
        fingerprint=HOUSEHOLD.meter_fingerprint(SERIAL, meter.calendar),
        placed_wh=6_000,
        mode=mode,
    )
    frames = list(Decoder().feed(meter.encode(AT)))
    reading = read(frames[0], AT)
    assert reading is not None
    follower = Meter(restore_for(reading, point, HOUSEHOLD).state)
    events: list[Event] = []
    for seconds in (0, 2, 4, 86_400, 86_402):
        at = AT + timedelta(seconds=seconds)
        for frame in Decoder().feed(meter.encode(at)):
            events += follower.observe(frame, host_time_at(at))
    return events


def meter_of(calendar: str, mode: Mode) -> TrueMeter:
    """Return a meter that counted 9 kWh since its last day closed, 6 of them in the curve."""
    meter = TrueMeter(SERIAL, calendar, is_historique=mode is Mode.HISTORIQUE, other_wh=400_000)
    meter.indices_wh[:2] = [155_400, 274_367]
    return meter


def curve_wh(events: list[Event]) -> int:
    return sum(event.energy_wh for event in events if isinstance(event, QuarterHourClosed))


def kinds(events: list[Event]) -> set[NoticeKind]:
    return {event.kind for event in events if hasattr(event, "kind")}


@pytest.mark.parametrize("calendar", ["BASE", "EJP"])
@pytest.mark.parametrize("before", MODES)
@pytest.mark.parametrize("behind_wh", [0, 9_000, 141_150])
def test_another_total_is_no_energy(calendar, before, behind_wh):
    (now,) = set(MODES) - {before}
    events = restored(meter_of(calendar, now), before, behind_wh)
    assert curve_wh(events) == 0
    assert NoticeKind.CALENDAR_CHANGED in kinds(events)
    assert NoticeKind.INDEX_QUARANTINED not in kinds(events)


@pytest.mark.parametrize("calendar", ["BASE", "EJP"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("behind_wh", [0, 9_000, 141_150])
def test_the_same_total_goes_on_from_the_curve(calendar, mode, behind_wh):
    events = restored(meter_of(calendar, mode), mode, behind_wh)
    assert curve_wh(events) == 3_000 + behind_wh
    assert NoticeKind.CALENDAR_CHANGED not in kinds(events)


def test_a_sum_of_other_registers_is_no_energy():
    meter = meter_of("HPHC", Mode.HISTORIQUE)
    (frame,) = Decoder().feed(meter.encode(AT))
    point = RestorePoint(
        day=date(2025, 6, 10),
        j=95,
        drawn_index_wh=146_000,
        register_index_kwh=(146, *[0] * 9),
        injected_index_wh=0,
        fingerprint=HOUSEHOLD.meter_fingerprint(SERIAL, "BASE"),
        mode=Mode.HISTORIQUE,
    )
    account = restore_for(read(frame, AT), point, HOUSEHOLD).state.account
    assert account.billed_kwh[:2] == (146, None)  # 274 kWh of an earlier contract are no step
