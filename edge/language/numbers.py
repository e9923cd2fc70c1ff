"""Formats numbers, amounts and days in the household's language."""

import re
from datetime import date, datetime
from decimal import Decimal

from edge.language.choice import Lang
from edge.language.typography import NARROW_SPACE, bilingual, measure
from protocol.calendar import PARIS

SHORT_HASH = 16
"""Number of hex digits of a hash that are shown."""
# Of the hour that comes twice, in the order in which they come.
_REPEATED = bilingual(fr=("été", "hiver"), en=("summer time", "winter time"))

# As English writes a day, alone or with the time; not in a command, a path or a name.
_DAY = re.compile(
    r"`[^`]*`|(?<![\w/.:=-])(?P<day>\d{4}-\d\d-\d\d)(?P<time> \d\d:\d\d)?(?![\w/:-]|\.\w)"
)


def number(value: Decimal | int, lang: Lang) -> str:
    """Format a number: 1 234,50 or 1,234.50."""
    text = f"{value:,}"
    if lang is Lang.EN:
        return text
    return text.replace(",", NARROW_SPACE).replace(".", ",")


def euros(amount: Decimal, lang: Lang) -> str:
    """Format an amount of money or a price: 1 234,50 €."""
    return measure(number(amount, lang), "€", lang)


def energy(energy_kwh: Decimal | int, lang: Lang) -> str:
    """Format energy: 1 234 kWh."""
    return measure(number(energy_kwh, lang), "kWh", lang)


def percent(rate: Decimal, lang: Lang) -> str:
    """Format a rate as a percentage: 0.055 as 5,5."""
    return number(Decimal(f"{(rate * 100).normalize():f}"), lang)


def day_text(day: date, lang: Lang) -> str:
    """Format a day: 31/12/2025 or 2025-12-31."""
    return f"{day:%d/%m/%Y}" if lang is Lang.FR else day.isoformat()


def days_in_french(text: str) -> str:
    """Return a text that was written in English with its days as French writes them."""

    def in_french(match: "re.Match[str]") -> str:
        try:
            day = date.fromisoformat(match["day"] or "")
        except ValueError:  # a command, or no day
            return match[0]
        return day_text(day, Lang.FR) + (f" à{match['time']}" if match["time"] else "")

    return _DAY.sub(in_french, text)


def time_text(at: datetime, lang: Lang) -> str:
    """Format an instant in the local time of France."""
    day = day_text(at.astimezone(PARIS).date(), lang)
    return f"{day}{' à' if lang is Lang.FR else ''} {clock_text(at, lang)}"


def clock_text(at: datetime, lang: Lang) -> str:
    """Format the time of day in France; in the hour that autumn repeats, it says which one it is."""
    local = at.astimezone(PARIS)
    text = f"{local:%H:%M}"
    if local.utcoffset() == local.replace(fold=1 - local.fold).utcoffset():
        return text
    return f"{text} ({_REPEATED[lang][local.fold]})"
