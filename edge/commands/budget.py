"""`volet edge budget`: show what the area lane has cost, and lower what it may cost."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from edge.area.report import participation
from edge.area.settings import cap_year, load_choices
from edge.area.words import budget_in_words, participation_in_words
from edge.chip.config import load_config
from edge.commands.household import HouseholdCommand, echo
from edge.language.choice import language
from edge.privacy.ledger import budget
from edge.stage import DEFAULT_DIRECTORY
from edge.vault.reader import read_vault
from protocol.calendar import day_number, legal_day
from system.commands import directory_option

_directory = directory_option(DEFAULT_DIRECTORY, "The chip's")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


@click.command("budget", cls=HouseholdCommand)
@_directory
@click.option("--cap", type=click.FloatRange(0, 1_000), help="Lower what a year may cost (rho).")
@_json
def budget_command(directory: Path, cap: float | None, *, is_json: bool) -> None:
    """Show the privacy cost of the area lane today, this month and this year, and what is left.

    The account is kept in zCDP (rho). An epsilon bounds what anybody could learn from it.
    Bills cost nothing and continue when the budget is spent.
    """
    config = load_config(directory).area
    if cap is not None:
        cap_year(directory, config, cap)
    today, choices = day_number(legal_day(datetime.now(UTC))), load_choices(directory)
    with read_vault(directory) as vault:
        ledger = vault.area.ledger(today)
    account = budget(ledger, choices.caps(config), today)
    if is_json:
        click.echo(msgspec.json.encode(account))
        return
    echo(participation_in_words(participation(ledger, choices, config, today), language()))
    echo(budget_in_words(account, language()))
