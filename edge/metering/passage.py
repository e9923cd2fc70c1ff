"""Finds what was drawn between two readings, and which registers go on from one to the other.

The second reading may not simply continue the first. What a register counted belongs to the
contract it counted for, so it matters which registers of the first reading go on in the second. In
another TIC mode the total has another meaning: EAST includes earlier contracts, the sum of the
registers does not. Sums of registers of two calendars differ too. While mode or calendar changes,
only the registers show what was drawn.
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
# Total and registers are truncated to whole Wh, the registers of a restored account to whole kWh.
_CUT_OFF_WH = 1
_RESTORED_CUT_OFF_WH = 1_000


class Passage(msgspec.Struct, frozen=True):
    """What was drawn between two readings of one meter.

    Attributes:
        energy_wh: the energy drawn, as far as it can be known.
        goes_on: for each register 1..10, whether it goes on from its last index.
        is_unbroken: at least one register goes on, and so does every one that both readings show.
        is_whole: every register that can have counted energy is shown and goes on.
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
    """Return the passage from an account's last reading, without what its curve already has.

    A restored account's curve has an unknown part of what its registers rose by. If one of them
    fell, it is not known either whether the total still counts the same.
    """
    if account.closed is None:
        return compare_readings(account.last, reading, most_wh=most_wh)
    passage = compare_readings(account.closed, reading, _RESTORED_CUT_OFF_WH, most_wh)
    is_known = passage.is_unbroken and have_same_total(account.closed, reading)
    energy_wh = max(passage.energy_wh - account.placed_wh, 0) if is_known else 0
    return msgspec.structs.replace(passage, energy_wh=energy_wh)


def compare_readings(
    last: Reading,
    reading: Reading,
    cut_off_wh: int = _CUT_OFF_WH,
    most_wh: float | None = None,
) -> Passage:
    """Compare two readings of one meter.

    Registers that did not fall go on if together they rose by no more than the total. If the totals
    cannot be compared, or one fell with a register, the limit is what 36 kVA can have counted.

    Args:
        last: the reading before.
        reading: the reading after.
        cut_off_wh: by how much each register may have been higher before, in Wh.
        most_wh: the most that a register which goes on may have risen by, in Wh; None: the total
            alone decides.
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
        risen_by_wh = rise_wh(last.registers_total_wh, reading.total_wh) or 0
        limit_wh: float = max(total_wh, risen_by_wh) + cut_off_wh * REGISTERS
    elif is_comparable and most_wh is None and len(rises_wh) == len(steps_wh):
        limit_wh = -1  # the total fell although no register did
    else:
        limit_wh = allowed_rise_wh(max(reading.at - last.at, _LEAST_ELAPSED))
    if cut_off_wh == _RESTORED_CUT_OFF_WH:
        # The day may have closed in a long silence; its registers are then from before it.
        limit_wh = max(limit_wh, MAX_UNEXPLAINED_RISE_WH)
    risen_wh = sum(rises_wh.values())
    if risen_wh > limit_wh or (most_wh is not None and risen_wh > most_wh):
        rises_wh, risen_wh = {}, 0
    if most_wh is None:
        elapsed = reading.at - last.at
        most_wh = believable_rise_wh(elapsed) if rises_wh else allowed_rise_wh(elapsed)
    is_total_drawn = total_wh is not None and total_wh <= most_wh
    return Passage(
        energy_wh=(
            total_wh
            if total_wh is not None and is_total_drawn
            else risen_wh - _counted_already_wh(last, rises_wh)
        ),
        goes_on=tuple([n in rises_wh for n in range(REGISTERS)]),
        is_unbroken=bool(rises_wh) and rises_wh.keys() == steps_wh.keys(),
        is_whole=rises_wh.keys() >= steps_wh.keys() | _counting(last) | _counting(reading),
    )


def is_leap(last: Reading, reading: Reading) -> bool:
    """Return whether registers that go on over a change rose too far to believe unconfirmed."""
    if not have_same_total(last, reading):
        return False
    return compare_readings(last, reading).is_unbroken and not is_possible(last, reading)


def have_same_total(last: Reading, reading: Reading) -> bool:
    """Return whether both totals count the same.

    EAST always does; a sum does while its registers do. The BASE of a contract that historique
    does not know is EAST.
    """
    if last.mode is reading.mode:
        return reading.mode is Mode.STANDARD or count_alike(
            last.calendar or "", reading.calendar or ""
        )
    return not _are_same_registers(last, reading)


def _are_same_registers(last: Reading, reading: Reading) -> bool:
    """Return whether register 1 of both is the same; it is not if historique lacks the contract."""
    if last.mode is reading.mode:
        return True
    standard, historique = (last, reading) if last.mode is Mode.STANDARD else (reading, last)
    return historique.calendar != "BASE" or _register_count(standard.calendar) is not None


def _register_steps_wh(last: Reading, reading: Reading) -> dict[int, int | None]:
    """Return the rise in Wh of each register, from 0, that both readings show; None if it fell."""
    if not _are_same_registers(last, reading):
        return {}
    pairs = enumerate(zip(last.registers_wh, reading.registers_wh, strict=True))
    return {
        n: rise_wh(before_wh, after_wh)
        for n, (before_wh, after_wh) in pairs
        if before_wh is not None and after_wh is not None
    }


def _counted_already_wh(last: Reading, rises_wh: dict[int, int]) -> int:
    """Return how much of the rises the total of `last` holds, since its registers are older."""
    if last.stale is None:
        return 0
    return min(last.stale.counted_wh, sum(rises_wh.get(n, 0) for n in last.stale.registers))


def _counting(reading: Reading) -> set[int]:
    """Return the registers that the reading shows and that can count under its calendar."""
    registers = _register_count(reading.calendar)
    return {
        n
        for n, index_wh in enumerate(reading.registers_wh)
        if index_wh is not None and (registers is None or n < registers)
    }


def _register_count(calendar: str | None) -> int | None:
    """Return how many registers a calendar has, None if historique does not know it."""
    for name in names_of(calendar or ""):
        if name in HISTORIQUE_REGISTERS:
            return len(HISTORIQUE_REGISTERS[name])
    return None
