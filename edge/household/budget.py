"""What the neighbourhood's figures have cost in privacy, and what they may cost yet."""

from edge.area.report import participation
from edge.area.settings import AreaChoices, AreaConfig
from edge.area.words import (
    explained_in_words,
    next_day_in_words,
    participation_on_page,
    profile_in_words,
    titled,
)
from edge.household.shown import Row, SpentBudget, SpentNoise
from edge.language.choice import Lang
from edge.privacy.ledger import Sum
from edge.privacy.ledger import budget as account_of
from edge.vault.reader import VaultReader
from protocol.calendar import day_of_number


def budget(
    vault: VaultReader, choices: AreaChoices, config: AreaConfig, today: int, lang: Lang
) -> SpentBudget:
    """Return the account on `today` (a day's number)."""
    ledger = vault.area.ledger(today)
    account = account_of(ledger, choices.caps(config), today)
    return SpentBudget(
        day=day_of_number(today),
        participation=participation_on_page(participation(ledger, choices, config, today), lang),
        spent=tuple(_spent(label, total) for label, total in titled(account, lang)),
        most_rho=config.year_cap_rho,
        profile=Row(*profile_in_words(account, lang)),
        next_day=next_day_in_words(account, lang),
        explained=tuple(explained_in_words(account, lang)),
    )


def _spent(label: str, total: Sum) -> SpentNoise:
    return SpentNoise(
        label, total.rho, total.cap_rho, total.epsilon, total.epsilon_replaced, 1 - total.left
    )
