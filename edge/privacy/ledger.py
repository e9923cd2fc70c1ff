"""The privacy budget in zCDP: the cost of each day, and the caps of a day, month and year.

Costs (rho) add up; totals become an epsilon only where people read them. Pure: the vault stores the
entries, and commits each with the noised ciphertext that it paid for.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

import msgspec

from protocol.calendar import day_number, day_of_number
from protocol.privacy import EPSILON_MAX, epsilon_of_rho, gaussian_sigma, rho_of_sigma

# The delta of all reported epsilons, and of the day's cap.
DELTA = 1e-6
DAY_RHO_MAX = rho_of_sigma(gaussian_sigma(EPSILON_MAX, DELTA))
# "At home or away" replaces one day by another: twice the distance, four times the cost.
REPLACED = 4
# More than any cap allows: a lost ledger counts as having spent this.
EVERYTHING_RHO = 1_000.0
# A sum of floats that equals a cap may exceed it by this.
ROUNDING = 1e-9

_Rho = Annotated[float, msgspec.Meta(ge=0, le=EVERYTHING_RHO)]


class Caps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The highest costs, in rho; `profile_days` is a number of days a year.

    A year's is that of 106 days of epsilon 2, the most that two days a week make.
    """

    day_rho: _Rho = DAY_RHO_MAX
    month_rho: _Rho = 4.0
    year_rho: _Rho = 10.7
    profile_days: Annotated[int, msgspec.Meta(ge=0, le=366)] = 4


class Spend(msgspec.Struct, frozen=True):
    """The cost of one measure on one day (a number), in rho."""

    day: int
    measure: str
    rho: float
    is_profile: bool = False


class Limit(StrEnum):
    """Why a day is not contributed, or only a part of it."""

    SPENT = "day_spent_already"
    DAY = "day_cap"
    MONTH = "month_cap"
    YEAR = "year_cap"
    PROFILE = "profile_cap"


class Balance(msgspec.Struct, frozen=True):
    """The account on a day: rho spent on it, in its month and in its year."""

    day_rho: float
    month_rho: float
    year_rho: float
    profile_days: int


class Ledger:
    """All spent costs, and the decision whether more may be spent."""

    def __init__(self, spends: Iterable[Spend] = ()) -> None:
        """Hold `spends`, at most one for each day and measure."""
        self._spends = tuple(spends)

    @property
    def spends(self) -> Sequence[Spend]:
        """All entries."""
        return self._spends

    def balance(self, day: int) -> Balance:
        """Return the costs of `day` (a number), of its month and of its calendar year."""
        on = day_of_number(day)
        of_year = [spend for spend in self._spends if day_of_number(spend.day).year == on.year]
        of_month = [spend for spend in of_year if day_of_number(spend.day).month == on.month]
        return Balance(
            sum(spend.rho for spend in of_month if spend.day == day),
            sum(spend.rho for spend in of_month),
            sum(spend.rho for spend in of_year),
            len({spend.day for spend in of_year if spend.is_profile}),
        )

    def next_day_rho(self, caps: Caps) -> float:
        """Return what another day costs, if it costs what the last one did; 0 without one."""
        last = max((spend.day for spend in self._spends), default=None)
        cost = sum(spend.rho for spend in self._spends if spend.day == last)
        return min(cost, caps.day_rho)

    def refusal(self, spends: Sequence[Spend], caps: Caps) -> Limit | None:
        """Return why `spends`, all of one day, may not be made; None if they may."""
        if not spends:
            return None
        day = spends[0].day
        if any(spend.day == day for spend in self._spends):
            return Limit.SPENT
        before = self.balance(day)
        cost = sum(spend.rho for spend in spends)
        for limit, total, cap in (
            (Limit.DAY, cost, caps.day_rho),
            (Limit.MONTH, before.month_rho + cost, caps.month_rho),
            (Limit.YEAR, before.year_rho + cost, caps.year_rho),
        ):
            if total > cap + ROUNDING:
                return limit
        is_profile = any(spend.is_profile for spend in spends)
        return Limit.PROFILE if is_profile and before.profile_days >= caps.profile_days else None


class Sum(msgspec.Struct, frozen=True):
    """A total in the form that people read.

    Attributes:
        epsilon: bounds what taking part or not reveals, at delta 1e-6. The collectivity sees who
            takes part.
        epsilon_replaced: bounds what one day instead of another reveals, such as a day at home
            instead of a day away, at delta 1e-6.
        left: the fraction of `cap_rho` that is unspent.

    """

    rho: float
    epsilon: float
    epsilon_replaced: float
    cap_rho: float
    left: float


class Budget(msgspec.Struct, frozen=True):
    """The privacy account on `day`, as shown to the household.

    `next_day` is what another day like the last one costs, of what a day may cost, and `days_left`
    how many of them month and year still allow; None until a day has cost something.
    """

    day: str
    today: Sum
    month: Sum
    year: Sum
    profile_days: int
    profile_days_max: int
    next_day: Sum | None = None
    days_left: int | None = None
    delta: float = DELTA


def budget(ledger: Ledger, caps: Caps, day: int) -> Budget:
    """Return the account on `day` (a number)."""
    balance, cost = ledger.balance(day), ledger.next_day_rho(caps)
    left_rho = min(caps.month_rho - balance.month_rho, caps.year_rho - balance.year_rho)
    return Budget(
        day_of_number(day).isoformat(),
        _sum(balance.day_rho, caps.day_rho),
        _sum(balance.month_rho, caps.month_rho),
        _sum(balance.year_rho, caps.year_rho),
        balance.profile_days,
        caps.profile_days,
        _sum(cost, caps.day_rho) if cost > 0 else None,
        max(0, int((left_rho + ROUNDING) / cost)) if cost > 0 else None,
    )


def at_cap(total: Sum) -> Sum:
    """Return what the total will be once its cap is reached."""
    return _sum(total.cap_rho, total.cap_rho)


def oldest_needed(day: int) -> int:
    """Return the first day (a number) that a ledger still needs on `day`: two calendar years."""
    return day_number(day_of_number(day).replace(month=1, day=1)) - 366


def _sum(rho: float, cap: float) -> Sum:
    left = max(0.0, 1 - rho / cap) if cap > 0 else 0.0
    return Sum(rho, epsilon_of_rho(rho, DELTA), epsilon_of_rho(REPLACED * rho, DELTA), cap, left)
