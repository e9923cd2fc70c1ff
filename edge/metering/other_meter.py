"""Another meter on the line, while nobody has said that it took the first one's place.

Two adapters that change names, or a line plugged in at the neighbour's, show another meter for an
hour. So its readings are set aside: the first and the last of each quarter-hour, from which exactly
the same is closed as from all of them, if it turns out to be the household's.
"""

from datetime import timedelta
from typing import Self

import msgspec

from edge.metering.reading import Reading
from edge.metering.timekeeping import Timekeeping
from protocol.calendar import quarter_hour

# Nobody leaves a wrong line plugged in for so long; a replaced meter's days close a day late.
STAY = timedelta(hours=24)
# Between readings further apart the meter may have been away.
ABSENCE = timedelta(hours=1)
# A day with its boundaries, and clocks that go astray.
READINGS_MAX = 256


class OtherTime(msgspec.Struct, frozen=True):
    """By which clocks a meter is timed that is not the account's."""

    serial: str
    time: Timekeeping


class SetAside(msgspec.Struct, frozen=True):
    """What another meter has shown: the first and the last reading of each quarter-hour.

    `stayed` is for how long it has been read, without its absences.
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
    def has_stayed(self) -> bool:
        """Whether it has been there so long that it is no mistake."""
        return self.stayed >= STAY

    @property
    def in_order(self) -> Self:
        """This with times of which none is later than one after it.

        A clock that went back was ahead before: what it said then is no time to close anything by.
        """
        latest = self.last.at
        readings: list[Reading] = []
        for reading in reversed(self.readings):
            latest = min(latest, reading.at)
            readings.append(msgspec.structs.replace(reading, at=latest))
        return msgspec.structs.replace(self, readings=tuple(reversed(readings)))

    def with_next(self, reading: Reading) -> Self:
        """Return this with another reading; the one before goes where it bounds nothing."""
        *before, last = self.readings
        if not before or _is_needed(before[-1], last, reading):
            before.append(last)
        else:
            power_va = max(last.power_va, reading.power_va)
            reading = msgspec.structs.replace(reading, power_va=power_va)
        elapsed = reading.at - last.at
        is_there = timedelta() <= elapsed <= ABSENCE
        return type(self)(
            readings=(*before[: READINGS_MAX - 1], reading),
            stayed=self.stayed + (elapsed if is_there else timedelta()),
        )


def _is_needed(before: Reading, last: Reading, reading: Reading) -> bool:
    """Return whether `last` is the first or the last of its quarter-hour, or stands at a change."""
    is_within = quarter_hour(before.at) == quarter_hour(last.at) == quarter_hour(reading.at)
    is_change = (last.mode, last.calendar) != (reading.mode, reading.calendar)
    return not is_within or is_change or not before.at <= last.at <= reading.at
