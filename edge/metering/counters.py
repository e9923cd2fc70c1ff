"""Compares the counters of two readings of one meter."""

from datetime import timedelta

import msgspec

from edge.metering.reading import COUNTER_MODULUS_WH, Reading, Stale
from protocol.layout import QUARTER_HOUR_MAX_WH, REGISTERS

# A counter that fell from above this value has wrapped.
WRAP_ABOVE_WH = 999_000_000
MAX_UNEXPLAINED_RISE_WH = 1_000_000
RISE_MARGIN_WH = 100
NO_REGISTERS: tuple[int | None, ...] = (None,) * REGISTERS


def rise_wh(before_wh: int, after_wh: int) -> int | None:
    """Return by how much a counter rose, including over its wrap; None if it fell."""
    if after_wh >= before_wh:
        return after_wh - before_wh
    if before_wh > WRAP_ABOVE_WH:
        return after_wh + COUNTER_MODULUS_WH - before_wh
    return None


def allowed_rise_wh(elapsed: timedelta) -> float:
    """Return the most energy (Wh) that 36 kVA can have drawn in `elapsed`, with a margin."""
    return max(elapsed.total_seconds(), 0.0) * QUARTER_HOUR_MAX_WH / 900 + RISE_MARGIN_WH


def believable_rise_wh(elapsed: timedelta) -> float:
    """Return the highest rise (Wh) that is believed without a person's confirmation.

    That is what can have been drawn, or `MAX_UNEXPLAINED_RISE_WH` if that is more.
    """
    return max(allowed_rise_wh(elapsed), MAX_UNEXPLAINED_RISE_WH)


def counters(last: Reading, reading: Reading) -> list[tuple[int, int]]:
    """Return (before, after) in Wh of every counter that both readings carry."""
    pairs = [(last.total_wh, reading.total_wh)]
    if last.injected_wh is not None and reading.injected_wh is not None:
        pairs.append((last.injected_wh, reading.injected_wh))
    for before_wh, after_wh in zip(last.registers_wh, reading.registers_wh, strict=True):
        if before_wh is not None and after_wh is not None:
            pairs.append((before_wh, after_wh))
    return pairs


def is_possible(last: Reading, reading: Reading) -> bool:
    """Return whether every counter rose, and by no more than is believed without a person."""
    return _rise_within(last, reading, believable_rise_wh(reading.at - last.at))


def is_leaping(last: Reading, reading: Reading) -> bool:
    """Return whether a counter fell, or rose by more than it can have counted, wraps included."""
    return not _rise_within(last, reading, allowed_rise_wh(reading.at - last.at))


def borne_out(held: Reading, reading: Reading) -> Reading:
    """Return `held` with only those counters that a second reading has shown too."""
    registers_wh = tuple(
        [
            None if after is None else before
            for before, after in zip(held.registers_wh, reading.registers_wh, strict=True)
        ]
    )
    injected_wh = None if reading.injected_wh is None else held.injected_wh
    return msgspec.structs.replace(held, registers_wh=registers_wh, injected_wh=injected_wh)


def merge(last: Reading, reading: Reading) -> Reading:
    """Return `reading` with missing values filled in from `last`."""
    registers_wh = tuple(
        [
            before if after is None else after
            for before, after in zip(last.registers_wh, reading.registers_wh, strict=True)
        ]
    )
    return msgspec.structs.replace(
        reading,
        calendar=last.calendar if reading.calendar is None else reading.calendar,
        injected_wh=last.injected_wh if reading.injected_wh is None else reading.injected_wh,
        registers_wh=registers_wh,
        stale=_stale(last, reading),
        subscribed_kva=(
            last.subscribed_kva if reading.subscribed_kva is None else reading.subscribed_kva
        ),
    )


def _stale(last: Reading, reading: Reading) -> Stale | None:
    """Return which registers `merge` fills in from `last`."""
    registers, shown_wh = set[int](), 0
    for n, (before_wh, after_wh) in enumerate(
        zip(last.registers_wh, reading.registers_wh, strict=True)
    ):
        if before_wh is None:
            continue
        if after_wh is None:
            registers.add(n)
        else:
            shown_wh += rise_wh(before_wh, after_wh) or 0
    if not registers:
        return reading.stale
    counted_wh = (rise_wh(last.total_wh, reading.total_wh) or 0) - shown_wh
    if last.stale is not None:
        counted_wh += last.stale.counted_wh
    return Stale(frozenset(registers), last.registers_total_wh, max(counted_wh, 0))


def _rise_within(last: Reading, reading: Reading, limit_wh: float) -> bool:
    rises_wh = [rise_wh(before_wh, after_wh) for before_wh, after_wh in counters(last, reading)]
    return all(step_wh is not None and step_wh <= limit_wh for step_wh in rises_wh)
