"""`volet edge receipts`: show the bills' receipts, and release receipts that are held."""

from pathlib import Path

import click
import msgspec

from edge.bills.receipt_words import receipt_in_words
from edge.bills.release_token import release_receipts
from edge.bills.signed_off import Overview, overview, read_holds
from edge.commands.household import HouseholdCommand, confirm, echo, echo_translated
from edge.language.choice import Lang, language
from edge.language.typography import bilingual
from edge.stage import DEFAULT_DIRECTORY
from edge.vault.reader import read_vault
from system.commands import directory_option

HELD = bilingual(
    fr=(
        "{count} factures ne concordaient pas : plus aucun reçu ne part. Pour qu'ils repartent, "
        "dites-le avec `volet edge receipts --release`."
    ),
    en=(
        "{count} bills did not agree: no receipt leaves any more. If they should go on, say so "
        "with `volet edge receipts --release`."
    ),
)
LOST = bilingual(
    fr=(
        "Ce boîtier a perdu sa mémoire, ou en a repris une copie : il ne sait plus pour lesquels de "
        "{count} jours un reçu est parti, et n'en envoie plus aucun avant votre accord (`volet "
        "edge receipts --release`)."
    ),
    en=(
        "This chip lost its store, or got a copy back: it does not know for which of {count} days a "
        "receipt has left, and sends none until you agree (`volet edge receipts --release`)."
    ),
)
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
        rows.append(f"{row.start} – {row.end}  {row.statement[:16]}…  {receipt}")
    if report.is_held:
        rows.append(HELD[lang].format(count=report.mismatches))
    if report.days_in_doubt:
        rows.append(LOST[lang].format(count=report.days_in_doubt))
    return "\n".join(rows or [NONE_YET[lang]])
