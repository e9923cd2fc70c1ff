"""What the household is shown of its part in the area lane, read from the vault."""

import msgspec

from edge.area.settings import AreaConfig, Choices
from edge.area.standing import Standing
from edge.privacy.ledger import Ledger, budget, oldest_needed
from edge.vault.area import AreaState
from edge.vault.reader import VaultReader
from protocol.calendar import day_of_number


class OwnGroup(msgspec.Struct, frozen=True):
    """A group that the household is counted in, as the measures in force say.

    `households` stood in it when the document was made; noise is cut for `crowd` of them, and no
    sum of fewer than `threshold` is opened.
    """

    measure: str
    code: str
    households: int
    crowd: int
    threshold: int


class AreaSummary(msgspec.Struct, frozen=True):
    """The area lane in two facts; `budget_left` is this year's, a fraction."""

    is_on: bool
    last_contribution: str | None
    budget_left: float


def summary(vault: VaultReader, choices: Choices, config: AreaConfig, today: int) -> AreaSummary:
    """Sum up the area lane on `today` (a day's number)."""
    given = [
        day
        for day, state, _ in vault.area.states(0)
        if state in {AreaState.UNSENT, AreaState.STORED}
    ]
    ledger = Ledger(vault.area.spends(oldest_needed(today)))
    return AreaSummary(
        is_on=config.enabled and choices.is_on and bool(choices.trustees),
        last_contribution=day_of_number(max(given)).isoformat() if given else None,
        budget_left=budget(ledger, choices.caps(config), today).year.left,
    )


def own_groups(standing: Standing, today: int) -> tuple[OwnGroup, ...]:
    """Return the groups of the household on `today`; none where it is not known yet."""
    held, entry = standing.measures_on(today), standing.entry_on(today)
    if held is None or entry is None:
        return ()
    groups = (
        (measure.name, measure.group_of(entry.cell or "", entry.provider))
        for measure in held.measures.measures
    )
    return tuple(
        OwnGroup(name, group.code, group.roster, group.crowd, group.threshold)
        for name, group in groups
        if group is not None
    )
