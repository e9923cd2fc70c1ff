"""`volet edge bills`: the household's bills, as its own chip found them."""

import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import click
import msgspec

from edge.bills.desk import read_judgement
from edge.bills.judgement import WORDS_EN, WORDS_FR, Judgement, Verdict
from edge.config import DEFAULT_DIRECTORY
from edge.vault.reader import read_vault
from protocol.bill import Bill
from system.commands import directory_option

EXIT_DIFFERS = 3

VERDICTS = {
    "fr": {
        Verdict.CORRECT: "vérifiée par votre boîtier : elle est juste.",
        Verdict.DIFFERS: "NE CONCORDE PAS avec votre compteur. Le montant ci-dessous est le vôtre.",
        Verdict.REFUSED: "refusée.",
    },
    "en": {
        Verdict.CORRECT: "checked by your own chip: correct.",
        Verdict.DIFFERS: "DOES NOT AGREE with your meter. The amount below is your meter's.",
        Verdict.REFUSED: "refused.",
    },
}
WORDS = {"fr": WORDS_FR, "en": WORDS_EN}
TITLES = {
    "fr": ("Facture du", "au", "Total HT", "TVA", "Total TTC"),
    "en": ("Bill for", "to", "Total before tax", "VAT", "Total"),
}
NONE_YET = {"fr": "Aucune facture n'est encore arrivée.", "en": "No bill has arrived yet."}


@click.command()
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option("--lang", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def bills(directory: Path, lang: str, *, is_json: bool) -> None:
    """Show the bills that have arrived, opened and checked by this chip.

    Exit code 3: one of them does not agree with the meter, or was refused.
    """
    with read_vault(directory) as vault:
        judgements = [j for row in vault.statements() if (j := read_judgement(row)) is not None]
    if is_json:
        click.echo(msgspec.json.encode({"bills": judgements}))
    else:
        click.echo("\n\n".join(in_words(j, lang) for j in judgements) or NONE_YET[lang])
    if any(judgement.verdict is not Verdict.CORRECT for judgement in judgements):
        sys.exit(EXIT_DIFFERS)


def in_words(judgement: Judgement, lang: str) -> str:
    """Lay a bill out for a terminal."""
    bill_of, to, *_ = TITLES[lang]
    first, last = (_day(d, lang) for d in (judgement.start, judgement.end - timedelta(days=1)))
    rows = [f"{bill_of} {first} {to} {last} : {VERDICTS[lang][judgement.verdict]}"]
    rows += [f"  ! {WORDS[lang][finding]}" for finding in judgement.findings]
    if judgement.bill is not None:
        rows += _lines(judgement.bill, lang)
    return "\n".join(rows)


def _lines(bill: Bill, lang: str) -> list[str]:
    *_, ht, vat, ttc = TITLES[lang]
    rows = []
    for line in bill.lines:
        price = line.eur_per_kwh
        kwh = "" if price is None else f"{line.kwh} kWh × {_number(price, lang)} €"
        rows.append(f"  {line.name:<28}{kwh:>24}{_number(line.ht, lang):>12} €")
    rows.append(f"  {ht:<52}{_number(bill.total_ht, lang):>12} €")
    for part in bill.vat:
        percent = Decimal(f"{(part.rate * 100).normalize():f}")
        rate = f"{vat} {_number(percent, lang)} %"
        rows.append(f"  {rate:<52}{_number(part.amount, lang):>12} €")
    return [*rows, f"  {ttc:<52}{_number(bill.total_ttc, lang):>12} €"]


def _number(value: Decimal, lang: str) -> str:
    return str(value).replace(".", ",") if lang == "fr" else str(value)


def _day(day: date, lang: str) -> str:
    return f"{day:%d/%m/%Y}" if lang == "fr" else day.isoformat()
