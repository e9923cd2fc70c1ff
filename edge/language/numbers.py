"""Formats numbers, amounts and days in the household's language."""

from datetime import date, datetime
from decimal import Decimal

from edge.language.choice import Lang
from edge.language.typography import NARROW_SPACE, measure
from protocol.calendar import PARIS

SHORT_HASH = 16
"""Number of hex digits of a hash that are shown."""


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


def time_text(at: datetime, lang: Lang) -> str:
    """Format an instant in the local time of France."""
    local = at.astimezone(PARIS)
    return f"{day_text(local.date(), lang)}{' à' if lang is Lang.FR else ''} {local:%H:%M}"
