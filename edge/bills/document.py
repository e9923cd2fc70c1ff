"""Composes the content of a bill's page, as text in the household's language."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from edge.bills.judgement import WORDS_EN, WORDS_FR, Judgement, Verdict
from edge.bills.remarks import remarks
from edge.bills.sheet import Bar, BillDocument, IndexRow, Section, TableRow
from edge.bills.words import WORDS
from edge.language.choice import Lang
from edge.language.numbers import SHORT_HASH, day_text, energy, euros, number, percent
from edge.language.typography import bilingual, measure
from edge.metering.events import DayClosed
from protocol.bill import CENT, Bill, Line
from protocol.contract import Consent, Offer
from protocol.doubt import Doubt
from protocol.receipt import wrong_cents_max
from protocol.registers import count_alike
from protocol.tariff import RegisterLine

ONE_DAY = timedelta(days=1)
FINDINGS = bilingual(fr=WORDS_FR, en=WORDS_EN)


class Papers(msgspec.Struct, frozen=True):
    """What a page shows beside a judgement.

    Attributes:
        offer: the contract's offer.
        contract: the contract's hash.
        first: the closed day before the period, if the vault holds it.
        last: the last closed day of the period, if the vault holds it.
        previous: the judgement of the period before, if there is one.
        messages: the provider's private messages to this household, newest first.
        consent: what a receipt of the bill may reveal.
    """

    offer: Offer
    contract: bytes
    first: DayClosed | None = None
    last: DayClosed | None = None
    previous: Judgement | None = None
    messages: tuple[str, ...] = ()
    consent: Consent = Consent.NOTHING


def compose(judgement: Judgement, papers: Papers, lang: Lang) -> BillDocument:
    """Compose the page of a judged bill.

    Raises:
        ValueError: the statement was refused, so there is no bill.
    """
    bill = judgement.bill
    if bill is None:
        raise ValueError("a refused statement has no bill")
    words = WORDS[lang]
    return BillDocument(
        lang=lang,
        words=words,
        provider=papers.offer.provider,
        product=papers.offer.product,
        contract=papers.contract.hex()[:SHORT_HASH],
        statement=judgement.statement[:SHORT_HASH],
        period=_period(bill.start, bill.end, words["from_to"], lang),
        is_correct=judgement.verdict is Verdict.CORRECT,
        is_credit=bill.total_ttc < 0,
        is_estimated=bool(judgement.estimated),
        findings=(
            *(FINDINGS[lang][finding] for finding in judgement.findings),
            *remarks(judgement, lang),
            *proof(judgement, bill, papers.consent, lang),
        ),
        sections=_sections(bill, lang),
        total_ht=_eur(bill.total_ht, lang),
        vat=tuple(
            (
                words["vat"].format(rate=percent(part.rate, lang), base=_eur(part.base, lang)),
                _eur(part.amount, lang),
            )
            for part in bill.vat
        ),
        total_ttc=_eur(abs(bill.total_ttc), lang),
        indices=_indices(judgement, papers, lang),
        bars=_bars(bill, papers.previous, lang),
        messages=papers.messages,
    )


def _sections(bill: Bill, lang: Lang) -> tuple[Section, ...]:
    words = WORDS[lang]
    fixed = [line for line in bill.lines if line.quantity_kwh is None]
    counted = [line for line in bill.lines if line.quantity_kwh is not None]
    return tuple(
        _section(title, lines, lang)
        for title, lines in (
            (words["subscription"], [line for line in fixed if not line.is_tax]),
            (words["energy"], [line for line in counted if not line.is_tax]),
            (words["taxes"], [line for line in bill.lines if line.is_tax]),
        )
        if lines
    )


def _section(title: str, lines: Sequence[Line], lang: Lang) -> Section:
    total = sum((line.ht for line in lines), Decimal(0))
    return Section(title, tuple(_row(line, lang) for line in lines), _eur(total, lang))


def _row(line: Line, lang: Lang) -> TableRow:
    words = WORDS[lang]
    is_fixed = line.quantity_kwh is None
    price = words["market_price"] if line.eur_per_kwh is None else euros(line.eur_per_kwh, lang)
    return TableRow(
        label=line.name,
        period=_period(line.start, line.end, words["late" if line.is_late else "from_to"], lang),
        quantity="" if is_fixed else energy(line.quantity_kwh or 0, lang),
        unit_price="" if is_fixed else price,
        ht=_eur(line.ht, lang),
        vat=measure(percent(line.vat, lang), "%", lang),
    )


def _indices(judgement: Judgement, papers: Papers, lang: Lang) -> tuple[IndexRow, ...]:
    """Return the register indices if one meter and calendar counted the whole period."""
    first, last = papers.first, papers.last
    if first is None or last is None:
        return ()
    if any(estimate.doubt is Doubt.INDEX_BEGAN_ANEW for estimate in judgement.estimated):
        return ()
    is_one_meter = first.meter_serial == last.meter_serial
    if not (is_one_meter and count_alike(first.calendar, last.calendar)):
        return ()
    rows = []
    for register, label in _register_names(papers.offer).items():
        start, end = (day.register_index_kwh[register - 1] for day in (first, last))
        rows.append(
            IndexRow(label, number(start, lang), number(end, lang), energy(end - start, lang))
        )
    return tuple(rows)


def proof(judgement: Judgement, bill: Bill, consent: Consent, lang: Lang) -> list[str]:
    """Return a sentence on what the receipt of a total proves; it proves nothing of the curve."""
    if judgement.verdict is not Verdict.CORRECT or consent is not Consent.TOTAL:
        return []
    energy = [line for line in bill.lines if line.quantity_kwh is not None]
    is_priced = any(line.eur_per_kwh for line in energy)
    if not is_priced or any(line.wh is not None for line in energy):
        return []
    cents = wrong_cents_max([line.vat for line in energy])
    return [WORDS[lang]["proof"].format(cents=cents)]


def _register_names(offer: Offer) -> dict[int, str]:
    """Return the names of registers, each from the line that prices it alone."""
    names: dict[int, str] = {}
    for tariff in offer.tariffs:
        for line in tariff.energy:
            if isinstance(line, RegisterLine) and len(line.registers) == 1 and not line.is_tax:
                names.setdefault(line.registers[0], line.name)
    return dict(sorted(names.items()))


def _bars(bill: Bill, previous: Judgement | None, lang: Lang) -> tuple[Bar, ...]:
    """Compare energy per day, because two periods rarely have the same length."""
    if previous is None or previous.bill is None:
        return ()
    words = WORDS[lang]
    compared = [(words["previous_period"], previous.bill), (words["this_period"], bill)]
    daily = [_daily_kwh(compared_bill) for _, compared_bill in compared]
    longest = max(*daily, Decimal("0.1"))
    return tuple(
        Bar(
            label,
            words["per_day"].format(
                kwh=number(kwh.quantize(Decimal("0.1")), lang),
                eur=number((compared_bill.total_ttc / _days(compared_bill)).quantize(CENT), lang),
            ),
            round(100 * kwh / longest),
        )
        for (label, compared_bill), kwh in zip(compared, daily, strict=True)
    )


def _daily_kwh(bill: Bill) -> Decimal:
    total = sum((Decimal(line.quantity_kwh or 0) for line in _consumption(bill.lines)), Decimal(0))
    return total / _days(bill)


def _consumption(lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if not line.is_tax and line.ht >= 0]


def _days(bill: Bill) -> int:
    return (bill.end - bill.start).days


def _period(start: date, end: date, pattern: str, lang: Lang) -> str:
    return pattern.format(start=day_text(start, lang), end=day_text(end - ONE_DAY, lang))


def _eur(amount: Decimal, lang: Lang) -> str:
    return euros(amount.quantize(CENT), lang)
