"""Converts a closed day to its coefficients 100 to 127, and back (protocol/layout.py)."""

from collections.abc import Sequence
from datetime import date

from edge.metering.events import DayClosed
from edge.tic.frame import Mode
from protocol.doubt import doubts_from_bits, doubts_to_bits
from protocol.layout import (
    DAY_BITS,
    DAY_COEFFICIENTS,
    DRAWN_INDEX_KWH,
    DRAWN_INDEX_WH,
    HISTORIQUE_BIT,
    INJECTED_INDEX_KWH,
    INJECTED_INDEX_WH,
    INJECTED_STEP,
    INJECTED_WH,
    METER_FINGERPRINT,
    QUARTER_HOURS_MAX,
    REGISTER_INDEX,
    REGISTER_STEP,
    REGISTERS,
    STANDARD_BIT,
)

WH_PER_KWH = 1_000
_BIT_OF_MODE = {Mode.HISTORIQUE: HISTORIQUE_BIT, Mode.STANDARD: STANDARD_BIT}


def closing_values(closed: DayClosed, fingerprint: int) -> list[int]:
    """Return the values of coefficients 100 to 127; metering keeps a day within their limits."""
    values = [0] * DAY_COEFFICIENTS
    values[REGISTER_STEP : REGISTER_STEP + REGISTERS] = closed.register_steps_kwh
    values[INJECTED_WH] = closed.injected_wh
    values[INJECTED_STEP] = closed.injected_step_kwh
    values[REGISTER_INDEX : REGISTER_INDEX + REGISTERS] = closed.register_index_kwh
    values[DRAWN_INDEX_KWH], values[DRAWN_INDEX_WH] = divmod(closed.drawn_index_wh, WH_PER_KWH)
    injected = divmod(closed.injected_index_wh, WH_PER_KWH)
    values[INJECTED_INDEX_KWH], values[INJECTED_INDEX_WH] = injected
    values[METER_FINGERPRINT] = fingerprint
    mode_bit = 0 if closed.mode is None else _BIT_OF_MODE[closed.mode]
    values[DAY_BITS] = doubts_to_bits(closed.doubts) | mode_bit
    return values[QUARTER_HOURS_MAX:]


def read_closing(day: date, values: Sequence[int]) -> tuple[DayClosed, int]:
    """Return the closed day of `values` (coefficients 100 to 127), and its fingerprint.

    Fields that the coefficients lack are empty: the meter's serial and calendar, the highest power.
    """
    full = [0] * QUARTER_HOURS_MAX + list(values)
    injected_index_wh = full[INJECTED_INDEX_KWH] * WH_PER_KWH + full[INJECTED_INDEX_WH]
    closed = DayClosed(
        day=day,
        register_steps_kwh=tuple(full[REGISTER_STEP : REGISTER_STEP + REGISTERS]),
        injected_wh=full[INJECTED_WH],
        injected_step_kwh=full[INJECTED_STEP],
        register_index_kwh=tuple(full[REGISTER_INDEX : REGISTER_INDEX + REGISTERS]),
        injected_index_kwh=full[INJECTED_INDEX_KWH],
        drawn_index_wh=full[DRAWN_INDEX_KWH] * WH_PER_KWH + full[DRAWN_INDEX_WH],
        injected_index_wh=injected_index_wh,
        meter_serial="",
        calendar="",
        max_power_va=0,
        is_index_read=True,
        doubts=doubts_from_bits(full[DAY_BITS]),
        mode=_mode_in(full[DAY_BITS]),
    )
    return closed, full[METER_FINGERPRINT]


def _mode_in(bits: int) -> Mode | None:
    return next((mode for mode, bit in _BIT_OF_MODE.items() if bits & bit), None)
