"""What metering remembers, and how one reading stands to the one before."""

from datetime import date, datetime, timedelta
from enum import Enum, auto
from typing import Annotated

import msgspec

from edge.metering.events import DayPart
from edge.metering.other_meter import OtherTime, SetAside
from edge.metering.reading import COUNTER_MODULUS_WH, Reading
from edge.metering.timekeeping import Timekeeping
from protocol.doubt import Doubt
from protocol.layout import QUARTER_HOUR_MAX_WH, REGISTERS

WRAP_ABOVE_WH = 999_000_000
LONGEST_GAP = timedelta(days=400)  # the cloud keeps 13 months of blocks
MAX_UNEXPLAINED_RISE_WH = 1_000_000
CLOCK_STEP = timedelta(seconds=10)
RISE_MARGIN_WH = 100


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
    """Where a meter stood that was followed before another: its last reading and what was billed."""

    last: Reading
    billed_kwh: tuple[int | None, ...]
    billed_injected_wh: int | None


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
        is_quarantined: readings are put aside until they continue the last one, or a person
            confirms them.
        former: the last meters that were followed before, oldest first.
        doubts: what stands against the open day and later ones.
        gap_spell: gaps from which the line has not recovered yet.
        began_at: when the first reading was, while that may still turn out to be a wrong time.
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
    is_quarantined: bool = False
    former: tuple[FormerMeter, ...] = ()
    doubts: tuple[DayDoubt, ...] = ()
    gap_spell: GapSpell | None = None
    began_at: datetime | None = None


class MeterState(msgspec.Struct, frozen=True):
    """All that metering remembers; serialises with msgpack.

    `held` is a reading that waits for a second one that agrees with it. An account that begins
    takes no part of days before `first_day`: the household's blocks have those. `time` is by which
    clocks the last reading was timed. `other` is another meter than the account's, while it is not
    known whose it is, and `other_time` by which clocks that is timed. `unnamed` are the readings in a row that were passed over because they did
    not name their calendar, or lacked a register of another one.
    """

    account: Account | None = None
    held: Reading | None = None
    first_day: date | None = None
    time: Timekeeping = Timekeeping()
    other: SetAside | None = None
    other_time: OtherTime | None = None
    unnamed: int = 0

    @property
    def milestone(self) -> tuple[bool, int, int]:
        """What must be stored when it changes, even where nothing was closed."""
        aside = 0 if self.other is None else len(self.other.readings)
        other_time = Timekeeping() if self.other_time is None else self.other_time.time
        waits = self.time.milestone + other_time.milestone
        return self.account is not None, aside, waits

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


def rise_wh(before_wh: int, after_wh: int) -> int | None:
    """Return by how much a counter rose, over its wrap where it stood near it; None if it fell."""
    if after_wh >= before_wh:
        return after_wh - before_wh
    if before_wh > WRAP_ABOVE_WH:
        return after_wh + COUNTER_MODULUS_WH - before_wh
    return None


def allowed_rise_wh(elapsed: timedelta) -> float:
    """Return the most that 36 kVA can have counted in `elapsed`, with a margin."""
    return max(elapsed.total_seconds(), 0.0) * QUARTER_HOUR_MAX_WH / 900 + RISE_MARGIN_WH


def counters(last: Reading, reading: Reading) -> list[tuple[int, int]]:
    """Return (before, after) in Wh of every counter that both readings carry."""
    pairs = [(last.total_wh, reading.total_wh)]
    if last.injected_wh is not None and reading.injected_wh is not None:
        pairs.append((last.injected_wh, reading.injected_wh))
    for before_wh, after_wh in zip(last.registers_wh, reading.registers_wh, strict=True):
        if before_wh is not None and after_wh is not None:
            pairs.append((before_wh, after_wh))
    return pairs


def are_counters_continued(last: Reading, reading: Reading) -> bool:
    """Return whether the registers can be the same ones: none fell, and they rose as the total did.

    A restored account knows whole kWh only; its registers may seem to have risen by that much more.
    """
    total_wh = rise_wh(last.total_wh, reading.total_wh)
    if total_wh is None:
        return False
    limit_wh = total_wh + REGISTERS * (1_000 if last.mode is None else 1)
    for before_wh, after_wh in zip(last.registers_wh, reading.registers_wh, strict=True):
        if before_wh is None or after_wh is None:
            continue
        step_wh = rise_wh(before_wh, after_wh)
        if step_wh is None:
            return False
        limit_wh -= step_wh
    return limit_wh >= 0


def is_same_calendar(last: Reading, reading: Reading) -> bool:
    """Return whether both count in the same registers, as far as either says."""
    if last.mode is None:
        is_same = are_counters_continued(last, reading)
    else:
        is_same = last.mode is reading.mode
    return is_same and (
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


def is_possible(last: Reading, reading: Reading) -> bool:
    """Return whether every counter rose, and by no more than needs no person to look at it."""
    limit_wh = max(allowed_rise_wh(reading.at - last.at), MAX_UNEXPLAINED_RISE_WH)
    rises_wh = [rise_wh(before_wh, after_wh) for before_wh, after_wh in counters(last, reading)]
    return all(step_wh is not None and step_wh <= limit_wh for step_wh in rises_wh)


def is_leaping(last: Reading, reading: Reading) -> bool:
    """Return whether a counter fell, or rose, over its wrap too, by more than it can have counted."""
    limit_wh = allowed_rise_wh(reading.at - last.at)
    rises_wh = [rise_wh(before_wh, after_wh) for before_wh, after_wh in counters(last, reading)]
    return any(step_wh is None or step_wh > limit_wh for step_wh in rises_wh)


def borne_out(held: Reading, reading: Reading) -> Reading:
    """Return `held` with those counters only that a second reading has shown as well."""
    registers_wh = tuple(
        [
            None if after is None else before
            for before, after in zip(held.registers_wh, reading.registers_wh, strict=True)
        ]
    )
    injected_wh = None if reading.injected_wh is None else held.injected_wh
    return msgspec.structs.replace(held, registers_wh=registers_wh, injected_wh=injected_wh)


def merge(last: Reading, reading: Reading) -> Reading:
    """Return `reading` with what it does not say filled in from `last`."""
    registers_wh = reading.registers_wh
    if None in registers_wh:
        registers_wh = tuple(
            [
                before if after is None else after
                for before, after in zip(last.registers_wh, registers_wh, strict=True)
            ]
        )
    return msgspec.structs.replace(
        reading,
        calendar=last.calendar if reading.calendar is None else reading.calendar,
        injected_wh=last.injected_wh if reading.injected_wh is None else reading.injected_wh,
        registers_wh=registers_wh,
        subscribed_kva=(
            last.subscribed_kva if reading.subscribed_kva is None else reading.subscribed_kva
        ),
    )


NO_REGISTERS: tuple[int | None, ...] = (None,) * REGISTERS
