"""Accounts for days between two returned days, which a lost process had counted but never sent.

A closed day has its indices and its steps, and thus the indices at its beginning. Their rise since
the day before the gap belongs to the gap, to the exact kWh.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec

from edge.metering.closing import WHOLE_KWH_MODULUS
from edge.metering.events import DayClosed, QuarterHourClosed
from edge.metering.reading import COUNTER_MODULUS_WH
from protocol.calendar import days_between, quarter_hours
from protocol.layout import DAY_VALUE_MAX, QUARTER_HOUR_MAX_WH, REGISTERS, STEP_MAX_KWH

ONE_DAY = timedelta(days=1)
# 36 kVA over a day.
DAY_MAX_KWH = 864

Curve = Mapping[tuple[date, int], int]


class Gap(msgspec.Struct, frozen=True):
    """Days without data of their own, and the account that can still be given of them."""

    quarter_hours: tuple[QuarterHourClosed, ...]
    days: tuple[DayClosed, ...]


def account_of_gap(before: DayClosed, after: DayClosed, curve: Curve) -> Gap | None:
    """Return the account of the days between `before` and `after`, of one meter and calendar.

    The gap's last day has all steps, the others have none. The energy is spread evenly over the
    quarter-hours that are not in `curve` (the known ones in Wh, those of `after` included); there is
    none if the TIC mode changed, since the total then counts something else. Returns None if the
    indices do not allow it.
    """
    days = days_between(before.day + ONE_DAY, after.day)
    steps_kwh = _steps(before, after, len(days))
    injected_index_wh = (after.injected_index_wh - after.injected_wh) % COUNTER_MODULUS_WH
    injected_wh = (injected_index_wh - before.injected_index_wh) % COUNTER_MODULUS_WH
    if before.injected_index_wh == 0:
        injected_wh = 0  # not known before
    if steps_kwh is None or injected_wh > DAY_VALUE_MAX:
        return None
    after_wh = sum(curve.get((after.day, j), 0) for j in range(quarter_hours(after.day)))
    drawn_index_wh = (after.drawn_index_wh - after_wh) % COUNTER_MODULUS_WH
    rise_wh = drawn_index_wh - before.drawn_index_wh if before.mode is after.mode else 0
    empty = msgspec.structs.replace(
        before,
        register_steps_kwh=(0,) * REGISTERS,
        injected_wh=0,
        injected_step_kwh=0,
        max_power_va=0,
        is_index_read=False,
        parts=(),
    )
    last = msgspec.structs.replace(
        empty,
        register_steps_kwh=steps_kwh,
        injected_wh=injected_wh,
        injected_step_kwh=(before.injected_index_wh % 1_000 + injected_wh) // 1_000,
        register_index_kwh=_indices_before(after),
        injected_index_kwh=injected_index_wh // 1_000,
        drawn_index_wh=drawn_index_wh,
        injected_index_wh=injected_index_wh,
        is_index_read=True,
        mode=after.mode,
    )
    closed = [msgspec.structs.replace(empty, day=day) for day in days[:-1]]
    return Gap(
        _spread(days, rise_wh, curve),
        (*closed, msgspec.structs.replace(last, day=days[-1])),
    )


def _indices_before(after: DayClosed) -> tuple[int, ...]:
    """Return the whole-kWh indices up to which steps were counted at the beginning of `after`."""
    pairs = zip(after.register_index_kwh, after.register_steps_kwh, strict=True)
    return tuple((index - step) % WHOLE_KWH_MODULUS for index, step in pairs)


def _steps(before: DayClosed, after: DayClosed, days: int) -> tuple[int, ...] | None:
    limit_kwh = min(DAY_MAX_KWH * (days + 1), STEP_MAX_KWH)
    steps_kwh = []
    for first, last in zip(before.register_index_kwh, _indices_before(after), strict=True):
        step_kwh = (last - first) % WHOLE_KWH_MODULUS
        if step_kwh > limit_kwh and first == 0:
            step_kwh = 0  # a register that was not known before starts at its first index
        steps_kwh.append(step_kwh)
    return None if max(steps_kwh) > limit_kwh else tuple(steps_kwh)


def _spread(days: Sequence[date], rise_wh: int, curve: Curve) -> tuple[QuarterHourClosed, ...]:
    """Spread the rise of the total over the quarter-hours that are not known."""
    places = [(day, j) for day in days for j in range(quarter_hours(day))]
    energy_wh = rise_wh % COUNTER_MODULUS_WH - sum(curve.get(place, 0) for place in places)
    unknown = [place for place in places if place not in curve]
    if not 0 <= energy_wh <= QUARTER_HOUR_MAX_WH * len(unknown):
        energy_wh = 0  # the curve is no longer kept
    edges = [energy_wh * n // max(len(unknown), 1) for n in range(len(unknown) + 1)]
    return tuple(
        QuarterHourClosed(day, j, edges[n + 1] - edges[n], is_estimated=True)
        for n, (day, j) in enumerate(unknown)
    )
