"""A meter's tariff options: which register counts at which instant.

Tempo days run from 06:00 to 06:00, off-peak from 22:00; tomorrow's colour is known from 20:00.
A mobile peak of EJP runs from 07:00 to 01:00 and is announced half an hour before.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum, StrEnum
from random import Random

from protocol.calendar import PARIS, days_between, legal_day

DAY = timedelta(days=1)
HPHC_OFF_PEAK = ((time(22, 30), time(6, 30)),)
TEMPO_DAY_START = time(6)
TEMPO_OFF_PEAK_START = time(22)
TEMPO_ANNOUNCED = time(20)
EJP_PEAK = (time(7), time(1))
EJP_NOTICE = timedelta(minutes=30)
WINTER_RED_DAYS = 22
WHITE_DAYS = 43
EJP_DAYS = 22
SEASON_START_MONTH = 9
WINTER_START_MONTH = 11
SATURDAY, SUNDAY = 5, 6


class MeterOption(StrEnum):
    """The regulated tariff options of a French meter."""

    BASE = "base"
    HPHC = "hphc"
    TEMPO = "tempo"
    EJP = "ejp"


class StgeColour(IntEnum):
    """A Tempo day's colour, with the values of STGE's two bits; NONE: not known (yet)."""

    NONE = 0
    BLUE = 1
    WHITE = 2
    RED = 3


# The meter's names of each register: label of the index in historique, PTEC, LTARF.
REGISTERS: Mapping[MeterOption, tuple[tuple[str, str, str], ...]] = {
    MeterOption.BASE: (("BASE", "TH..", "BASE"),),
    MeterOption.HPHC: (("HCHC", "HC..", "HEURE  CREUSE"), ("HCHP", "HP..", "HEURE  PLEINE")),
    MeterOption.TEMPO: (
        ("BBRHCJB", "HCJB", "HC  BLEU"),
        ("BBRHPJB", "HPJB", "HP  BLEU"),
        ("BBRHCJW", "HCJW", "HC  BLANC"),
        ("BBRHPJW", "HPJW", "HP  BLANC"),
        ("BBRHCJR", "HCJR", "HC  ROUGE"),
        ("BBRHPJR", "HPJR", "HP  ROUGE"),
    ),
    MeterOption.EJP: (("EJPHN", "HN..", "HEURE  NORMALE"), ("EJPHPM", "PM..", "POINTE  MOBILE")),
}
CALENDARS = {
    MeterOption.BASE: ("BASE", "BASE"),
    MeterOption.HPHC: ("HC..", "H PLEINE/CREUSE"),
    MeterOption.TEMPO: ("BBR(", "TEMPO"),
    MeterOption.EJP: ("EJP.", "EJP"),
}
"""OPTARIF and NGTF (without its padding)."""


class SimulatedTariff:
    """One option with its windows and days; every result is a pure function of the instant.

    Args:
        option: the tariff option.
        off_peak: local (from, to) windows of hphc; `to` may lie on the next day.
        colours: given colours of Tempo days, by the day on which they begin.
        seed: draws the other Tempo colours, and EJP days.
    """

    def __init__(
        self,
        option: MeterOption,
        *,
        off_peak: tuple[tuple[time, time], ...] = HPHC_OFF_PEAK,
        colours: Mapping[date, StgeColour] | None = None,
        seed: int = 0,
    ) -> None:
        self.option = option
        self.off_peak = off_peak
        self._colours = colours or {}
        self._seed = seed
        self._seasons: dict[int, Mapping[date, StgeColour]] = {}
        self._peaks: dict[int, frozenset[date]] = {}

    def switches(self, start: datetime, end: datetime) -> list[tuple[int, int]]:
        """Return (Unix second, register number from 0) of each change that affects [start, end).

        They are in order, and the first one is at or before `start`.
        """
        days = days_between(legal_day(start) - DAY, legal_day(end) + DAY)
        by_option: Mapping[MeterOption, Callable[[date], list[tuple[datetime, int]]]] = {
            MeterOption.BASE: lambda day: [(local(day, time(0)), 0)],
            MeterOption.HPHC: self._hphc_switches,
            MeterOption.TEMPO: self._tempo_switches,
            MeterOption.EJP: self._ejp_switches,
        }
        return sorted(
            (int(at.timestamp()), register)
            for day in days
            for at, register in by_option[self.option](day)
        )

    def colour(self, tempo_day: date) -> StgeColour:
        """Return the colour of the Tempo day that begins at 06:00 of `tempo_day`."""
        if tempo_day in self._colours:
            return self._colours[tempo_day]
        season = tempo_day.year if tempo_day.month >= SEASON_START_MONTH else tempo_day.year - 1
        if season not in self._seasons:
            self._seasons[season] = draw_colours(season, self._seed)
        return self._seasons[season].get(tempo_day, StgeColour.BLUE)

    def colours_at(self, at: datetime) -> tuple[StgeColour, StgeColour]:
        """Return the colours of the running Tempo day and of the next, as far as announced."""
        if self.option is not MeterOption.TEMPO:
            return StgeColour.NONE, StgeColour.NONE
        clock = at.astimezone(PARIS)
        today = clock.date() if clock.time() >= TEMPO_DAY_START else clock.date() - DAY
        is_known = clock.date() > today or clock.time() >= TEMPO_ANNOUNCED
        return self.colour(today), self.colour(today + DAY) if is_known else StgeColour.NONE

    def is_peak_day(self, day: date) -> bool:
        """Return whether a mobile peak of EJP begins on `day`."""
        winter = day.year if day.month >= WINTER_START_MONTH else day.year - 1
        if winter not in self._peaks:
            self._peaks[winter] = draw_peak_days(winter, self._seed)
        return day in self._peaks[winter]

    def peak_at(self, at: datetime) -> tuple[datetime, datetime] | None:
        """Return the mobile peak that runs or is announced at the instant, (from, to)."""
        if self.option is not MeterOption.EJP:
            return None
        for day in (legal_day(at), legal_day(at) - DAY):
            begin, end = local(day, EJP_PEAK[0]), local(day + DAY, EJP_PEAK[1])
            if self.is_peak_day(day) and begin - EJP_NOTICE <= at < end:
                return begin, end
        return None

    def _hphc_switches(self, day: date) -> list[tuple[datetime, int]]:
        switches = []
        for begin, end in self.off_peak:
            last_day = day if begin < end else day + DAY
            switches += [(local(day, begin), 0), (local(last_day, end), 1)]
        return switches

    def _tempo_switches(self, day: date) -> list[tuple[datetime, int]]:
        first = 2 * (self.colour(day) - StgeColour.BLUE)
        return [
            (local(day, TEMPO_DAY_START), first + 1),
            (local(day, TEMPO_OFF_PEAK_START), first),
        ]

    def _ejp_switches(self, day: date) -> list[tuple[datetime, int]]:
        if not self.is_peak_day(day):
            return [(local(day, EJP_PEAK[1]), 0)]
        return [(local(day, EJP_PEAK[0]), 1), (local(day + DAY, EJP_PEAK[1]), 0)]


def local(day: date, clock: time) -> datetime:
    """Return the instant (UTC) at which the local clock shows `clock` on `day`."""
    return datetime.combine(day, clock, PARIS).astimezone(UTC)


def draw_colours(season: int, seed: int) -> Mapping[date, StgeColour]:
    """Draw a season's red and white days (1 September of `season` on); all others are blue.

    22 red days are working days from November to March, 43 white days are any days but Sundays.
    """
    random = Random(f"tempo {season} {seed}")  # noqa: S311 - a simulation, not a secret
    winter = [
        day
        for day in days_between(date(season, WINTER_START_MONTH, 1), date(season + 1, 4, 1))
        if day.weekday() < SATURDAY
    ]
    red = random.sample(winter, WINTER_RED_DAYS)
    rest = [
        day
        for day in days_between(date(season, 10, 1), date(season + 1, 6, 1))
        if day.weekday() < SUNDAY and day not in red
    ]
    white = random.sample(rest, WHITE_DAYS)
    return {**dict.fromkeys(red, StgeColour.RED), **dict.fromkeys(white, StgeColour.WHITE)}


def draw_peak_days(winter: int, seed: int) -> frozenset[date]:
    """Draw the 22 EJP peak days of a winter (1 November of `winter` to March)."""
    random = Random(f"ejp {winter} {seed}")  # noqa: S311 - a simulation, not a secret
    return frozenset(
        random.sample(
            days_between(date(winter, WINTER_START_MONTH, 1), date(winter + 1, 4, 1)), EJP_DAYS
        )
    )
