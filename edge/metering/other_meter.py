"""Another meter on the line, while nobody has said that it took the first one's place.

Two adapters that change names, or a line plugged in at the neighbour's, show another meter for an
hour. So its readings are set aside: the first and the last of each quarter-hour, from which exactly
the same is closed as from all of them, if it turns out to be the household's.
"""

from datetime import timedelta
from typing import Self

import msgspec

from edge.metering.reading import Reading
from protocol.calendar import quarter_hour

# Nobody leaves a wrong line plugged in for so long; a replaced meter's days close a day late.
STAY = timedelta(hours=24)
# A day with its boundaries, and clocks that go astray.
READINGS_MAX = 256


class SetAside(msgspec.Struct, frozen=True):
    """What another meter has shown: the first and the last reading of each quarter-hour."""

    readings: tuple[Reading, ...]

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
        return self.last.at - self.readings[0].at >= STAY

    def with_next(self, reading: Reading) -> Self:
        """Return this with another reading; the one before goes where it bounds nothing."""
        *before, last = self.readings
        if not before or _is_needed(before[-1], last, reading):
            before.append(last)
        else:
            power_va = max(last.power_va, reading.power_va)
            reading = msgspec.structs.replace(reading, power_va=power_va)
        return type(self)((*before[: READINGS_MAX - 1], reading))


def _is_needed(before: Reading, last: Reading, reading: Reading) -> bool:
    """Return whether `last` is the first or the last of its quarter-hour, or stands at a change."""
    is_within = quarter_hour(before.at) == quarter_hour(last.at) == quarter_hour(reading.at)
    is_change = (last.mode, last.calendar) != (reading.mode, reading.calendar)
    return not is_within or is_change or not before.at <= last.at <= reading.at
