"""What metering remembers, and how one reading stands to the one before."""

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
        boundary_s: a quarter-hour or day is metered, not estimated, where a reading lies within
            this of its end.
        is_simulated: the meter is simulated or recorded: its time is taken as it is, and compared
            with no clock.
    """

    gap_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 900.0
    boundary_s: Annotated[float, msgspec.Meta(gt=0, le=900)] = 120.0
    is_simulated: bool = False


class FormerMeter(msgspec.Struct, frozen=True):
    """Where a meter stood that was followed before another: its last reading and what was billed.

    `placed_wh` is what the curve holds already of what it counted since.
    """

    last: Reading
    billed_kwh: tuple[int | None, ...]
    billed_injected_wh: int | None
    placed_wh: int = 0


class DayDoubt(msgspec.Struct, frozen=True):
    """What stands against the days up to `until`, that one included."""

    doubt: Doubt
    until: date


class GapSpell(msgspec.Struct, frozen=True):
    """Gaps one after another: how many, and the reading that ended the last one."""

    count: int
    last_at: datetime


class Account(msgspec.Struct, frozen=True):
    """A meter that is being followed.

    Attributes:
        last: the last reading used, with the latest known value of each counter.
        day: the legal day of the open quarter-hour, `j` its number.
        pool_wh: energy metered and not yet in a closed quarter-hour.
        billed_kwh: per register, the whole-kWh index up to which steps have been handed on.
        billed_injected_wh: the same for injection, in Wh.
        parts: the open day's parts before the last change of meter or calendar.
        max_power_va: the highest apparent power seen on the open day.
        is_start_metered: a reading lay near the start of the open quarter-hour.
        is_carrying: the last quarter-hour closed full and left energy over.
        former: the last meters that were followed before, oldest first.
        doubts: what stands against the open day and later ones.
        gap_spell: gaps from which the line has not recovered yet.
        began_at: when the first reading was, while that may still turn out to be a wrong time.
        is_untimed: frames have come since the last reading of which nobody knew the time.
        closed: in an account that was restored, until its meter is read: how the last closed day
            left registers (in whole kWh) and total. `last` then has no registers, and the total
            up to the last quarter-hour that came back.
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
        """What the curve holds already of what was counted since `known`."""
        if self.closed is None:
            return 0
        return (self.last.total_wh - self.closed.total_wh) % COUNTER_MODULUS_WH


class MeterState(msgspec.Struct, frozen=True):
    """All that metering remembers; serialises with msgpack.

    `held` is a reading that waits for a second one that agrees with it. An account that begins
    takes no part of days before `first_day`: the household's blocks have those. `time` is by which
    clocks the last reading was timed. `other` is another meter than the account's, while it is not
    known whose it is, and `other_time` by which clocks that is timed; `quarantined` are readings of
    the account's own meter that do not go on from `account.last`, until they do or a person confirms
    them. `unnamed` are the readings in a row that were passed over because they did not name their
    calendar, or lacked a register of another one.
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
        """What must be stored when it changes, even where nothing was closed."""
        set_aside = [
            None if each is None else each.milestone for each in (self.other, self.quarantined)
        ]
        other_time = Timekeeping() if self.other_time is None else self.other_time.time
        waits = self.time.milestone + other_time.milestone
        return self.account is not None, waits, *set_aside

    @property
    def serial(self) -> str | None:
        """The serial of the meter on the line, as far as it is known."""
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
    """Return whether both count in the same registers, as far as either says."""
    return last.mode is reading.mode and (
        None in (last.calendar, reading.calendar) or last.calendar == reading.calendar
    )


def misfit(last: Reading, reading: Reading, settings: MeteringSettings) -> Misfit | None:
    """Return why `reading` does not simply continue `last`; GAP only where all else fits."""
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
    """Return whether a counter fell, or rose by more than it can have counted."""
    limit_wh = allowed_rise_wh(reading.at - last.at)
    for before_wh, after_wh in counters(last, reading):
        if after_wh < before_wh:
            return Misfit.FALL
        if after_wh - before_wh > limit_wh:
            return Misfit.RISE
    return None
