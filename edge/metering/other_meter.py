"""Sets aside the readings of another meter until it is known to replace the first one.

Two adapters that swap names, or a line plugged in at the neighbour's, show another meter for an
hour. Its readings are therefore set aside: the first and the last of each quarter-hour. If it turns
out to be the household's, exactly the same is closed from these as from all readings.
"""

from datetime import date, timedelta
from typing import Self

import msgspec

from edge.metering.counters import is_leaping, merge
from edge.metering.reading import Reading
from edge.metering.timekeeping import Timekeeping
from protocol.calendar import legal_day, quarter_hour

# Nobody leaves a wrong line plugged in for this long; a replaced meter's days close a day late.
STAY = timedelta(hours=24)
# Between readings further apart the meter may have been away.
ABSENCE = timedelta(hours=1)
# Enough for a day with its boundaries, and for clocks that go astray.
READINGS_MAX = 256


class OtherTime(msgspec.Struct, frozen=True):
    """The timekeeping of a meter that is not the account's."""

    serial: str
    time: Timekeeping


class SetAside(msgspec.Struct, frozen=True):
    """What another meter has shown: the first and the last reading of each quarter-hour.

    `stayed` is how long it has been read, without its absences.
    """

    readings: tuple[Reading, ...]
    stayed: timedelta = timedelta()

    @property
    def serial(self) -> str:
        """The meter's serial."""
        return self.readings[0].serial

    @property
    def last(self) -> Reading:
        """Its last reading."""
        return self.readings[-1]

    @property
    def milestone(self) -> tuple[int, tuple[date, int]]:
        """What must be stored when it changes."""
        return len(self.readings), quarter_hour(self.last.at)

    @property
    def has_stayed(self) -> bool:
        """True if the meter has been there too long for a mistake."""
        return self.stayed >= STAY

    @property
    def in_order(self) -> Self:
        """The same readings with no time later than the next one's.

        A clock that went back was ahead before, so its earlier times must not close anything.
        """
        latest = self.last.at
        readings: list[Reading] = []
        for reading in reversed(self.readings):
            latest = min(latest, reading.at)
            readings.append(msgspec.structs.replace(reading, at=latest))
        return msgspec.structs.replace(self, readings=tuple(reversed(readings)))

    def with_next(self, reading: Reading) -> Self:
        """Return this with another reading; drop the one before if it marks no boundary."""
        *before, last = self.readings
        if (last.mode, last.calendar) == (reading.mode, reading.calendar):
            reading = merge(last, reading)
        if not before or _is_needed(before[-1], last, reading):
            before.append(last)
        else:
            power_va = max(last.power_va, reading.power_va)
            reading = msgspec.structs.replace(reading, power_va=power_va)
        readings = (*before, reading)
        if len(readings) > READINGS_MAX:
            readings = _thinned(readings)
        elapsed = reading.at - last.at
        is_there = timedelta() <= elapsed <= ABSENCE
        stayed = self.stayed + (elapsed if is_there else timedelta())
        return type(self)(readings, stayed)


def _is_needed(before: Reading, last: Reading, reading: Reading) -> bool:
    """Return whether `last` is the first or the last of its quarter-hour, or is at a change."""
    is_within = quarter_hour(before.at) == quarter_hour(last.at) == quarter_hour(reading.at)
    is_in_order = before.at <= last.at <= reading.at
    return not (is_within and is_in_order) or _is_at_change(before, last, reading)


def _is_at_change(before: Reading, last: Reading, reading: Reading) -> bool:
    """Return whether calendar, mode or counters change right before or after `last`."""
    are_alike = (
        (before.mode, before.calendar)
        == (last.mode, last.calendar)
        == (reading.mode, reading.calendar)
    )
    if not are_alike or is_leaping(before, last) or is_leaping(last, reading):
        return True
    pairs = zip(before.registers_wh, last.registers_wh, strict=True)
    return any(before_wh is None and last_wh is not None for before_wh, last_wh in pairs)


def _thinned(readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """Return the readings without those within a day, and never more than may be kept."""
    changes, ends = [0], list[int]()
    for n in range(1, len(readings) - 1):
        before, reading, after = readings[n - 1 : n + 2]
        if _is_at_change(before, reading, after):
            changes.append(n)
        elif not legal_day(before.at) == legal_day(reading.at) == legal_day(after.at):
            ends.append(n)
    while ends and len(changes) + len(ends) >= READINGS_MAX:
        ends = ends[1::2]
    kept = sorted(changes + ends)[: READINGS_MAX - 1]
    return (*[readings[n] for n in kept], readings[-1])
