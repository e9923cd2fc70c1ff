"""`volet edge quotes`: compare what the listed offers would have cost this household."""

import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import click
import msgspec
from rich.table import Table
from rich.text import Text

from edge.commands.household import HouseholdCommand, echo
from edge.contracts.agreement import Agreement, load_agreement
from edge.identity.enrolment import Identity, load_identity
from edge.language.choice import Lang, language
from edge.language.numbers import time_text
from edge.mqtt.moments import after_wish, at_once
from edge.quotes.asking import ORDER, leave_order
from edge.quotes.comparing import Comparison, QuestionState, compare
from edge.quotes.opening import QuoteFault
from edge.quotes.picture import euros, svg
from edge.quotes.pricing import PriceBasis, Quote, Quotes
from edge.quotes.told import (
    notes_in_words,
    order_in_words,
    title_in_words,
    unquoted_in_words,
    why_none_in_words,
)
from edge.quotes.words import ASKED, ASKED_NOW, BASIS, COLUMNS, CURRENT
from edge.stage import DEFAULT_DIRECTORY
from edge.vault.reader import read_vault
from system.commands import directory_option
from system.console import plain_console
from system.files import write_secret

EXIT_REFUSED = 3
# Bars fill the width that names and amounts leave free.
BESIDE_BARS = 64
BAR_LEAST, BAR_MOST = 8, 32


class QuoteReport(msgspec.Struct, frozen=True):
    """The output of `volet edge quotes --json`; `fault` is set if the answer cannot be used."""

    state: QuestionState
    asked_at: datetime | None
    fault: QuoteFault | None
    quotes: Quotes | None


@click.command(cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option(
    "--ask", is_flag=True, help="Ask again; the chip sends the question in 2 to 12 hours."
)
@click.option(
    "--now", "is_now", is_flag=True, help="With --ask: at once, which shows that you are at home."
)
@click.option(
    "--kva", type=click.IntRange(1, 1_000), help="Subscribed power. Default: your contract's."
)
@click.option(
    "--svg",
    "picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the comparison (SVG).",
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def quotes(
    directory: Path,
    kva: int | None,
    picture: Path | None,
    *,
    ask: bool,
    is_now: bool,
    is_json: bool,
) -> None:
    """Compare what each listed offer would have cost this household in the past year.

    The sums arrive encrypted and are opened here: nobody else learns the totals or the cheapest
    offer. Exit code 3: the answer was refused.
    """
    identity, lang = load_identity(directory), language()
    if is_now and not ask:
        raise click.UsageError("--now goes with --ask.")
    if ask:
        order = leave_order(directory, datetime.now(UTC), at_once if is_now else after_wish)
        if not is_json:
            text = ASKED_NOW[lang] if is_now else ASKED[lang]
            echo(text.format(at=time_text(order.leaves_at, lang)))
            return
    comparison = _compare(directory, identity, load_agreement(directory), kva)
    if picture is not None and comparison.quotes is not None:
        write_secret(picture, svg(comparison.quotes, lang).encode())
    if is_json:
        report = QuoteReport(
            comparison.state, comparison.asked_at, comparison.fault, comparison.quotes
        )
        click.echo(msgspec.json.encode(report))
    else:
        if ordered := order_in_words(ORDER.read(directory), datetime.now(UTC), lang):
            echo(ordered)
        _print(comparison, lang)
    if comparison.fault is not None:
        sys.exit(EXIT_REFUSED)


def _compare(
    directory: Path, identity: Identity, agreement: Agreement | None, kva: int | None
) -> Comparison:
    with read_vault(directory) as vault:
        return compare(vault, identity, agreement, kva)


def _print(comparison: Comparison, lang: Lang) -> None:
    if comparison.quotes is None:
        echo(why_none_in_words(comparison, lang))
    else:
        _print_quotes(comparison.quotes, lang)


def _print_quotes(quotes: Quotes, lang: Lang) -> None:
    echo(title_in_words(quotes, lang))
    current = next((quote for quote in quotes.quotes if quote.is_current), None)
    longest = max((abs(quote.total_ttc) for quote in quotes.quotes), default=Decimal(0))
    console = plain_console()
    bar = min(BAR_MOST, max(BAR_LEAST, console.width - BESIDE_BARS))
    table = Table(*COLUMNS[lang], box=None)
    for number, quote in enumerate(quotes.quotes, 1):
        scale = bar / (longest or Decimal(1))
        table.add_row(*_row(number, quote, current, scale, lang))
    console.print(table)
    for line in notes_in_words(quotes, lang):
        echo(line)
    for offer in quotes.unquoted:
        echo(unquoted_in_words(offer, lang))


def _row(
    number: int, quote: Quote, current: Quote | None, scale: Decimal, lang: Lang
) -> tuple[Text, ...]:
    difference = ""
    if current is not None and quote is not current:
        difference = euros(quote.total_ttc - current.total_ttc, lang)
    notes = [CURRENT[lang]] if quote.is_current else []
    notes += [BASIS[lang][quote.basis]] if quote.basis is PriceBasis.ESTIMATE else []
    name = Text(quote.product) + Text("".join(f" [{note}]" for note in notes), "italic")
    style = "yellow" if quote.is_current else "green" if number == 1 else "blue"
    bar = Text("█" * round(scale * max(quote.total_ttc, Decimal(0))), style, no_wrap=True)
    amounts = (euros(quote.total_ttc, lang), difference)
    totals = (Text(amount, justify="right", no_wrap=True) for amount in amounts)
    return Text(str(number)), Text(quote.provider), name, *totals, bar
