"""`volet edge bills`: show the household's bills as its own chip verified them."""

import sys
from datetime import timedelta
from pathlib import Path

import click
import msgspec

from edge.bills.arrived import ArrivedBill, notes, read_arrived
from edge.bills.document import FINDINGS
from edge.bills.papers import document_of
from edge.bills.render import render_html, render_pdf
from edge.bills.sheet import BillDocument
from edge.bills.words import VERDICTS, WORDS
from edge.commands.household import HouseholdCommand, echo, echo_translated
from edge.contracts.words import NOTICES
from edge.language.choice import Lang, language
from edge.language.numbers import day_text, energy, euros, percent
from edge.language.typography import measure
from edge.stage import DEFAULT_DIRECTORY
from edge.vault.reader import read_vault
from protocol.bill import Bill
from system.commands import directory_option
from system.files import write_secret

EXIT_DIFFERS = 3
ONE_DAY = timedelta(days=1)

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
@click.option("--html", type=_FILE, help="Write the latest bill as a page (HTML).")
@click.option("--pdf", type=_FILE, help="Write the latest bill as PDF.")
@click.option(
    "--statement", default="", help="Write this bill instead of the latest: its id, or its start."
)
def bills(
    directory: Path,
    html: Path | None,
    pdf: Path | None,
    statement: str,
    *,
    is_json: bool,
) -> None:
    """Show the bills that have arrived, opened and checked by this chip.

    Exit code 3: a bill disagrees with the meter or was refused, and no later bill covers its days
    correctly. A bill that only repeats days already billed correctly does not count. Neither do
    days on which another meter was taken for the home's, because no bill can cover them.
    """
    with read_vault(directory) as vault:
        if html is not None or pdf is not None:
            _write(html, pdf, document_of(directory, vault, statement, language()))
            return
        arrived = read_arrived(directory, vault)
    if is_json:
        report = {
            "bills": [bill.judgement for bill in arrived.bills],
            "contract": arrived.differing,
            "receipts": arrived.receipts.statements,
        }
        click.echo(msgspec.json.encode(report))
    else:
        lang = language()
        for kind in arrived.differing:
            echo(f"! {NOTICES[lang][kind]}\n")
        paragraphs = [in_words(bill, lang) for bill in arrived.bills]
        if arrived.waiting:
            paragraphs.append(WORDS[lang]["postponed"].format(count=arrived.waiting))
        echo("\n\n".join(paragraphs) or WORDS[lang]["none_yet"])
    if any(bill.asks_for_action for bill in arrived.bills):
        sys.exit(EXIT_DIFFERS)


def _write(html: Path | None, pdf: Path | None, document: BillDocument) -> None:
    """Write the bill to the given files, readable only by their owner."""
    if html is not None:
        write_secret(html, render_html(document).encode())
        echo_translated(f"Wrote {html}.")
    if pdf is not None:
        write_secret(pdf, render_pdf(document))
        echo_translated(f"Wrote {pdf}.")


def in_words(arrived: ArrivedBill, lang: Lang) -> str:
    """Format a bill for a terminal."""
    judgement = arrived.judgement
    words = WORDS[lang]
    first, last = (day_text(d, lang) for d in (judgement.start, judgement.end - ONE_DAY))
    verdict = VERDICTS[lang][judgement.verdict]
    rows = [words["bill_for"].format(first=first, last=last, verdict=verdict)]
    rows += [f"  ! {FINDINGS[lang][finding]}" for finding in judgement.findings]
    rows += [f"  · {note}" for note in notes(arrived, lang)]
    if judgement.bill is not None:
        rows += _lines(judgement.bill, lang)
    return "\n".join(rows)


def _lines(bill: Bill, lang: Lang) -> list[str]:
    words = WORDS[lang]
    rows = []
    for line in bill.lines:
        counted = "" if line.quantity_kwh is None else energy(line.quantity_kwh, lang)
        price = "" if line.eur_per_kwh is None else f" × {euros(line.eur_per_kwh, lang)}"
        name = line.name
        if line.is_late:
            start, end = day_text(line.start, lang), day_text(line.end - ONE_DAY, lang)
            name += f" ({words['late'].format(start=start, end=end)})"
        rows.append(f"  {name:<28}{counted + price:>24}{euros(line.ht, lang):>14}")
    rows.append(f"  {words['total_ht']:<52}{euros(bill.total_ht, lang):>14}")
    for part in bill.vat:
        rate = f"{words['vat_short']} {measure(percent(part.rate, lang), '%', lang)}"
        rows.append(f"  {rate:<52}{euros(part.amount, lang):>14}")
    return [*rows, f"  {words['total_ttc']:<52}{euros(bill.total_ttc, lang):>14}"]
