"""The measures of an area and their terms: the signed document that chips and trustees follow.

A *measure* is a block of slots with its own partition of the households into *groups*. One group
and one day give one released figure. `shares` are the parts of a day's budget (rho) that a measure
uses, so a household-day that takes part in all of them costs `epsilon`. A contribution to a measure
is clipped to norm 1, rounded to a grid of 2^-grid_bits, and carries its share of noise; a check
slot without noise follows it.
"""

import hashlib
import math
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

import msgspec

from protocol.calendar import DayNumber, day_number, day_of_number
from protocol.errors import DocumentRefused
from protocol.messages import Hash
from protocol.packed import INT_MAX
from protocol.privacy import (
    EPSILON_MAX,
    epsilon_replaced,
    gaussian_sigma,
    rho_of_sigma,
    share_std,
)

GROUP_MIN = 100
CURVE_MIN = 200
CURVE_SLOTS_MAX = 96
PRICE_CLASSES = 16
CLASSES_SLOTS = PRICE_CLASSES + 2
PROFILE_CLASSES = 15
PROFILE_SLOTS = 2 * PROFILE_CLASSES
DAYS_A_WEEK = 7
DAYS_A_YEAR_MAX = 366
# From here on, rounding to the grid adds less than 1e-9 to delta, and a share of the noise of the
# largest crowd is more than SHARE_STD_MIN units.
GRID_BITS_MIN = 16
GRID_BITS_MAX = 32
DEADLINE_MAX_H = 720

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
HOUSEHOLDS_MAX = 100_000_000
_Count = Annotated[int, msgspec.Meta(ge=1, le=HOUSEHOLDS_MAX)]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,24}(?!\n)$")]
_Code = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z+/.-]{1,48}(?!\n)$")]


class MeasureKind(StrEnum):
    """The meaning of a measure's slots.

    curve: the day's curve, transformed; one slot per row of the group's transform.
    classes: energy drawn by price class (16), the day's cost, energy injected.
    profile: persons and energy by household size (5), age band (6), people employed (4).
    """

    CURVE = "curve"
    CLASSES = "classes"
    PROFILE = "profile"


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Group(_Document, frozen=True):
    """One part of a partition: the households whose cell begins with one of `areas`.

    A `provider` restricts the group to the households that it supplies; empty means all. `roster`
    is the number of households when the document was made, `crowd` the number among which the noise
    is divided, and `threshold` the least number in a set that a trustee answers. `slots` excludes
    the check slot. `transform` is the hash of a curve's transform.
    """

    code: _Code
    areas: tuple[_Code, ...]
    roster: _Count
    crowd: _Count
    threshold: _Count
    slots: Annotated[int, msgspec.Meta(ge=1, le=CURVE_SLOTS_MAX)]
    transform: Hash | None = None
    provider: str = ""

    def holds(self, cell: str, provider: str) -> bool:
        """Return whether a household of this cell and provider belongs to the group."""
        return self.provider in ("", provider) and cell.startswith(self.areas)


class Shares(_Document, frozen=True):
    """The parts of a day's budget (rho) that a measure uses, by kind of day.

    `profile` is that on days that count the profile, `plain` that on the other counted days. With
    0 the measure is not sent on such a day.
    """

    plain: _Share
    profile: _Share


class Measure(_Document, frozen=True):
    """One measure. `weights` scale the slots before clipping; a curve has none."""

    name: _Name
    kind: MeasureKind
    shares: Shares
    groups: tuple[Group, ...]
    weights: tuple[float, ...] = ()

    def group_of(self, cell: str, provider: str) -> Group | None:
        """Return the group of a household with this cell and provider, if there is one."""
        return next((group for group in self.groups if group.holds(cell, provider)), None)

    def group(self, code: str) -> Group:
        """Return the group with this code. Raises DocumentRefused if there is none."""
        for group in self.groups:
            if group.code == code:
                return group
        raise DocumentRefused(f"{self.name} has no group {code}.")


class Parent(_Document, frozen=True):
    """A figure of `measure` for `code` that sums the released figures of `children`."""

    measure: _Name
    code: _Code
    children: tuple[_Code, ...]


class Measures(_Document, frozen=True):
    """The whole document.

    Attributes:
        trustees: hash of the set of trustees whose members sign it.
        previous: hash of the document that it follows, None in the first.
        effective: the first day that it governs.
        end: the first day that it no longer governs, even if no other follows.
        epsilon, delta: the maximum cost of a household-day, at the opening threshold.
        gamma: the share of a crowd that may lie or add no noise.
        grid_bits: a clip radius is 2^grid_bits units.
        days_a_week: on how many days of each week chips contribute (see `is_counted`).
        profile_days_a_year: how many counted days of a year count the profile.
        deadline_h: hours after a day's end until which contributions are accepted.
        parents: figures that are sums of others.
    """

    collectivity: str
    version: Annotated[int, msgspec.Meta(ge=1, le=INT_MAX)]
    trustees: Hash
    previous: Hash | None
    effective: DayNumber
    end: DayNumber
    epsilon: Annotated[float, msgspec.Meta(gt=0, le=EPSILON_MAX)]
    delta: Annotated[float, msgspec.Meta(gt=0, le=1e-5)]
    gamma: Annotated[float, msgspec.Meta(ge=0, lt=1)]
    grid_bits: Annotated[int, msgspec.Meta(ge=GRID_BITS_MIN, le=GRID_BITS_MAX)]
    days_a_week: Annotated[int, msgspec.Meta(ge=1, le=DAYS_A_WEEK)]
    profile_days_a_year: Annotated[int, msgspec.Meta(ge=0, le=DAYS_A_YEAR_MAX)]
    deadline_h: Annotated[int, msgspec.Meta(ge=1, le=DEADLINE_MAX_H)]
    measures: tuple[Measure, ...]
    parents: tuple[Parent, ...] = ()

    @property
    def sigma(self) -> float:
        """The noise of the whole day's release at the opening threshold, in clip radii."""
        return gaussian_sigma(self.epsilon, self.delta)

    @property
    def epsilon_replaced(self) -> float:
        """The cost between any two days of a household, such as at home or away, at `delta`.

        This is what counts against a collectivity, which sees who takes part.
        """
        return epsilon_replaced(self.epsilon, self.delta)

    @property
    def grid(self) -> int:
        """The number of grid units in a clip radius."""
        return 1 << self.grid_bits

    def measure(self, name: str) -> Measure:
        """Return the measure with this name. Raises DocumentRefused if there is none."""
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise DocumentRefused(f"There is no measure {name}.")

    def share_of(self, measure: Measure, day: int) -> float:
        """Return the part of a day's budget that a measure uses; 0: it is not sent on that day."""
        if not self.is_counted(day):
            return 0.0
        shares = measure.shares
        return shares.profile if self.is_profile_counted(day) else shares.plain

    def sigma_of(self, share: float) -> float:
        """Return the noise of a release that uses this part of a day's budget, in clip radii."""
        return self.sigma / math.sqrt(share)

    def rho_of(self, share: float) -> float:
        """Return the zCDP cost of a day's contribution that uses this part of its budget."""
        return rho_of_sigma(self.sigma_of(share))

    def noise_units(self, share: float, group: Group) -> float:
        """Return the standard deviation of one household's noise in a slot, in grid units."""
        return self.grid * share_std(self.sigma_of(share), group.crowd, self.gamma)

    def is_counted(self, day: int) -> bool:
        """Return whether chips contribute on `day` (a number).

        The days are drawn within each calendar week, from its days and the collectivity's name
        alone. They are the same for everyone, known long before, and independent of consumption.
        """
        return day in _drawn_in_week(self.collectivity, day)[: self.days_a_week]

    def is_profile_counted(self, day: int) -> bool:
        """Return whether a contribution on `day` includes the profile."""
        counted = _counted_in_year(self.collectivity, self.days_a_week, day_of_number(day).year)
        return day in counted[: self.profile_days_a_year]


def check_measures(measures: Measures) -> None:
    """Check the rules that types cannot express; chips and trustees do so before they comply.

    Raises:
        DocumentRefused: names the measure and the group.
    """
    if measures.end <= measures.effective:
        raise DocumentRefused("These measures would end before they take effect.")
    if not measures.measures:
        raise DocumentRefused("These measures measure nothing.")
    _check_shares(measures)
    names = [measure.name for measure in measures.measures]
    if len(set(names)) != len(names):
        raise DocumentRefused("Two measures have the same name.")
    for measure in measures.measures:
        _check_weights(measure)
        codes = [group.code for group in measure.groups]
        if len(set(codes)) != len(codes):
            raise DocumentRefused(f"{measure.name}: two groups have the same code.")
        for group in measure.groups:
            _check_group(measure, group)
        _check_disjoint(measure)
    _check_parents(measures)


def _check_shares(measures: Measures) -> None:
    for kind in Shares.__struct_fields__:
        total = sum(getattr(measure.shares, kind) for measure in measures.measures)
        if total > 1 + 1e-9:
            raise DocumentRefused(
                f"The measures' shares add up to {total:.3f}; at most 1 is allowed."
            )
    for measure in measures.measures:
        if not measure.shares.plain and not measure.shares.profile:
            raise DocumentRefused(f"{measure.name} has no share on any day.")
        if measure.kind is MeasureKind.PROFILE and measure.shares.plain:
            raise DocumentRefused(f"{measure.name} has a share on days that count no profile.")


def _check_parents(measures: Measures) -> None:
    """Check that no other figure has a parent's code, since each has its own topic and files."""
    taken = {
        (measure.name, group.code) for measure in measures.measures for group in measure.groups
    }
    for parent in measures.parents:
        children = [measures.measure(parent.measure).group(code) for code in parent.children]
        if len({child.code for child in children}) != len(children) or not children:
            raise DocumentRefused(f"{parent.code} of {parent.measure} must name each child once.")
        if (parent.measure, parent.code) in taken:
            raise DocumentRefused(
                f"{parent.measure}: {parent.code} is a parent and another figure of the same code; "
                "give the parent a code of its own."
            )
        taken.add((parent.measure, parent.code))


def _check_group(measure: Measure, group: Group) -> None:
    place = f"{measure.name}, {group.code}"
    least = CURVE_MIN if measure.kind is MeasureKind.CURVE else GROUP_MIN
    if group.crowd > 1 and group.roster < least:
        raise DocumentRefused(f"{place}: {group.roster} households; there must be {least}.")
    if group.crowd > group.threshold:
        raise DocumentRefused(f"{place}: the crowd exceeds the opening threshold.")
    if group.threshold > group.roster:
        raise DocumentRefused(f"{place}: the opening threshold exceeds the roster.")
    if not group.areas:
        raise DocumentRefused(f"{place}: no areas.")
    is_curve = measure.kind is MeasureKind.CURVE
    if is_curve != (group.transform is not None):
        raise DocumentRefused(f"{place}: a curve has a transform, and nothing else has.")
    if not is_curve and group.slots != len(measure.weights):
        raise DocumentRefused(f"{place}: a slot for each weight.")


def _check_weights(measure: Measure) -> None:
    expected = {MeasureKind.CLASSES: CLASSES_SLOTS, MeasureKind.PROFILE: PROFILE_SLOTS}
    count = expected.get(measure.kind, 0)
    if len(measure.weights) != count or not all(0 < w < float("inf") for w in measure.weights):
        raise DocumentRefused(f"{measure.name}: {count} positive weights.")


def _check_disjoint(measure: Measure) -> None:
    """Check that no area begins with another group's, so no household is in two groups."""
    seen: dict[str, list[tuple[str, Group]]] = {}
    for group in measure.groups:
        for area in group.areas:
            seen.setdefault(area[:2], []).append((area, group))
    for entries in seen.values():
        for place, (area, group) in enumerate(entries):
            for other_area, other in entries[place + 1 :]:
                is_nested = area.startswith(other_area) or other_area.startswith(area)
                same = not group.provider or not other.provider or group.provider == other.provider
                if is_nested and same:
                    raise DocumentRefused(
                        f"{measure.name}: {group.code} and {other.code} both count {area}."
                    )


def _lot(collectivity: str, day: int) -> bytes:
    return hashlib.sha256(f"volet area day {collectivity} {day}".encode()).digest()


@lru_cache(maxsize=1024)
def _drawn_in_week(collectivity: str, day: int) -> tuple[int, ...]:
    """Return the numbers of the days of a day's week in the order in which they are drawn."""
    monday = day - day_of_number(day).weekday()
    week = range(monday, monday + DAYS_A_WEEK)
    return tuple(sorted(week, key=lambda each: _lot(collectivity, each)))


@lru_cache(maxsize=64)
def _counted_in_year(collectivity: str, days_a_week: int, year: int) -> tuple[int, ...]:
    """Return the numbers of a year's counted days in the order in which they are drawn."""
    first = date(year, 1, 1)
    last = date(year + 1, 1, 1) - timedelta(days=1)
    counted = (
        day
        for day in range(day_number(first), day_number(last) + 1)
        if day in _drawn_in_week(collectivity, day)[:days_a_week]
    )
    return tuple(sorted(counted, key=lambda each: _lot(collectivity, each)))
