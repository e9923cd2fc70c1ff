"""An account from what the cloud gave back, after the chip has lost its store."""

from datetime import date

from edge.metering.reading import Reading
from edge.metering.state import Account, MeterState
from protocol.calendar import QUARTER_HOUR, legal_day, quarter_hour_start, quarter_hours


def restore(
    *,
    day: date,
    j: int,
    drawn_index_wh: int,
    register_index_kwh: tuple[int, ...],
    injected_index_wh: int,
    serial: str,
    calendar: str | None = None,
) -> MeterState:
    """Return the state from which the next frame goes on.

    Args:
        day: legal day of the last quarter-hour that was closed.
        j: its number.
        drawn_index_wh: the total the curve accounts for at its end: `DayClosed.drawn_index_wh`
            of the last closed day, plus the energies of the quarter-hours closed after it.
        register_index_kwh: `DayClosed.register_index_kwh` of the last closed day (ten).
        injected_index_wh: `DayClosed.injected_index_wh` of it; 0: injection starts anew.
        serial: the meter's. Where only a fingerprint is known, the serial of the frame that has
            it, and anything else where frames have another: then the meter counts as replaced.
        calendar: its calendar; None where it is not known, then the next frame's holds.

    What the meter counted since goes into the quarter-hours not yet closed, and the whole-kWh
    steps since the last closed day fall on the day of the next good reading. Raises
    ValueError where the quarter-hour does not exist.
    """
    if not 0 <= j < quarter_hours(day):
        raise ValueError(f"{day} has no quarter-hour {j}")
    end = quarter_hour_start(day, j) + QUARTER_HOUR
    next_day = legal_day(end)
    last = Reading(
        at=end,
        mode=None,
        serial=serial,
        calendar=calendar,
        total_wh=drawn_index_wh,
        injected_wh=injected_index_wh or None,
        # They are of the last closed day, the total may be of much later: only a register that
        # has counted nothing can be compared, and shows one that was not known.
        registers_wh=tuple([None if index_kwh else 0 for index_kwh in register_index_kwh]),
    )
    account = Account(
        last=last,
        day=next_day,
        j=j + 1 if next_day == day else 0,
        billed_kwh=register_index_kwh,
        billed_injected_wh=last.injected_wh,
        is_start_metered=True,
    )
    return MeterState(account=account)
