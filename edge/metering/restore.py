"""An account from what the cloud gave back, after the chip has lost its store."""

from datetime import date, timedelta

import msgspec

from edge.metering.reading import Reading
from edge.metering.state import (
    Account,
    MeteringSettings,
    MeterState,
    Misfit,
    counters_misfit,
    misfit,
)
from protocol.calendar import (
    QUARTER_HOUR,
    day_start,
    legal_day,
    quarter_hour_start,
    quarter_hours,
)

# The cloud has whole kWh: a register stood by up to one more, which 36 kVA count in this time.
_PART_OF_KWH = timedelta(seconds=100)


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
        # They are of the last closed day, the total may be of much later: `last_known` takes them.
        # Here stands only a register that has counted nothing, and shows one that was not known.
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


def last_known(account: Account) -> Reading:
    """Return the reading that the account's next one must continue.

    That is its last one, unless the account was restored and none has come since: then its
    registers are those that the cloud knows of the start of the open day.
    """
    last = account.last
    if last.mode is not None:
        return last
    return msgspec.structs.replace(
        last,
        at=min(last.at, day_start(account.day) - _PART_OF_KWH),
        registers_wh=tuple(
            [
                1_000 * billed_kwh if billed_kwh else known_wh
                for billed_kwh, known_wh in zip(account.billed_kwh, last.registers_wh, strict=True)
            ]
        ),
    )


def misfit_of(account: Account, reading: Reading, settings: MeteringSettings) -> Misfit | None:
    """Return why `reading` does not simply continue the account; GAP only where all else fits."""
    why = misfit(account.last, reading, settings)
    if account.last.mode is None and why in (None, Misfit.GAP):
        return counters_misfit(last_known(account), reading) or why
    return why
