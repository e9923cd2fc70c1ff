"""`volet edge receipts`: show the bills' receipts, and release receipts that are held."""

from datetime import date
from pathlib import Path

import click
import msgspec

from edge.bills.receipt_words import held_in_words, receipt_in_words
from edge.bills.release_token import release_receipts
from edge.bills.signed_off import Overview, overview, read_holds
from edge.commands.household import HouseholdCommand, confirm, echo, echo_translated
from edge.language.choice import Lang, language
from edge.language.numbers import day_text
from edge.language.typography import bilingual
from edge.stage import DEFAULT_DIRECTORY
from edge.vault.reader import read_vault
from system.commands import directory_option

NONE_YET = bilingual(fr="Aucune facture n'est encore arrivée.", en="No bill has arrived yet.")
QUESTION = (
    "Receipts tell your provider that a bill is correct, and its total. Let them go again, although "
    "bills did not agree or this chip lost its store?"
)


@click.command(cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option("--release", is_flag=True, help="Release held receipts; asks first.")
@click.option("--yes", is_flag=True, help="With --release: do not ask.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def receipts(directory: Path, *, release: bool, yes: bool, is_json: bool) -> None:
    """Show which receipts went to the provider, or release those that are held."""
    if release:
        with read_vault(directory):
            pass  # fails if there is no chip in the directory
        if not yes:
            confirm(QUESTION)
        release_receipts(directory)
        echo_translated("Receipts go again.")
        return
    with read_vault(directory) as vault:
        report = overview(vault, read_holds(directory, vault))
    if is_json:
        click.echo(msgspec.json.encode(report))
    else:
        echo(in_words(report, language()))


def in_words(report: Overview, lang: Lang) -> str:
    """Format the state of receipts for a terminal."""
    rows = []
    for row in report.statements:
        receipt = receipt_in_words(row, lang)
        start, end = (day_text(date.fromisoformat(day), lang) for day in (row.start, row.end))
        rows.append(f"{start} – {end}  {row.statement[:16]}…  {receipt}")
    rows += held_in_words(report, lang)
    return "\n".join(rows or [NONE_YET[lang]])
