"""The budget in zCDP: what each day cost, what a month and a year may cost, and when it is enough.

Costs (rho) add up; an epsilon is made of a total only where people read it. Pure: the vault keeps
the entries, and commits them with the noised ciphertext they paid for.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

import msgspec

from protocol.calendar import day_number, day_of_number
from protocol.privacy import EPSILON_MAX, epsilon_of_rho, gaussian_sigma, rho_of_sigma

# The delta at which epsilons are told, and at which a day's cap is reckoned.
DELTA = 1e-6
DAY_RHO_MAX = rho_of_sigma(gaussian_sigma(EPSILON_MAX, DELTA))
# "At home or away" replaces a day by another: twice the distance, four times the cost.
REPLACED = 4
# More than any cap allows: what a ledger that was lost has to be taken for.
EVERYTHING_RHO = 1_000.0
# A sum of floats may miss a cap that it meets exactly by this.
ROUNDING = 1e-9

_Rho = Annotated[float, msgspec.Meta(ge=0, le=EVERYTHING_RHO)]


class Caps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be spent at most, in rho; `profile_days` is a number of days a year."""

    day_rho: _Rho = DAY_RHO_MAX
    month_rho: _Rho = 4.0
    year_rho: _Rho = 10.0
    profile_days: Annotated[int, msgspec.Meta(ge=0, le=366)] = 4


class Spend(msgspec.Struct, frozen=True):
    """What one measure cost on one day (a number), in rho."""

    day: int
    measure: str
    rho: float
    is_profile: bool = False


class Limit(StrEnum):
    """Why a day is not contributed, or not the whole of it."""

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
    """All that was spent; values in, verdicts out."""

    def __init__(self, spends: Iterable[Spend] = ()) -> None:
        """Take the entries, of which there is at most one for a day and measure."""
        self._spends = tuple(spends)

    @property
    def spends(self) -> Sequence[Spend]:
        """All entries."""
        return self._spends

    def balance(self, day: int) -> Balance:
        """Return what was spent on `day` (a number), in its month and in its calendar year."""
        on = day_of_number(day)
        of_year = [each for each in self._spends if day_of_number(each.day).year == on.year]
        of_month = [each for each in of_year if day_of_number(each.day).month == on.month]
        return Balance(
            sum(each.rho for each in of_month if each.day == day),
            sum(each.rho for each in of_month),
            sum(each.rho for each in of_year),
            len({each.day for each in of_year if each.is_profile}),
        )

    def refusal(self, spends: Sequence[Spend], caps: Caps) -> Limit | None:
        """Say why `spends`, all of one day, may not be made; None: they may."""
        if not spends:
            return None
        day = spends[0].day
        if any(each.day == day for each in self._spends):
            return Limit.SPENT
        before = self.balance(day)
        cost = sum(each.rho for each in spends)
        for limit, total, cap in (
            (Limit.DAY, cost, caps.day_rho),
            (Limit.MONTH, before.month_rho + cost, caps.month_rho),
            (Limit.YEAR, before.year_rho + cost, caps.year_rho),
        ):
            if total > cap + ROUNDING:
                return limit
        is_profile = any(each.is_profile for each in spends)
        return Limit.PROFILE if is_profile and before.profile_days >= caps.profile_days else None


class Sum(msgspec.Struct, frozen=True):
    """A total as people read it.

    `epsilon` is what a household's taking part gives away at most, `epsilon_replaced` what "at home
    or away" does; both at delta 1e-6. `cap_rho` and `left` (a fraction) say how much there is yet.
    """

    rho: float
    epsilon: float
    epsilon_replaced: float
    cap_rho: float
    left: float


class Budget(msgspec.Struct, frozen=True):
    """The account that the household is shown on `day`."""

    day: str
    today: Sum
    month: Sum
    year: Sum
    profile_days: int
    profile_days_max: int
    delta: float = DELTA


def budget(ledger: Ledger, caps: Caps, day: int) -> Budget:
    """Return the account on `day` (a number)."""
    balance = ledger.balance(day)
    return Budget(
        day_of_number(day).isoformat(),
        _sum(balance.day_rho, caps.day_rho),
        _sum(balance.month_rho, caps.month_rho),
        _sum(balance.year_rho, caps.year_rho),
        balance.profile_days,
        caps.profile_days,
    )


def oldest_needed(day: int) -> int:
    """Return the first day (a number) whose entries a ledger still needs on `day`: two years."""
    return day_number(day_of_number(day).replace(month=1, day=1)) - 366


def _sum(rho: float, cap: float) -> Sum:
    left = max(0.0, 1 - rho / cap) if cap > 0 else 0.0
    return Sum(rho, epsilon_of_rho(rho, DELTA), epsilon_of_rho(REPLACED * rho, DELTA), cap, left)
