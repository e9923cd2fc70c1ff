"""A total that has another meaning after the store was lost, under a calendar's unchanged name."""

from datetime import UTC, date, datetime

import pytest

from edge.chip.restoring import restore_for
from edge.metering.reading import read
from edge.metering.restore import RestorePoint
from edge.tic.decoder import Decoder
from edge.tic.frame import Mode
from tests.support.chip_bench import make_identity
from tests.support.true_meter import TrueMeter

SERIAL = "041961000001"
AT = datetime(2025, 6, 11, 10, 5, tzinfo=UTC)
HOUSEHOLD = make_identity().household
BILLED_KWH = (146, 274)


def restored_mode(
    meter: TrueMeter, drawn_wh: int, *billed_kwh: int, is_carrying: bool = False
) -> Mode | None:
    """Return the TIC mode in which the last day is taken to have closed."""
    point = RestorePoint(
        day=date(2025, 6, 10),
        j=95,
        drawn_index_wh=drawn_wh,
        register_index_kwh=(*billed_kwh, *[0] * (10 - len(billed_kwh))),
        injected_index_wh=0,
        fingerprint=HOUSEHOLD.meter_fingerprint(SERIAL, meter.calendar),
        placed_wh=6_000,
        is_carrying=is_carrying,
    )
    (frame,) = Decoder().feed(meter.encode(AT))
    reading = read(frame, AT)
    return restore_for(reading, point, HOUSEHOLD).state.account.last.mode


def meter_of(calendar: str, *, is_historique: bool) -> TrueMeter:
    """Return a meter that counted 9 kWh since its last day closed, 6 of them in the curve."""
    meter = TrueMeter(SERIAL, calendar, is_historique=is_historique, other_wh=400_000)
    meter.indices_wh[:2] = [155_400, 274_367]
    return meter


@pytest.mark.parametrize("calendar", ["BASE", "EJP"])
def test_a_sum_that_has_become_east_is_no_energy(calendar):
    meter = meter_of(calendar, is_historique=False)
    shown_wh = sum(meter.indices_wh[: 1 if calendar == "BASE" else 2])
    billed_kwh = BILLED_KWH[: 1 if calendar == "BASE" else 2]
    assert restored_mode(meter, shown_wh - 3_000, *billed_kwh) is Mode.HISTORIQUE


@pytest.mark.parametrize("calendar", ["BASE", "EJP"])
def test_east_that_has_become_a_sum_is_no_energy(calendar):
    meter = meter_of(calendar, is_historique=True)
    drawn_wh = sum(meter.indices_wh) + meter.other_wh - 3_000
    assert restored_mode(meter, drawn_wh, *BILLED_KWH) is Mode.STANDARD


@pytest.mark.xfail(strict=True, reason="the mode is a guess while the curve is behind the total")
@pytest.mark.parametrize("calendar", ["BASE", "EJP"])
@pytest.mark.parametrize("is_historique", [False, True])
def test_another_total_is_no_energy_where_the_curve_takes_a_jump(calendar, is_historique):
    meter = meter_of(calendar, is_historique=is_historique)
    shown_wh = sum(meter.indices_wh[: 1 if calendar == "BASE" else 2])
    total_wh = sum(meter.indices_wh) + meter.other_wh if is_historique else shown_wh
    mode = Mode.STANDARD if is_historique else Mode.HISTORIQUE
    assert restored_mode(meter, total_wh - 3_000, *BILLED_KWH, is_carrying=True) is mode


@pytest.mark.parametrize("calendar", ["BASE", "EJP"])
@pytest.mark.parametrize("is_historique", [False, True])
def test_the_same_total_goes_on_from_the_curve(calendar, is_historique):
    meter = meter_of(calendar, is_historique=is_historique)
    shown_wh = sum(meter.indices_wh[: 1 if calendar == "BASE" else 2])
    total_wh = shown_wh if is_historique else sum(meter.indices_wh) + meter.other_wh
    mode = Mode.HISTORIQUE if is_historique else Mode.STANDARD
    assert restored_mode(meter, total_wh - 3_000, *BILLED_KWH) is mode


def test_sums_of_different_registers_tell_no_mode():
    meter = meter_of("HPHC", is_historique=True)
    (frame,) = Decoder().feed(meter.encode(AT))
    point = RestorePoint(
        day=date(2025, 6, 10),
        j=95,
        drawn_index_wh=146_000,
        register_index_kwh=(146, *[0] * 9),
        injected_index_wh=0,
        fingerprint=HOUSEHOLD.meter_fingerprint(SERIAL, "BASE"),
    )
    account = restore_for(read(frame, AT), point, HOUSEHOLD).state.account
    assert account.last.mode is Mode.HISTORIQUE
    assert account.billed_kwh[:2] == (146, None)  # 274 kWh of an earlier contract are no step
