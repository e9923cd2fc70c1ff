"""The state of metering, and why a reading may not continue the one before."""

from datetime import date, datetime, timedelta
from enum import Enum, auto
from typing import Annotated

import msgspec

from edge.metering.counters import allowed_rise_wh, counters
from edge.metering.events import DayPart
from edge.metering.other_meter import OtherTime, SetAside
from edge.metering.reading import COUNTER_MODULUS_WH, Reading
from edge.metering.timekeeping import Timekeeping
from protocol.doubt import Doubt

LONGEST_GAP = timedelta(days=400)  # the cloud keeps 13 months of blocks
CLOCK_STEP = timedelta(seconds=10)


class MeteringSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far readings may lie apart.

    Attributes:
        gap_s: a reading further than this from the last one waits for a second that agrees.
        boundary_s: a quarter-hour or day is metered, not estimated, if a reading lies within this
            of its end.
        is_simulated: the meter is simulated or recorded; its time is taken as it is and not
            compared with any clock.
    """

    gap_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 900.0
    boundary_s: Annotated[float, msgspec.Meta(gt=0, le=900)] = 120.0
    is_simulated: bool = False


class FormerMeter(msgspec.Struct, frozen=True):
    """A meter that was followed before another: its last reading and what was billed.

    `placed_wh` is how much of what it counted since the curve already holds.
    """

    last: Reading
    billed_kwh: tuple[int | None, ...]
    billed_injected_wh: int | None
    placed_wh: int = 0


class DayDoubt(msgspec.Struct, frozen=True):
    """A doubt about the days up to and including `until`."""

    doubt: Doubt
    until: date


class GapSpell(msgspec.Struct, frozen=True):
    """A series of gaps: their number, and the time of the reading that ended the last one."""

    count: int
    last_at: datetime


class Account(msgspec.Struct, frozen=True):
    """A meter that is being followed.

    Attributes:
        last: the last reading used, with the latest known value of each counter.
        day: the legal day of the open quarter-hour, `j` its number.
        pool_wh: energy metered and not yet in a closed quarter-hour.
        billed_kwh: for each register, the whole-kWh index up to which steps have been billed.
        billed_injected_wh: the same for injection, in Wh.
        parts: the open day's parts before the last change of meter or calendar.
        max_power_va: the highest apparent power seen on the open day.
        is_start_metered: a reading lay near the start of the open quarter-hour.
        is_carrying: the last quarter-hour closed full and left energy over.
        former: the last meters that were followed before, oldest first.
        doubts: the doubts about the open day and later ones.
        gap_spell: gaps from which the line has not recovered yet.
        began_at: the time of the first reading, while that may still turn out to be wrong.
        is_untimed: frames of unknown time have come since the last reading.
        closed: for a restored account whose meter has not been read yet: registers (in whole kWh)
            and total at the end of the last closed day. `last` then has no registers, and the total
            up to the last quarter-hour that the cloud returned.
    """

    last: Reading
    day: date
    j: int
    billed_kwh: tuple[int | None, ...]
    pool_wh: int = 0
    billed_injected_wh: int | None = None
    parts: tuple[DayPart, ...] = ()
    max_power_va: int = 0
    is_start_metered: bool = False
    is_carrying: bool = False
    former: tuple[FormerMeter, ...] = ()
    doubts: tuple[DayDoubt, ...] = ()
    gap_spell: GapSpell | None = None
    began_at: datetime | None = None
    is_untimed: bool = False
    closed: Reading | None = None

    @property
    def known(self) -> Reading:
        """The reading that the meter's next one must continue."""
        return self.last if self.closed is None else self.closed

    @property
    def placed_wh(self) -> int:
        """How much of what was counted since `known` the curve already holds."""
        if self.closed is None:
            return 0
        return (self.last.total_wh - self.closed.total_wh) % COUNTER_MODULUS_WH


class MeterState(msgspec.Struct, frozen=True):
    """Everything that metering remembers; serialises with msgpack.

    `held` is a reading that waits for a second one that agrees with it. A new account takes nothing
    of days before `first_day`, since the household's blocks have those. `time` is the timekeeping
    of the last reading. `other` is a meter other than the account's whose owner is not known yet,
    and `other_time` its timekeeping. `quarantined` are readings of the account's own meter that do
    not continue `account.last`; they wait until they do or a person confirms them. `unnamed` is how
    many readings in a row were skipped because they did not name their calendar, or lacked a
    register of another one.
    """

    account: Account | None = None
    held: Reading | None = None
    first_day: date | None = None
    time: Timekeeping = Timekeeping()
    other: SetAside | None = None
    other_time: OtherTime | None = None
    unnamed: int = 0
    quarantined: SetAside | None = None

    @property
    def milestone(self) -> tuple[object, ...]:
        """What must be stored when it changes, even if nothing was closed."""
        set_aside = [
            None if aside is None else aside.milestone for aside in (self.other, self.quarantined)
        ]
        other_time = Timekeeping() if self.other_time is None else self.other_time.time
        waits = self.time.milestone + other_time.milestone
        # A spell that a restart brought back would swallow the next gap's notice.
        is_recovered = self.account is not None and self.account.gap_spell is None
        return self.account is not None, is_recovered, waits, *set_aside

    @property
    def serial(self) -> str | None:
        """The serial of the meter on the line, None if not known."""
        if self.other is not None:
            return self.other.serial
        return None if self.account is None else self.account.last.serial


class Misfit(Enum):
    """Why a reading does not simply continue another."""

    METER = auto()
    CALENDAR = auto()
    CLOCK = auto()
    FALL = auto()
    RISE = auto()
    GAP = auto()


def is_same_calendar(last: Reading, reading: Reading) -> bool:
    """Return whether both count in the same registers; an unnamed calendar counts as the same."""
    return last.mode is reading.mode and (
        None in (last.calendar, reading.calendar) or last.calendar == reading.calendar
    )


def misfit(last: Reading, reading: Reading, settings: MeteringSettings) -> Misfit | None:
    """Return why `reading` does not simply continue `last`; GAP only if all else fits."""
    elapsed = reading.at - last.at
    if last.serial != reading.serial:
        return Misfit.METER
    if not is_same_calendar(last, reading):
        return Misfit.CALENDAR
    if elapsed < -CLOCK_STEP:
        return Misfit.CLOCK
    is_gap = elapsed.total_seconds() > settings.gap_s
    return counters_misfit(last, reading) or (Misfit.GAP if is_gap else None)


def counters_misfit(last: Reading, reading: Reading) -> Misfit | None:
    """Return FALL if a counter fell, RISE if one rose by more than possible, else None."""
    limit_wh = allowed_rise_wh(reading.at - last.at)
    for before_wh, after_wh in counters(last, reading):
        if after_wh < before_wh:
            return Misfit.FALL
        if after_wh - before_wh > limit_wh:
            return Misfit.RISE
    return None
