"""The linter's rules for tariffs beyond their form; it reports all problems, not only the first."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import combinations, pairwise

import msgspec
import numpy as np

from protocol.calendar import days_between, next_month
from protocol.errors import DocumentRefused
from protocol.ids import PUBLIC_KEY_BYTES
from protocol.leverage import StandsOut, stands_out
from protocol.registers import standard_name
from protocol.schedule import Calendar, Schedule, ScheduleMissing, Schedules
from protocol.statement import SPREAD_QUARTER_HOURS
from protocol.tariff import (
    LINES_MAX,
    CalendarLine,
    EnergyLine,
    FixedLine,
    InjectionLine,
    MarketLine,
    RegisterLine,
    Tariff,
    check_tariff,
)
from tariffs.grids import CALENDARS, REGISTERS
from tariffs.locate import Place
from tariffs.problems import TariffProblem, error, fix_for, warning

USUAL_EUR_PER_KWH = Decimal("0.20")
USUAL_EUR_A_MONTH = Decimal(20)
UNUSUAL = 10
MONTHS_A_YEAR = 12
MONTHS_LOOKED_AT = 36
PERIOD_DAYS_MIN = 25  # the least that a receipt covers
FRENCH_VAT = {Decimal("0.20"), Decimal("0.10"), Decimal("0.055"), Decimal("0.021"), Decimal(0)}
REDUCED_VAT = Decimal("0.055")
REDUCED_VAT_ENDED = date(2025, 8, 1)
METER_REGISTERS = {name: set(REGISTERS[option].values()) for option, name in CALENDARS.items()}

Line = FixedLine | EnergyLine
_DAY = date(2026, 1, 1)
_ANY = {"name": "x", "vat": Decimal(0)}
_ANY_PRICE = {**_ANY, "eur_per_kwh": Decimal(0)}
# A valid line of each kind, in which to check one field of another line.
_FLAWLESS: dict[type[Line], Line] = {
    FixedLine: msgspec.convert({**_ANY, "eur": Decimal(0), "per": "month"}, FixedLine),
    RegisterLine: RegisterLine("x", (1,), Decimal(0), Decimal(0)),
    InjectionLine: InjectionLine("x", Decimal(0), Decimal(0)),
    CalendarLine: CalendarLine("x", bytes(PUBLIC_KEY_BYTES), "x", ("x",), Decimal(0), Decimal(0)),
    MarketLine: MarketLine("x", bytes(PUBLIC_KEY_BYTES), "x", Decimal(0), Decimal(0), Decimal(0)),
}


def line_problems(line: Line, place: Place) -> Iterator[TariffProblem]:
    """Find rules that a line breaks, or odd values in it, field by field."""
    flawless = _FLAWLESS[type(line)]
    is_sound = True
    for name in line.__struct_fields__:
        tried = msgspec.structs.replace(flawless, **{name: getattr(line, name)})
        refusal = _refusal_of(tried)
        if refusal is not None:
            is_sound = False
            yield error((*place, name), refusal)
    if is_sound:
        yield from _odd_amounts(line, place)


def flawless_line(part: str, number: int) -> Line:
    """Return a placeholder for an unreadable line, with a unique name."""
    kind: type[Line] = FixedLine if part == "fixed" else RegisterLine
    return msgspec.structs.replace(_FLAWLESS[kind], name=f"{part} {number}")


def _refusal_of(line: Line) -> str | None:
    """Return the message with which `check_tariff` refuses a line, without its place."""
    fixed, energy = ((line,), ()) if isinstance(line, FixedLine) else ((), (line,))
    try:
        check_tariff(Tariff("x", "x", "x", _DAY, None, "EUR", fixed, energy), "")
    except DocumentRefused as exc:
        refusal = str(exc).removeprefix(f": line 1 ({line.name}): ").removeprefix(": ")
        return refusal[0].upper() + refusal[1:]
    return None


def _odd_amounts(line: Line, place: Place) -> Iterator[TariffProblem]:
    if line.vat not in FRENCH_VAT:
        yield warning(
            (*place, "vat"), f"{line.vat} is no French VAT rate.", fix_for((*place, "vat"))
        )
    if isinstance(line, FixedLine):
        a_month = line.eur / (1 if line.per == "month" else MONTHS_A_YEAR)
        if abs(a_month) >= UNUSUAL * USUAL_EUR_A_MONTH:
            yield warning(
                (*place, "eur"),
                f"{a_month:.2f} € a month is ten times the usual.",
                "Look whether it is euros rather than cents, and a month rather than a year.",
            )
    elif abs(line.eur_per_kwh) >= UNUSUAL * USUAL_EUR_PER_KWH:
        yield warning(
            (*place, "eur_per_kwh"),
            f"{line.eur_per_kwh} €/kWh is ten times the usual.",
            "Look whether it is euros rather than cents, and kWh rather than MWh.",
        )


def tariff_problems(tariff: Tariff) -> Iterator[TariffProblem]:
    """Find rules that a tariff of valid lines breaks as a whole, or odd values in it."""
    lines: list[tuple[Place, Line]] = [
        *((("fixed", number), line) for number, line in enumerate(tariff.fixed)),
        *((("energy", number), line) for number, line in enumerate(tariff.energy)),
    ]
    if tariff.valid_to is not None and tariff.valid_to <= tariff.valid_from:
        yield error(("valid_to",), f"It does not lie after valid_from, {tariff.valid_from}.")
    if not 1 <= len(lines) <= LINES_MAX:
        yield error((), f"{len(lines)} lines; a tariff has 1 to {LINES_MAX}.", "Split or join.")
    for name in ("provider", "name", "calendar"):
        if not getattr(tariff, name).isprintable():
            yield error((name,), "It holds characters that cannot be printed.")
    first_of: dict[str, Place] = {}
    for place, line in lines:
        if first_of.setdefault(line.name, place) != place:
            yield error((*place, "name"), f"The name {line.name!r} stands twice.")
        if line.vat == REDUCED_VAT and tariff.valid_from >= REDUCED_VAT_ENDED:
            yield warning(
                (*place, "vat"),
                f"5.5 % on electricity ended on {REDUCED_VAT_ENDED}.",
                'Write "0.20", unless the line is no electricity.',
            )
    yield from _missing_taxes(tariff)
    yield from _register_problems(tariff)
    yield from _overlaps(tariff)


def _missing_taxes(tariff: Tariff) -> Iterator[TariffProblem]:
    if tariff.energy and not any(line.is_tax for line in tariff.energy):
        yield warning(
            ("energy",),
            "No line is the excise on electricity.",
            "Add a line for it with is_tax true, or mark the one that is there.",
        )
    if tariff.fixed and not any(line.is_tax for line in tariff.fixed):
        yield warning(
            ("fixed",),
            "No line is the CTA.",
            "Add a line for it with is_tax true, or mark the one that is there.",
        )


def _register_problems(tariff: Tariff) -> Iterator[TariffProblem]:
    known = METER_REGISTERS.get(standard_name(tariff.calendar))
    lines = [
        (number, line)
        for number, line in enumerate(tariff.energy)
        if isinstance(line, RegisterLine)
    ]
    if known is None or not lines:
        return
    for number, line in lines:
        unused = sorted(set(line.registers) - known)
        if unused:
            yield warning(
                ("energy", number, "registers"),
                f"The calendar {tariff.calendar} does not count register {unused[0]}.",
                f"It counts {', '.join(map(str, sorted(known)))}.",
            )
    priced = {r for _, line in lines if not line.is_tax for r in line.registers}
    for register in sorted(known - priced):
        yield warning(
            ("energy",),
            f"No line prices register {register}, which {tariff.calendar} counts.",
            "Add a line for it; what it counts is free as the tariff stands.",
        )


def _overlaps(tariff: Tariff) -> Iterator[TariffProblem]:
    lines = [(number, line) for number, line in enumerate(tariff.energy) if not line.is_tax]
    for (_, first), (number, second) in combinations(lines, 2):
        both = _both_price(first, second)
        if both:
            yield warning(
                ("energy", number),
                f"{second.name!r} and {first.name!r} both price {both}.",
                "Leave it to one of them, or mark the tax with is_tax true.",
            )


def _both_price(first: EnergyLine, second: EnergyLine) -> str | None:
    kinds = {type(first), type(second)}
    if isinstance(first, RegisterLine) and isinstance(second, RegisterLine):
        common = sorted(set(first.registers) & set(second.registers))
        return f"register {common[0]}" if common else None
    if isinstance(first, CalendarLine) and isinstance(second, CalendarLine):
        if (first.publisher, first.calendar) != (second.publisher, second.calendar):
            return "each quarter-hour, by different calendars"
        classes = sorted(set(first.classes) & set(second.classes))
        return f"the class {classes[0]!r}" if classes else None
    if InjectionLine in kinds:
        return "what is injected" if len(kinds) == 1 else None
    return "the energy that is drawn"


def file_problems(tariffs: Sequence[Tariff], number: int, today: date) -> Iterator[TariffProblem]:
    """Find gaps and overlaps between tariff `number` and the others with its name."""
    tariff = tariffs[number]
    same = [t for t in tariffs if (t.provider, t.name) == (tariff.provider, tariff.name)]
    ordered = sorted(same, key=lambda other: other.valid_from)
    starts = Counter(other.valid_from for other in same)
    if starts[tariff.valid_from] > 1:
        yield error(("valid_from",), f"Two tariffs of this name begin on {tariff.valid_from}.")
        return
    ends = tariff.valid_to
    if tariff is ordered[-1] and ends is not None and tariff.valid_from < ends <= today:
        yield warning(
            ("valid_to",), "The tariff has ended already.", "Look at the year, or leave it away."
        )
    for earlier, later in pairwise(ordered):
        if later is not tariff or earlier.valid_to is None:
            continue
        if earlier.valid_to < later.valid_from:
            yield warning(
                ("valid_from",),
                f"No tariff of this name holds from {earlier.valid_to} to {later.valid_from}.",
                "Begin where the one before ends; no statement can cover the gap.",
            )
        elif earlier.valid_to > later.valid_from:
            yield error(
                ("valid_from",),
                f"Another tariff of this name holds until {earlier.valid_to}.",
                "End that one on the day on which this one begins.",
            )


def schedule_problems(
    tariff: Tariff, documents: Sequence[Schedule], schedules: Schedules
) -> Iterator[TariffProblem]:
    """Find classes that calendars do not have, and prices that stand out, if both are known.

    `documents` are the calendars and series that `schedules` has.
    """
    calendars = [document for document in documents if isinstance(document, Calendar)]
    for number, line in enumerate(tariff.energy):
        if not isinstance(line, CalendarLine):
            continue
        known = [c for c in calendars if (c.publisher, c.name) == (line.publisher, line.calendar)]
        if not known:
            yield warning(
                ("energy", number, "calendar"),
                "This calendar was not given; its classes and spikes were not looked at.",
                "Name its file beside the tariff's.",
            )
        for name in sorted(set(line.classes) - {name for c in known for name in c.classes}):
            if known:
                yield error(
                    ("energy", number, "classes"),
                    f"{line.calendar} has no class {name!r}.",
                    f"It has {', '.join(known[0].classes)}.",
                )
    spike = _spike_in(tariff, _months(documents), schedules)
    if spike is not None:
        yield error(
            ("energy",),
            spike,
            "Give each price at least 8 hours of every month: nobody may read one quarter-hour.",
        )


def refuse_spikes(tariff: Tariff, schedules: Schedules) -> None:
    """Refuse a tariff if a price stands out in a month that its calendars cover.

    Raises:
        DocumentRefused: names the month and what stands out.
    """
    months = [tariff.valid_from]
    while len(months) < MONTHS_LOOKED_AT:
        months.append(next_month(months[-1]))
    spike = _spike_in(tariff, months, schedules)
    if spike is not None:
        raise DocumentRefused(spike)


def _spike_in(tariff: Tariff, months: Iterable[date], schedules: Schedules) -> str | None:
    """Return what stands out in a month for which all calendars are known, if anything does.

    Something on only the month's first or last day may continue beyond it (as a Tempo night does),
    and is left to the check of each statement.
    """
    calendar = [line for line in tariff.energy if isinstance(line, CalendarLine)]
    market = [line for line in tariff.energy if isinstance(line, MarketLine)]
    for month in months if calendar or market else ():
        covered = tariff.covers(month, next_month(month))
        if covered is None or (covered[1] - covered[0]).days < PERIOD_DAYS_MIN:
            continue
        days = days_between(*covered)
        found = _market_spike(market, days, schedules)
        if found is not None:
            return f"The market price at {found.time} stands out: a receipt would show its energy."
        for priced, days_of in _quarter_hours(calendar, days, schedules).items():
            if days_of.total() < SPREAD_QUARTER_HOURS and set(days_of) - {days[0], days[-1]}:
                names = " with ".join(priced) or "no line"
                return (
                    f"In {month:%Y-%m}, {days_of.total()} quarter-hours are priced by {names}; "
                    f"what a calendar tells apart needs {SPREAD_QUARTER_HOURS}."
                )
    return None


def _market_spike(
    lines: Sequence[MarketLine], days: Sequence[date], schedules: Schedules
) -> StandsOut | None:
    """Return the market price that stands out in a month, if one does and all are known."""
    try:
        prices = [np.concatenate([schedules.prices(line, day) for day in days]) for line in lines]
    except DocumentRefused:  # no document covers a day, or a price is beyond what can be billed
        return None
    if not prices:
        return None
    return stands_out(prices, np.zeros(len(prices[0]), np.int64), days)


def _quarter_hours(
    lines: Sequence[CalendarLine], days: Sequence[date], schedules: Schedules
) -> dict[tuple[str, ...], Counter[date]]:
    """Count, by day, the quarter-hours that the same lines price; none if a calendar is unknown."""
    counted: dict[tuple[str, ...], Counter[date]] = {}
    for day in days if lines else ():
        try:
            members = np.array([schedules.members(line, day) for line in lines])
        except ScheduleMissing:
            return {}
        columns, counts = np.unique(members, axis=1, return_counts=True)
        for column, count in zip(columns.T, counts.tolist(), strict=True):
            names = tuple(line.name for line, is_in in zip(lines, column, strict=True) if is_in)
            counted.setdefault(names, Counter())[day] += count
    return counted


def _months(documents: Sequence[Schedule]) -> list[date]:
    months = set()
    for document in documents:
        days = days_between(_day_of(document.start), _day_of(document.end - 1))
        months |= {day.replace(day=1) for day in days}
    return sorted(months)


def _day_of(quarter: int) -> date:
    return date.fromordinal(date(1970, 1, 1).toordinal() + quarter // 96)
