"""From one reading to another that may not simply follow it: what was drawn, which registers go on.

What a register counted belongs to who it counted for, so the question is always which registers of
the reading before go on in the reading after. In another TIC mode the total has another meaning:
EAST holds earlier contracts, the sum of the registers does not; nor is a sum of one calendar's
registers that of another's. Only registers tell what was drawn while either changed.
"""

from datetime import timedelta

import msgspec

from edge.metering.counters import (
    MAX_UNEXPLAINED_RISE_WH,
    allowed_rise_wh,
    believable_rise_wh,
    is_possible,
    rise_wh,
)
from edge.metering.reading import HISTORIQUE_REGISTERS, Reading
from edge.metering.state import Account
from edge.tic.frame import Mode
from protocol.layout import REGISTERS
from protocol.registers import count_alike, names_of

# The two modes are timed by different clocks, which may differ.
_LEAST_ELAPSED = timedelta(hours=1)
# Total and registers are cut off to whole Wh, the registers of a restored account to whole kWh.
_CUT_OFF_WH = 1
_RESTORED_CUT_OFF_WH = 1_000


class Passage(msgspec.Struct, frozen=True):
    """What was drawn between two readings of one meter.

    Attributes:
        energy_wh: as far as anybody can know it.
        goes_on: per register 1..10, whether it goes on from where it stood.
        is_unbroken: a register goes on, and each does that both readings show.
        is_whole: each register in which energy can have been counted is shown, and goes on.
    """

    energy_wh: int
    goes_on: tuple[bool, ...]
    is_unbroken: bool
    is_whole: bool

    def kept(self, indices: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the indices of registers that go on, None for each that starts anew."""
        return tuple(
            [
                index if is_same else None
                for index, is_same in zip(indices, self.goes_on, strict=True)
            ]
        )


def passage_of(account: Account, reading: Reading, most_wh: float | None = None) -> Passage:
    """Return the passage from an account's last reading, without what its curve has already.

    Of what a restored account's registers rose by, nobody can say how much the curve has; nor, where
    one fell, whether the total is still the same one.
    """
    if account.closed is None:
        return passage(account.last, reading, most_wh=most_wh)
    found = passage(account.closed, reading, _RESTORED_CUT_OFF_WH, most_wh)
    is_known = found.is_unbroken and have_same_total(account.closed, reading)
    energy_wh = max(found.energy_wh - account.placed_wh, 0) if is_known else 0
    return msgspec.structs.replace(found, energy_wh=energy_wh)


def passage(
    last: Reading,
    reading: Reading,
    cut_off_wh: int = _CUT_OFF_WH,
    most_wh: float | None = None,
) -> Passage:
    """Compare two readings of one meter.

    Registers go on that did not fall, if together they rose by no more than the total; where totals
    do not compare, or one fell with a register, by no more than 36 kVA can have counted.

    Args:
        last: the reading before.
        reading: the one after.
        cut_off_wh: by how much each register may have stood higher before.
        most_wh: no register that goes on rose by more; None: the total alone decides.
    """
    is_comparable = have_same_total(last, reading)
    total_wh = rise_wh(last.total_wh, reading.total_wh) if is_comparable else None
    steps_wh = _register_steps_wh(last, reading)
    rises_wh = {
        n: step_wh
        for n, step_wh in steps_wh.items()
        if step_wh is not None and (most_wh is None or step_wh <= most_wh)
    }
    if total_wh is not None:
        limit_wh: float = total_wh + cut_off_wh * REGISTERS
    elif is_comparable and most_wh is None and len(rises_wh) == len(steps_wh):
        limit_wh = -1  # no register fell that the total can have fallen with
    else:
        limit_wh = allowed_rise_wh(max(reading.at - last.at, _LEAST_ELAPSED))
    if cut_off_wh == _RESTORED_CUT_OFF_WH:
        # The day may have closed in a long silence: its registers then stand where that began.
        limit_wh = max(limit_wh, MAX_UNEXPLAINED_RISE_WH)
    risen_wh = sum(rises_wh.values())
    if risen_wh > limit_wh or (most_wh is not None and risen_wh > most_wh):
        rises_wh, risen_wh = {}, 0
    if most_wh is None:
        elapsed = reading.at - last.at
        most_wh = believable_rise_wh(elapsed) if rises_wh else allowed_rise_wh(elapsed)
    is_total_drawn = total_wh is not None and total_wh <= most_wh
    return Passage(
        energy_wh=total_wh if total_wh is not None and is_total_drawn else risen_wh,
        goes_on=tuple([n in rises_wh for n in range(REGISTERS)]),
        is_unbroken=bool(rises_wh) and rises_wh.keys() == steps_wh.keys(),
        is_whole=rises_wh.keys() >= steps_wh.keys() | _counting(last) | _counting(reading),
    )


def is_leap(last: Reading, reading: Reading) -> bool:
    """Return whether registers that go on over a change rose by more than needs no person."""
    if not have_same_total(last, reading):
        return False
    return passage(last, reading).is_unbroken and not is_possible(last, reading)


def have_same_total(last: Reading, reading: Reading) -> bool:
    """Return whether both totals count the same.

    EAST always does, a sum while its registers do. The BASE of a contract that historique does not
    know is EAST.
    """
    if last.mode is reading.mode:
        return reading.mode is Mode.STANDARD or count_alike(
            last.calendar or "", reading.calendar or ""
        )
    return not _are_same_registers(last, reading)


def _are_same_registers(last: Reading, reading: Reading) -> bool:
    """Return whether register 1 of both is the same; not so for a contract unknown to historique."""
    if last.mode is reading.mode:
        return True
    standard, historique = (last, reading) if last.mode is Mode.STANDARD else (reading, last)
    return historique.calendar != "BASE" or _own(standard.calendar) is not None


def _register_steps_wh(last: Reading, reading: Reading) -> dict[int, int | None]:
    """Return by register, from 0, the rise of each that both show; None where it fell."""
    if not _are_same_registers(last, reading):
        return {}
    pairs = enumerate(zip(last.registers_wh, reading.registers_wh, strict=True))
    return {
        n: rise_wh(before_wh, after_wh)
        for n, (before_wh, after_wh) in pairs
        if before_wh is not None and after_wh is not None
    }


def _counting(reading: Reading) -> set[int]:
    """Return the registers that can count under a reading's calendar and stand in it."""
    own = _own(reading.calendar)
    return {
        n
        for n, index_wh in enumerate(reading.registers_wh)
        if index_wh is not None and (own is None or n < own)
    }


def _own(calendar: str | None) -> int | None:
    """Return how many registers a calendar has, None where historique does not know it."""
    for name in names_of(calendar or ""):
        if name in HISTORIQUE_REGISTERS:
            return len(HISTORIQUE_REGISTERS[name])
    return None
