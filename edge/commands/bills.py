"""`volet edge bills`: show the household's bills as its own chip verified them."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import click
import msgspec

from edge.bills.document import FINDINGS, Papers, compose
from edge.bills.judgement import Judgement, Verdict
from edge.bills.meter_away import MeterAway, away_in, read_times_away
from edge.bills.receipt_words import receipt_in_words
from edge.bills.remarks import away_in_words, remarks
from edge.bills.render import render_html, render_pdf
from edge.bills.replaced import is_repeated, replaced
from edge.bills.signed_off import overview, read_holds
from edge.bills.verifier import read_judgement
from edge.bills.words import VERDICTS, WORDS
from edge.commands.household import HouseholdCommand, echo, echo_translated
from edge.commands.letters import read_letters
from edge.contracts.agreement import Agreement, load_agreement
from edge.contracts.former import agreements_of
from edge.contracts.watch import unresolved
from edge.contracts.words import NOTICES
from edge.language.choice import Lang, language
from edge.language.numbers import day_text, energy, euros, percent
from edge.language.typography import measure
from edge.stage import DEFAULT_DIRECTORY
from edge.vault.reader import VaultReader, read_vault
from protocol.bill import Bill
from protocol.errors import ConfigError, DocumentRefused
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
        rows = vault.statements()
        judgements = [j for row in rows if (j := read_judgement(row)) is not None]
        differing = unresolved(vault.values.notices())
        signed_off = overview(vault, read_holds(directory, vault)).statements
        if html is not None or pdf is not None:
            chosen = _choose(judgements, statement)
            papers = _papers(directory, vault, chosen, judgements)
            _write(html, pdf, chosen, papers, language())
            return
        times = read_times_away(directory, vault)
    away = {judgement.statement: away_in(judgement, times) for judgement in judgements}
    unbillable = {
        statement_id: {day for period in periods for day in period.days}
        for statement_id, periods in away.items()
    }
    billed = replaced(judgements, unbillable)
    if is_json:
        report = {"bills": judgements, "contract": differing, "receipts": signed_off}
        click.echo(msgspec.json.encode(report))
    else:
        lang = language()
        for kind in differing:
            echo(f"! {NOTICES[lang][kind]}\n")
        receipts = {row.statement: receipt_in_words(row, lang) for row in signed_off}
        paragraphs = [
            in_words(
                judgement,
                lang,
                is_replaced=judgement.statement in billed,
                away=away[judgement.statement],
                receipt=receipts.get(judgement.statement, ""),
            )
            for judgement in judgements
        ]
        if waiting := len(rows) - len(judgements):
            paragraphs.append(WORDS[lang]["postponed"].format(count=waiting))
        echo("\n\n".join(paragraphs) or WORDS[lang]["none_yet"])
    wrong = {
        judgement.statement for judgement in judgements if judgement.verdict is not Verdict.CORRECT
    }
    if wrong - billed:
        sys.exit(EXIT_DIFFERS)


def _choose(judgements: list[Judgement], statement: str) -> Judgement:
    matching = [
        judgement
        for judgement in judgements
        if judgement.bill is not None and judgement.statement.startswith(statement.lower())
    ]
    if not matching:
        raise DocumentRefused(
            "There is no such bill yet; `volet edge bills` shows those that have arrived."
        )
    # Of two bills for the same days, take the one that arrived last.
    return max(reversed(matching), key=lambda judgement: judgement.end)


def _papers(
    directory: Path, vault: VaultReader, chosen: Judgement, judgements: list[Judgement]
) -> Papers:
    agreement = _agreement(directory, chosen)
    before = [j for j in judgements if j.end <= chosen.start and j.verdict is Verdict.CORRECT]
    rows = {
        row.closed.day: row.closed for row in vault.day_rows(chosen.start - ONE_DAY, chosen.end)
    }
    return Papers(
        agreement.offer,
        agreement.contract_hash,
        rows.get(chosen.start - ONE_DAY),
        rows.get(chosen.end - ONE_DAY),
        max(before, key=lambda judgement: judgement.end, default=None),
        tuple(
            letter.text for letter in read_letters(directory) if letter.written_on >= chosen.start
        ),
        agreement.contract.consent,
    )


def _agreement(directory: Path, chosen: Judgement) -> Agreement:
    """Return the agreement whose contract a bill charges."""
    agreements = agreements_of(directory, load_agreement(directory))
    agreement = agreements.get(bytes.fromhex(chosen.billed_contract))
    if agreement is None and not chosen.billed_contract:
        agreement = next(
            (candidate for candidate in agreements.values() if _covers(candidate, chosen)), None
        )
    if agreement is None:
        raise ConfigError(
            f"{directory} does not hold the contract of this bill, which cannot be laid out; put "
            "the contract back from a copy."
        )
    return agreement


def _covers(agreement: Agreement, chosen: Judgement) -> bool:
    contract = agreement.contract
    return contract.start <= chosen.start and (contract.end is None or chosen.end <= contract.end)


def _write(
    html: Path | None, pdf: Path | None, judgement: Judgement, papers: Papers, lang: Lang
) -> None:
    """Write the bill to the given files, readable only by their owner."""
    document = compose(judgement, papers, lang)
    if html is not None:
        write_secret(html, render_html(document).encode())
        echo_translated(f"Wrote {html}.")
    if pdf is not None:
        write_secret(pdf, render_pdf(document))
        echo_translated(f"Wrote {pdf}.")


def in_words(
    judgement: Judgement,
    lang: Lang,
    *,
    is_replaced: bool = False,
    receipt: str = "",
    away: Sequence[MeterAway] = (),
) -> str:
    """Format a bill for a terminal.

    Args:
        judgement: the bill and the chip's verdict on it.
        lang: the language of the text.
        is_replaced: other bills cover its days correctly.
        receipt: the state of its receipt; shown only with a correct bill.
        away: periods in which another meter was taken for the home's.
    """
    words = WORDS[lang]
    first, last = (day_text(d, lang) for d in (judgement.start, judgement.end - ONE_DAY))
    verdict = VERDICTS[lang][judgement.verdict]
    rows = [words["bill_for"].format(first=first, last=last, verdict=verdict)]
    rows += [f"  ! {FINDINGS[lang][finding]}" for finding in judgement.findings]
    notes = remarks(judgement, lang, away)
    if is_replaced and is_repeated(judgement):
        notes = [words["billed"], *notes]
    elif is_replaced:
        notes = [*away_in_words(away, lang), words["other_days" if away else "replaced"]]
    if receipt and judgement.verdict is Verdict.CORRECT:
        notes = [*notes, receipt]
    rows += [f"  · {remark}" for remark in notes]
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
