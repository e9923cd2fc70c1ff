"""The terms of an offer in words: power, calendar, what is paid for a time and for a kWh."""

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from edge.language.choice import Lang
from edge.language.numbers import day_text, euros, percent
from edge.language.typography import bilingual, measure
from protocol.contract import Offer
from protocol.quotes import tariff_on
from protocol.tariff import CalendarLine, EnergyLine, FixedLine, MarketLine, Tariff

_CENT, _PRICE = Decimal("0.01"), Decimal("0.00001")
# More than any offer has at once; a stranger's may have 64 tariffs of 64 lines.
_ROWS_MAX = 80
_WORDS = bilingual(
    fr={
        "power": "Puissance de l'offre",
        "any": "toute puissance",
        "calendar": "Calendrier de l'offre",
        "until": "Prix connus jusqu'au",
        "month": "{amount} par mois HT, {taxed} TTC (TVA {vat} %)",
        "year": "{amount} par an HT, {taxed} TTC (TVA {vat} %)",
        "kwh": "{amount} par kWh HT, {taxed} TTC (TVA {vat} %)",
        "classes": ", heures : {names}",
        "market": "prix de marché {series} × {factor}, plus ",
        "tax": "{name} (taxe)",
        "more": "Autres lignes",
    },
    en={
        "power": "Power of the offer",
        "any": "any power",
        "calendar": "Calendar of the offer",
        "until": "Prices known until",
        "month": "{amount} per month before tax, {taxed} with tax (VAT {vat}%)",
        "year": "{amount} per year before tax, {taxed} with tax (VAT {vat}%)",
        "kwh": "{amount} per kWh before tax, {taxed} with tax (VAT {vat}%)",
        "classes": ", hours: {names}",
        "market": "market price {series} × {factor}, plus ",
        "tax": "{name} (tax)",
        "more": "Further lines",
    },
)


def tariffs_on(offers: Iterable[Offer], day: date) -> list[Tariff]:
    """Return the tariffs of offers that may price a day."""
    return [
        tariff
        for offer in offers
        for tariff in offer.tariffs
        if tariff.valid_from <= day and (tariff.valid_to is None or day < tariff.valid_to)
    ]


def terms_in_words(offers: Iterable[Offer], day: date, lang: Lang) -> list[tuple[str, str]]:
    """Return what holds on a day as labels with texts, in the order of a bill: fixed, energy, taxes.

    An offer that extends another repeats its tariffs, of which the latest one holds.
    """
    found = [tariff for offer in offers if (tariff := tariff_on(offer, day)) is not None]
    latest = max(found, key=lambda tariff: tariff.valid_from, default=None)
    rows = [] if latest is None else _tariff_rows(latest, lang)
    left = len(rows) - _ROWS_MAX
    return rows if left <= 0 else [*rows[:_ROWS_MAX], (_WORDS[lang]["more"], str(left))]


def _tariff_rows(tariff: Tariff, lang: Lang) -> list[tuple[str, str]]:
    words = _WORDS[lang]
    power = words["any"] if tariff.kva is None else measure(str(tariff.kva), "kVA", lang)
    rows = [(words["power"], power), (words["calendar"], tariff.calendar)]
    if tariff.valid_to is not None:
        rows.append((words["until"], day_text(tariff.valid_to, lang)))
    lines = sorted((*tariff.fixed, *tariff.energy), key=lambda line: line.is_tax)
    return rows + [_line_row(line, lang) for line in lines]


def _line_row(line: FixedLine | EnergyLine, lang: Lang) -> tuple[str, str]:
    words = _WORDS[lang]
    label = words["tax"].format(name=line.name) if line.is_tax else line.name
    if isinstance(line, FixedLine):
        return label, _priced(words[line.per], line.eur, line.vat, _CENT, lang)
    text = _priced(words["kwh"], line.eur_per_kwh, line.vat, _PRICE, lang)
    if isinstance(line, MarketLine):
        text = words["market"].format(series=line.series, factor=line.factor.normalize()) + text
    if isinstance(line, CalendarLine):
        text += words["classes"].format(names=", ".join(line.classes))
    return label, text


def _priced(pattern: str, eur: Decimal, vat: Decimal, unit: Decimal, lang: Lang) -> str:
    taxed = (eur * (1 + vat)).quantize(unit, ROUND_HALF_UP)
    return pattern.format(amount=euros(eur, lang), taxed=euros(taxed, lang), vat=percent(vat, lang))
