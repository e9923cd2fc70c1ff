"""`volet edge area`: show or change whether this home contributes to its area's figures."""

from datetime import UTC, date, datetime
from pathlib import Path

import click
import msgspec

from edge.area.report import Participation, participation
from edge.area.settings import change_choices, load_choices
from edge.area.words import participation_in_words
from edge.chip.config import load_config
from edge.commands.household import HouseholdCommand, echo, echo_translated
from edge.language.choice import language
from edge.language.numbers import day_text
from edge.stage import DEFAULT_DIRECTORY
from edge.vault.reader import read_vault
from protocol.calendar import day_number, day_of_number, legal_day
from system.commands import directory_option

_directory = directory_option(DEFAULT_DIRECTORY, "The chip's")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


class AreaReport(msgspec.Struct, frozen=True):
    """The output of `volet edge area`; `days` are (day, state, reason), newest last."""

    participation: Participation
    is_enabled: bool
    is_on: bool
    has_confirmed_trustees: bool
    has_seeds: bool
    unsent: int
    days: tuple[tuple[str, str, str], ...]


@click.command(cls=HouseholdCommand)
@_directory
@click.argument("turn", required=False, type=click.Choice(["on", "off"]))
@_json
def area(directory: Path, turn: str | None, *, is_json: bool) -> None:
    """Show whether this home contributes to its area's figures, or turn that on or off.

    While it is off, no day is contributed and unsent contributions are deleted. Bills continue.
    """
    if turn is not None:
        change_choices(directory, is_on=turn == "on")
    choices, config = load_choices(directory), load_config(directory).area
    today = day_number(legal_day(datetime.now(UTC)))
    with read_vault(directory) as vault:
        ledger = vault.area.ledger(today)
        states = vault.area.states(0)[-31:]
        report = AreaReport(
            participation=participation(ledger, choices, config, today),
            is_enabled=config.enabled,
            is_on=choices.is_on,
            has_confirmed_trustees=bool(choices.trustees),
            has_seeds=vault.area.key_shares() is not None,
            unsent=len(vault.area.unsent()),
            days=tuple(
                (day_of_number(day).isoformat(), state.name.lower(), reason)
                for day, state, reason in states
            ),
        )
    if is_json:
        click.echo(msgspec.json.encode(report))
        return
    echo(participation_in_words(report.participation, language()))
    echo_translated(
        f"Trustees          {'confirmed' if report.has_confirmed_trustees else 'not confirmed'}"
    )
    echo_translated(f"Seeds             {'drawn' if report.has_seeds else 'not drawn yet'}")
    echo_translated(f"To send           {report.unsent}")
    for day, state, reason in report.days:
        echo(
            f"{day_text(date.fromisoformat(day), language())}        {state}{f' ({reason})' if reason else ''}"
        )
