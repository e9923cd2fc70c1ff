"""Reasons to doubt the readings of a day that is billed all the same."""

from collections.abc import Iterable
from enum import StrEnum


class Doubt(StrEnum):
    """Why the counted energy of a day is an estimate.

    INDEX_BEGAN_ANEW: a register restarted at a different index, and no step holds what it counted
    in between. INDEX_JUMPED: a register rose by more than a low-voltage supply can deliver, and
    stayed there.
    """

    INDEX_BEGAN_ANEW = "index_began_anew"
    INDEX_JUMPED = "index_jumped"


# Bits of a day's last coefficient, beside those of protocol/layout.py; an assigned bit never
# changes its meaning.
_BITS = {Doubt.INDEX_BEGAN_ANEW: 1, Doubt.INDEX_JUMPED: 2}


def doubts_to_bits(doubts: Iterable[Doubt]) -> int:
    """Return doubts as a bitmap."""
    return sum(_BITS[doubt] for doubt in set(doubts))


def doubts_from_bits(bits: int) -> tuple[Doubt, ...]:
    """Return the doubts in a bitmap, in the order of their names; unknown bits are ignored."""
    return in_order(doubt for doubt, bit in _BITS.items() if bits & bit)


def in_order(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """Return each doubt once, in the order of their names."""
    return tuple(sorted(set(doubts)))
