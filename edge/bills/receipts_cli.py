"""`volet edge receipts`: what this household has signed off, and its word that receipts may go."""

from pathlib import Path

import click
import msgspec

from edge.bills.desk import read_judgement
from edge.bills.receipts import MISMATCHES_MAX
from edge.bills.word import say_word
from edge.config import DEFAULT_DIRECTORY
from edge.household_command import HouseholdCommand, confirm, say
from edge.language import Lang, language
from edge.vault.reader import VaultReader, read_vault
from edge.vault.receipts import ReceiptState
from system.commands import directory_option

ONE_EACH = {
    Lang.FR: {
        ReceiptState.UNSENT: "reçu en cours d'envoi",
        ReceiptState.STORED: "reçu remis",
        None: "aucun reçu",
    },
    Lang.EN: {
        ReceiptState.UNSENT: "receipt under way",
        ReceiptState.STORED: "receipt delivered",
        None: "no receipt",
    },
}
HELD = {
    Lang.FR: (
        "{count} factures ne concordaient pas : plus aucun reçu ne part. Pour qu'ils repartent, "
        "dites-le avec `volet edge receipts --release`."
    ),
    Lang.EN: (
        "{count} bills did not agree: no receipt leaves any more. If they should go on, say so "
        "with `volet edge receipts --release`."
    ),
}
LOST = {
    Lang.FR: (
        "Ce boîtier a perdu sa mémoire, ou en a repris une copie : il ne sait plus pour lesquels de "
        "{count} jours un reçu est parti, et n'en envoie plus aucun avant votre accord (`volet "
        "edge receipts --release`)."
    ),
    Lang.EN: (
        "This chip lost its store, or got a copy back: it does not know for which of {count} days a "
        "receipt has left, and sends none until you agree (`volet edge receipts --release`)."
    ),
}
NONE_YET = {Lang.FR: "Aucune facture n'est encore arrivée.", Lang.EN: "No bill has arrived yet."}
QUESTION = (
    "Receipts tell your provider that a bill is correct, and its total. Let them go again, although "
    "bills did not agree or this chip lost its store?"
)


class SignedOff(msgspec.Struct, frozen=True):
    """A statement, and how far its receipt has come; None: there is none."""

    statement: str
    start: str
    end: str
    receipt: str | None


class Overview(msgspec.Struct, frozen=True):
    """What has been signed off, and what holds receipts back."""

    statements: tuple[SignedOff, ...]
    mismatches: int
    is_held: bool
    days_in_doubt: int


@click.command(cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option("--release", is_flag=True, help="Let receipts go again; asks first.")
@click.option("--yes", is_flag=True, help="With --release: do not ask.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def receipts(directory: Path, *, release: bool, yes: bool, is_json: bool) -> None:
    """Show what was signed off to the provider; let receipts go again after bills that were wrong."""
    if release:
        with read_vault(directory):
            pass  # a word said where no chip lives would reach none
        if not yes:
            confirm(QUESTION)
        say_word(directory)
        say("Receipts go again.")
        return
    with read_vault(directory) as vault:
        found = overview(vault)
    if is_json:
        click.echo(msgspec.json.encode(found))
    else:
        click.echo(in_words(found, language()))


def overview(vault: VaultReader) -> Overview:
    """Read what a vault knows of receipts."""
    states = vault.receipts.states()
    held = sum(vault.receipts.mismatches().values())
    statements = []
    for row in vault.statements():
        judgement = read_judgement(row)
        if judgement is not None:
            state = states.get(row.id)
            word = None if state is None else state.name.lower()
            start, end = judgement.start.isoformat(), judgement.end.isoformat()
            statements.append(SignedOff(row.id.hex(), start, end, word))
    doubts = sum(not is_certain for is_certain in vault.receipts.covered().values())
    return Overview(tuple(statements), held, held >= MISMATCHES_MAX, doubts)


def in_words(found: Overview, lang: Lang) -> str:
    """Lay it out for a terminal."""
    rows = []
    for each in found.statements:
        state = None if each.receipt is None else ReceiptState[each.receipt.upper()]
        rows.append(f"{each.start} – {each.end}  {each.statement[:16]}…  {ONE_EACH[lang][state]}")
    if found.is_held:
        rows.append(HELD[lang].format(count=found.mismatches))
    if found.days_in_doubt:
        rows.append(LOST[lang].format(count=found.days_in_doubt))
    return "\n".join(rows or [NONE_YET[lang]])
