"""Lists of days from which calendars are made: Tempo colours, EJP peaks."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files

import msgspec

from protocol.calendar import days_between
from protocol.errors import DocumentRefused
from protocol.json_text import read_json

_HEADINGS = ((1, ["date", "colour"]), (1, ["date"]))


class Colour(StrEnum):
    """The colour of a Tempo day, with the name used for registers."""

    BLUE = "bleu"
    WHITE = "blanc"
    RED = "rouge"


class TempoSeason(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """The red and white days among the days [start, end); the others are blue."""

    start: date
    end: date
    red: tuple[date, ...]
    white: tuple[date, ...]


class _Shipped(msgspec.Struct, frozen=True):
    seasons: tuple[TempoSeason, ...]
    sources: tuple[str, ...]
    note: str


def colours_of(seasons: Iterable[TempoSeason]) -> dict[date, Colour]:
    """Return the colour of every day of some seasons."""
    colours = {}
    for season in seasons:
        colours.update(dict.fromkeys(days_between(season.start, season.end), Colour.BLUE))
        colours.update(dict.fromkeys(season.white, Colour.WHITE))
        colours.update(dict.fromkeys(season.red, Colour.RED))
    return colours


@cache
def _shipped() -> _Shipped:
    data = files("tariffs").joinpath("data", "tempo_days.json").read_bytes()
    return read_json(data, _Shipped)


def tempo_days() -> dict[date, Colour]:
    """Return the shipped Tempo days, which have no gap."""
    return colours_of(_shipped().seasons)


def tempo_source() -> str:
    """Return the sources of the shipped Tempo days."""
    return "; ".join(_shipped().sources)


def read_tempo_days(text: str, origin: str) -> dict[date, Colour]:
    """Read Tempo days from CSV `date,colour` (bleu, blanc, rouge).

    Raises:
        DocumentRefused: names the line and what is wrong with it.
    """
    colours: dict[date, Colour] = {}
    for number, row in _rows(text, origin):
        expected = f"{origin}: line {number} is no day and colour ({', '.join(Colour)})."
        try:
            day, colour = row
            at, value = date.fromisoformat(day), Colour(colour)
        except ValueError as exc:
            raise DocumentRefused(expected) from exc
        colours[_once(at, colours, f"{origin}: line {number}")] = value
    return colours


def read_peak_days(text: str, origin: str) -> set[date]:
    """Read the EJP days from CSV, with a date in the first column.

    Raises:
        DocumentRefused: names the line and what is wrong with it.
    """
    days: dict[date, None] = {}
    for number, row in _rows(text, origin):
        try:
            day = date.fromisoformat(row[0])
        except ValueError as exc:
            raise DocumentRefused(f"{origin}: line {number} does not begin with a day.") from exc
        days[_once(day, days, f"{origin}: line {number}")] = None
    return set(days)


def _rows(text: str, origin: str) -> list[tuple[int, list[str]]]:
    try:
        rows = [(number, row) for number, row in enumerate(csv.reader(io.StringIO(text)), 1) if row]
    except csv.Error as exc:
        raise DocumentRefused(f"{origin}: this is no CSV: {exc}.") from exc
    return [row for row in rows if row not in _HEADINGS]


def _once(day: date, days: Mapping[date, object], place: str) -> date:
    if day in days:
        raise DocumentRefused(f"{place}: {day} stands twice.")
    return day
