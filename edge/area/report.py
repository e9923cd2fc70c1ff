"""Reports the household's part in the area lane, read from the vault."""

from enum import StrEnum

import msgspec

from edge.area.settings import AreaChoices, AreaConfig
from edge.area.trust import TrustState
from edge.privacy.ledger import ROUNDING, Caps, Ledger, budget
from edge.vault.area import AreaState
from edge.vault.reader import VaultReader
from protocol.calendar import day_of_number


class OwnGroup(msgspec.Struct, frozen=True):
    """A group that counts the household, from the measures in force.

    `households` is the group's size when the document was made. Noise is shared among `crowd` of
    them, and no sum of fewer than `threshold` is opened.
    """

    measure: str
    code: str
    households: int
    crowd: int
    threshold: int


class Participation(StrEnum):
    """Whether the household's days count in its area's figures, or why not."""

    ON = "on"
    OFF = "off"
    DISABLED = "disabled"
    NOT_CONFIRMED = "trustees_not_confirmed"
    MONTH_SPENT = "month_spent"
    YEAR_SPENT = "year_spent"


class AreaSummary(msgspec.Struct, frozen=True):
    """A summary of the area lane; `budget_left` is the fraction left of this year's budget."""

    participation: Participation
    last_contribution: str | None
    budget_left: float


def summary(
    vault: VaultReader, choices: AreaChoices, config: AreaConfig, today: int
) -> AreaSummary:
    """Return a summary of the area lane on `today` (a day's number)."""
    given = [
        day
        for day, state, _ in vault.area.states(0)
        if state in {AreaState.UNSENT, AreaState.STORED}
    ]
    ledger = vault.area.ledger(today)
    return AreaSummary(
        participation=participation(ledger, choices, config, today),
        last_contribution=day_of_number(max(given)).isoformat() if given else None,
        budget_left=budget(ledger, choices.caps(config), today).year.left,
    )


def participation(
    ledger: Ledger, choices: AreaChoices, config: AreaConfig, today: int
) -> Participation:
    """Return whether days are contributed on `today` (a day's number), or why not."""
    if not config.enabled:
        return Participation.DISABLED
    if not choices.is_on:
        return Participation.OFF
    if not choices.trustees:
        return Participation.NOT_CONFIRMED
    return _spent(ledger, choices.caps(config), today) or Participation.ON


def _spent(ledger: Ledger, caps: Caps, today: int) -> Participation | None:
    """Return which cap, if any, another day of the last one's cost would exceed."""
    cost, balance = ledger.next_day_rho(caps), ledger.balance(today)
    for spent, total, cap in (
        (Participation.YEAR_SPENT, balance.year_rho, caps.year_rho),
        (Participation.MONTH_SPENT, balance.month_rho, caps.month_rho),
    ):
        if total >= cap or total + cost > cap + ROUNDING:
            return spent
    return None


def own_groups(trust: TrustState, today: int) -> tuple[OwnGroup, ...]:
    """Return the groups of the household on `today`; none while they are unknown."""
    in_force, entry = trust.measures_on(today), trust.entry_on(today)
    if in_force is None or entry is None:
        return ()
    groups = (
        (measure.name, measure.group_of(entry.cell or "", entry.provider))
        for measure in in_force.measures.measures
    )
    return tuple(
        OwnGroup(name, group.code, group.roster, group.crowd, group.threshold)
        for name, group in groups
        if group is not None
    )
