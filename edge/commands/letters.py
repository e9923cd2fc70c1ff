"""`volet edge letters`: what providers wrote to this household and nobody else can read."""

from pathlib import Path

import click
import msgspec

from edge.chip.config import DEFAULT_DIRECTORY
from edge.commands.household import HouseholdCommand, tell
from edge.contracts.agreement import load_agreement
from edge.contracts.former import agreements_of
from edge.identity.enrolment import load_identity
from edge.language.choice import language
from edge.language.numbers import day_text
from edge.language.typography import bilingual
from edge.letters.inbox import OpenedLetter, opened_letters
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
    """Show the private messages of your providers; no one on the way could read them."""
    found = read_letters(directory)
    if is_json:
        click.echo(msgspec.json.encode({"letters": found}))
        return
    lang = language()
    shown = [
        f"{letter.provider}, {day_text(letter.written_on, lang)}\n{letter.text}" for letter in found
    ]
    tell("\n\n".join(shown) or NONE_YET[lang])


def read_letters(directory: Path) -> list[OpenedLetter]:
    """Open the letters that the chip in `directory` keeps, newest first."""
    household = load_identity(directory).household
    agreements = agreements_of(directory, load_agreement(directory))
    with read_vault(directory) as vault:
        return opened_letters(vault.letters.all(), household, agreements)
