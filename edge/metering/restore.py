"""Restores an account from what the cloud returned, after the chip has lost its store."""

from datetime import date, timedelta

import msgspec

from edge.metering.counters import NO_REGISTERS
from edge.metering.reading import COUNTER_MODULUS_WH, HISTORIQUE_REGISTERS, Reading
from edge.metering.state import (
    Account,
    MeteringSettings,
    MeterState,
    Misfit,
    counters_misfit,
    misfit,
)
from edge.metering.timekeeping import Timekeeping
from edge.tic.frame import Mode
from protocol.calendar import (
    QUARTER_HOUR,
    day_start,
    legal_day,
    quarter_hour_start,
    quarter_hours,
)

# The cloud has whole kWh: a register was up to one kWh higher, which 36 kVA draw in this time.
_PART_OF_KWH = timedelta(seconds=100)


class RestorePoint(msgspec.Struct, frozen=True):
    """The point from which metering continues after a loss, once a frame has named the meter.

    Attributes:
        day: legal day of the last quarter-hour that the blocks carry; `j` its number.
        drawn_index_wh: the total the curve accounts for at its end: `DayClosed.drawn_index_wh` of
            the last closed day, plus the quarter-hours after it.
        register_index_kwh: `DayClosed.register_index_kwh` of that day (ten).
        injected_index_wh: the same for injection, 0 if there is none.
        fingerprint: of meter and calendar at the last closed day.
        placed_wh: energy of the quarter-hours after the last closed day.
        mode: the TIC mode at the end of that day, None if it is not known.
    """

    day: date
    j: int
    drawn_index_wh: int
    register_index_kwh: tuple[int, ...]
    injected_index_wh: int
    fingerprint: int
    placed_wh: int = 0
    mode: Mode | None = None


def restore(point: RestorePoint, serial: str, calendar: str | None = None) -> MeterState:
    """Return the state that the next frame continues.

    Args:
        point: what the cloud returned.
        serial: the meter's, if a frame has its fingerprint. Any other value if frames have another:
            the meter then counts as replaced.
        calendar: its calendar when the last day closed; None if the meter is not known.

    What the meter counted since goes into the quarter-hours not yet closed, and the whole-kWh
    steps since the last closed day fall on the day of the next good reading. Raises
    ValueError if the quarter-hour does not exist.
    """
    day, j, mode = point.day, point.j, point.mode
    if not 0 <= j < quarter_hours(day):
        raise ValueError(f"{day} has no quarter-hour {j}")
    end = quarter_hour_start(day, j) + QUARTER_HOUR
    next_day = legal_day(end)
    last = Reading(
        at=end,
        mode=mode,
        serial=serial,
        calendar=calendar,
        total_wh=point.drawn_index_wh,
        injected_wh=_index_wh(point.injected_index_wh, mode),
        registers_wh=NO_REGISTERS,
    )
    billed_kwh = _shown(point.register_index_kwh, mode, calendar)
    closed = msgspec.structs.replace(
        last,
        at=min(end, day_start(next_day) - _PART_OF_KWH),
        total_wh=(point.drawn_index_wh - point.placed_wh) % COUNTER_MODULUS_WH,
        registers_wh=tuple([None if kwh is None else 1_000 * kwh for kwh in billed_kwh]),
    )
    account = Account(
        last=last,
        day=next_day,
        j=j + 1 if next_day == day else 0,
        billed_kwh=billed_kwh,
        billed_injected_wh=last.injected_wh,
        is_start_metered=True,
        closed=closed,
    )
    return MeterState(account=account, time=Timekeeping.after_loss(end))


def misfit_of(account: Account, reading: Reading, settings: MeteringSettings) -> Misfit | None:
    """Return why `reading` does not simply continue the account; GAP only if all else fits."""
    why = misfit(account.last, reading, settings)
    if account.closed is not None and why in (None, Misfit.GAP):
        return counters_misfit(account.closed, reading) or why
    return why


def _index_wh(injected_wh: int, mode: Mode | None) -> int | None:
    """Return the injected index; outside standard mode, 0 may mean that there is none."""
    return injected_wh if injected_wh or mode is Mode.STANDARD else None


def _shown(
    index_kwh: tuple[int, ...], mode: Mode | None, calendar: str | None
) -> tuple[int | None, ...]:
    """Return the indices that the meter showed; one that it did not show was returned as 0."""
    if mode is Mode.STANDARD:
        return index_kwh
    own = len(HISTORIQUE_REGISTERS.get(calendar or "", ()))
    return tuple([kwh if n < own or kwh else None for n, kwh in enumerate(index_kwh)])
