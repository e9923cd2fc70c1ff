"""The day so far, and what waits for the household."""

from datetime import date, timedelta

from edge.area.neighbourhood import Neighbourhood
from edge.household.neighbourhood import last_beside
from edge.household.shown import Quarter, Row, Today
from edge.language.choice import Lang
from edge.status.report import ChipReport
from edge.status.words import advice_texts, city_text, line_text, notice_rows
from edge.vault.reader import VaultReader
from protocol.calendar import day_of_number, quarter_hour_start, quarter_hours


def today(
    vault: VaultReader, report: ChipReport, known: Neighbourhood, day: date, lang: Lang
) -> Today:
    """Return the answer for a legal day; `known` is of the neighbourhood."""
    presence = report.presence
    quarters = quarters_of(vault, day)
    closed = report.last_day_closed
    return Today(
        day=day,
        quarters=quarters,
        energy_wh=energy_wh(quarters),
        last_day=closed,
        last_day_wh=None if closed is None else energy_wh(quarters_of(vault, closed)),
        is_line_good=None if presence is None else presence.line.is_good,
        line=line_text(presence, lang),
        city=city_text(report, lang),
        is_connected=presence is not None and presence.session.is_up,
        waiting=tuple(advice_texts(report, lang)),
        notices=tuple(Row(*row) for row in notice_rows(report, lang)),
        has_left=report.left_after is not None,
        beside=last_beside(known, first_day(vault, day)),
    )


def first_day(vault: VaultReader, today: date) -> date:
    """Return the first day of which the vault knows that it was closed, or today."""
    numbers = vault.values.days_from(0)
    return day_of_number(min(numbers)) if numbers else today


def quarters_of(vault: VaultReader, day: date) -> tuple[Quarter, ...]:
    """Return all quarter-hours of a legal day, those that the vault lacks without a value."""
    known = {found.j: found for found in vault.values.intervals(day, day + timedelta(days=1))}
    return tuple(
        Quarter(
            quarter_hour_start(day, j),
            known[j].energy_wh if j in known else None,
            is_estimated=j in known and known[j].is_estimated,
        )
        for j in range(quarter_hours(day))
    )


def energy_wh(quarters: tuple[Quarter, ...]) -> int:
    """Return the energy of all known quarter-hours."""
    return sum(quarter.energy_wh or 0 for quarter in quarters)
