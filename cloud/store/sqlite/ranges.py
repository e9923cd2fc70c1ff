"""Stored sequences of an incarnation: all up to one number, and ranges beyond a gap."""

from bisect import bisect_right

Ranges = tuple[tuple[int, int], ...]


def contains(through: int, beyond: Ranges, sequence: int) -> bool:
    """Return whether `sequence` is in 1…`through` or in one of the half-open ranges."""
    if sequence <= through:
        return True
    place = bisect_right(beyond, sequence, key=lambda part: part[0]) - 1
    return place >= 0 and sequence < beyond[place][1]


def add(through: int, beyond: Ranges, sequence: int) -> tuple[int, Ranges]:
    """Add a sequence that is not contained yet.

    Returns the new `through` and ranges. The ranges ascend and never touch each other or `through`.
    """
    if sequence == through + 1:
        if beyond and beyond[0][0] == sequence + 1:
            return beyond[0][1] - 1, beyond[1:]
        return sequence, beyond
    place = bisect_right(beyond, sequence, key=lambda part: part[0])
    before, after = beyond[:place], beyond[place:]
    start, end = sequence, sequence + 1
    if before and before[-1][1] == start:
        start, before = before[-1][0], before[:-1]
    if after and after[0][0] == end:
        end, after = after[0][1], after[1:]
    return through, (*before, (start, end), *after)
