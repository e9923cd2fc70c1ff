"""Makes calendar documents from off-peak windows by season, Tempo colours and EJP peaks.

All times are legal time. An off-peak window of 22:30-06:30 lasts nine hours on the night when
clocks go back, and seven when they go forward. The classes of a calendar are in the order of the
meter's registers, so class n is register n.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

import msgspec

from protocol.calendar import PARIS, QUARTER_HOUR
from protocol.errors import DocumentRefused
from protocol.json_text import read_json
from protocol.schedule import Calendar, Run, check_schedule, quarter_number
from tariffs.days import Colour

OFF_PEAK, PEAK = "hc", "hp"
HPHC_CLASSES = (OFF_PEAK, PEAK)
TEMPO_CLASSES = tuple(f"{colour}_{part}" for colour in Colour for part in (OFF_PEAK, PEAK))
NORMAL, MOBILE_PEAK = "normale", "pointe"
EJP_CLASSES = (NORMAL, MOBILE_PEAK)

TEMPO_DAY_START = time(6)
TEMPO_OFF_PEAK_START = time(22)
EJP_DAY_START = time(1)
EJP_PEAK_START = time(7)
OFF_PEAK_HOURS = 8
_MINUTES_A_DAY = 24 * 60
_ANY_YEAR = 2023  # not a leap year; 29 February belongs with the 28th


class Season(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """Off-peak windows of a season; `start` and `end` are MM-DD, half-open, None for all year."""

    off_peak: tuple[str, ...]
    start: str | None = None
    end: str | None = None


class Windows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The off-peak windows of a meter, as set by its distributor; `source` names their origin.

    Since 2025-11 they may differ between winter (11-01 to 04-01) and summer (04-01 to 11-01).
    """

    seasons: tuple[Season, ...]
    source: str = ""


def read_windows(data: bytes, origin: str) -> Windows:
    """Read the windows of a meter from JSON.

    Raises:
        DocumentRefused: names the origin and what is wrong.
    """
    try:
        windows = read_json(data, Windows)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused(f"{origin}: {exc}.") from exc
    try:
        off_peak_minutes(windows, date(_ANY_YEAR, 1, 1))
        for day in (date(_ANY_YEAR, 1, 1) + timedelta(days=n) for n in range(365)):
            off_peak_minutes(windows, day)
    except DocumentRefused as exc:
        raise DocumentRefused(f"{origin}: {exc}") from exc
    return windows


def off_peak_minutes(windows: Windows, day: date) -> frozenset[int]:
    """Return the minutes of a legal day (multiples of 15) that are off-peak, 8 hours of them.

    Raises:
        DocumentRefused: the day is in no season or in two, or the windows are not 8 hours.
    """
    seasons = [season for season in windows.seasons if _holds(season, day)]
    if len(seasons) != 1:
        raise DocumentRefused(
            f"{day:%m-%d} lies in {len(seasons)} seasons; each day needs one (MM-DD, half-open)."
        )
    minutes = [minute for text in seasons[0].off_peak for minute in _window(text)]
    if len(set(minutes)) != len(minutes):
        raise DocumentRefused(f"The windows {', '.join(seasons[0].off_peak)} overlap.")
    if len(minutes) * 15 != OFF_PEAK_HOURS * 60:
        raise DocumentRefused(
            f"The windows {', '.join(seasons[0].off_peak)} are {len(minutes) / 4:g} hours; a "
            f"French meter has {OFF_PEAK_HOURS} off-peak hours a day."
        )
    return frozenset(minutes)


def hphc_calendar(
    publisher: bytes, name: str, windows: Windows, start: date, end: date
) -> Calendar:
    """Make the calendar of a meter's off-peak windows over the legal days [start, end)."""
    by_day: dict[tuple[int, int], frozenset[int]] = {}

    def number(at: datetime) -> int:
        day = (at.month, at.day)
        if day not in by_day:
            by_day[day] = off_peak_minutes(windows, at.date())
        return HPHC_CLASSES.index(OFF_PEAK if at.hour * 60 + at.minute in by_day[day] else PEAK)

    return _calendar(publisher, name, HPHC_CLASSES, (start, end, time(0)), number, windows.source)


def tempo_calendar(
    publisher: bytes,
    name: str,
    colours: Mapping[date, Colour],
    start: date,
    end: date,
    *,
    source: str = "",
) -> Calendar:
    """Make the Tempo calendar of the Tempo days [start, end), each from 06:00 to 06:00.

    Raises:
        DocumentRefused: a day has no colour yet.
    """

    def number(at: datetime) -> int:
        day = _shifted(at, TEMPO_DAY_START)
        if day not in colours:
            raise DocumentRefused(f"The colour of {day} is not in the list; end before it.")
        is_off_peak = at.time() >= TEMPO_OFF_PEAK_START or at.time() < TEMPO_DAY_START
        return TEMPO_CLASSES.index(f"{colours[day]}_{OFF_PEAK if is_off_peak else PEAK}")

    return _calendar(publisher, name, TEMPO_CLASSES, (start, end, TEMPO_DAY_START), number, source)


def ejp_calendar(
    publisher: bytes,
    name: str,
    peaks: Collection[date],
    start: date,
    end: date,
    *,
    source: str = "",
) -> Calendar:
    """Make the EJP calendar of the days [start, end) (01:00 to 01:00), with peaks from 07:00."""

    def number(at: datetime) -> int:
        is_peak = _shifted(at, EJP_PEAK_START) in peaks and not (
            EJP_DAY_START <= at.time() < EJP_PEAK_START
        )
        return EJP_CLASSES.index(MOBILE_PEAK if is_peak else NORMAL)

    return _calendar(publisher, name, EJP_CLASSES, (start, end, EJP_DAY_START), number, source)


def _calendar(
    publisher: bytes,
    name: str,
    classes: tuple[str, ...],
    span: tuple[date, date, time],
    number: Callable[[datetime], int],
    source: str,
) -> Calendar:
    first_day, end_day, begins = span
    first, end = (
        quarter_number(datetime.combine(day, begins, PARIS)) for day in (first_day, end_day)
    )
    if first >= end:
        raise DocumentRefused(f"{name}: the days {first_day} to {end_day} are none.")
    start = datetime.combine(first_day, begins, PARIS).astimezone(UTC)
    numbers = (
        (quarter, number((start + (quarter - first) * QUARTER_HOUR).astimezone(PARIS)))
        for quarter in range(first, end)
    )
    runs = tuple(
        Run(next(group)[0], value) for value, group in groupby(numbers, key=lambda pair: pair[1])
    )
    calendar = Calendar(publisher, name, classes, runs, end, source)
    check_schedule(calendar, name)
    return calendar


def _shifted(at: datetime, begins: time) -> date:
    """Return the day, beginning at `begins`, that contains a legal time."""
    return at.date() if at.time() >= begins else at.date() - timedelta(days=1)


def _holds(season: Season, day: date) -> bool:
    if season.start is None or season.end is None:
        return season.start is season.end
    start, end = _month_day(season.start), _month_day(season.end)
    at = (day.month, day.day)
    return start <= at < end if start < end else at >= start or at < end


def _month_day(text: str) -> tuple[int, int]:
    try:
        at = date.fromisoformat(f"{_ANY_YEAR}-{text}")
    except ValueError as exc:
        raise DocumentRefused(f"{text!r} is no day of a year; write MM-DD, such as 11-01.") from exc
    return at.month, at.day


def _window(text: str) -> list[int]:
    begin, _, finish = text.partition("-")
    try:
        first, last = (
            _MINUTES_A_DAY if part == "24:00" else _minutes(time.fromisoformat(part))
            for part in (begin, finish)
        )
    except ValueError as exc:
        raise DocumentRefused(f"{text!r} is no window; write 22:30-06:30.") from exc
    if first % 15 or last % 15 or first == last:
        raise DocumentRefused(f"The window {text} does not begin and end on quarter-hours.")
    length = (last - first) % _MINUTES_A_DAY
    return [(first + minute) % _MINUTES_A_DAY for minute in range(0, length, 15)]


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute
