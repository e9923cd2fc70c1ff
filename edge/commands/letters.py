"""`volet edge letters`: show the providers' messages, which only this household can read."""

from pathlib import Path

import click
import msgspec

from edge.bills.letters import read_letters
from edge.commands.household import HouseholdCommand, echo
from edge.identity.enrolment import load_identity
from edge.language.choice import language
from edge.language.numbers import day_text
from edge.language.typography import bilingual
from edge.stage import DEFAULT_DIRECTORY
from edge.vault.reader import read_vault
from system.commands import directory_option

NONE_YET = bilingual(
    fr="Aucun message n'est encore arrivé.",
    en="No message has arrived yet.",
)


@click.command(cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def letters(directory: Path, *, is_json: bool) -> None:
    """Show your providers' private messages, which nobody on the way could read."""
    identity = load_identity(directory)
    with read_vault(directory) as vault:
        opened = read_letters(directory, identity, vault)
    if is_json:
        click.echo(msgspec.json.encode({"letters": opened}))
        return
    lang = language()
    shown = [
        f"{letter.provider}, {day_text(letter.written_on, lang)}\n{letter.text}"
        for letter in opened
    ]
    echo("\n\n".join(shown) or NONE_YET[lang])
