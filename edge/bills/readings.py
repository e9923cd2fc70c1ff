"""The chip's own readings of a statement's days, with the meter and calendar of each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta

import msgspec
import numpy as np
import numpy.typing as npt

from edge.bills.billed import BilledDays
from edge.bills.calendars import is_of, other_calendar
from edge.bills.judgement import (
    ContractDays,
    EstimatedDays,
    Finding,
    MeterSpan,
    OtherCalendar,
)
from edge.contracts.agreement import Agreement
from edge.contracts.meter import Meters
from edge.metering.events import DayClosed, DayPart
from edge.vault.sums import SumOpener
from protocol.calendar import month_of
from protocol.contract import Offer, StatementRequest
from protocol.doubt import in_order
from protocol.household import undigits
from protocol.ids import Incarnation
from protocol.layout import (
    DAY_COEFFICIENTS,
    INJECTED_STEP,
    MONTH_COEFFICIENTS,
    REGISTER_STEP,
    REGISTERS,
    coefficient,
)
from protocol.statement import Component
from protocol.tariff import RegisterLine

ONE_DAY = timedelta(days=1)


class Span(msgspec.Struct, frozen=True):
    """The coefficients [j0, j1) of a day that the block (incarnation, sequence) carries.

    `is_stored`: the cloud has acknowledged the block.
    """

    incarnation: Incarnation
    sequence: int
    day: date
    j0: int
    j1: int
    is_stored: bool = False


class LocalReadings(msgspec.Struct, frozen=True):
    """The chip's own account of a statement's days.

    Attributes:
        days: closed days.
        spans: sent blocks.
        sums: opens a month's sums.
        curve_of: Wh of each quarter-hour of a day; empty where the vault no longer keeps it.
        meters: the meters that counted.
        billed: the billed statements.
    """

    days: Sequence[DayClosed]
    spans: Sequence[Span]
    sums: SumOpener
    curve_of: Callable[[date], Sequence[int]]
    meters: Meters
    billed: BilledDays = BilledDays({}, {})

    def stored_days(self) -> set[date]:
        """Return the days whose every value the cloud has acknowledged."""
        covered: dict[date, int] = {}
        for span in self.spans:
            if span.is_stored:
                covered[span.day] = covered.get(span.day, 0) + span.j1 - span.j0
        return {day for day, count in covered.items() if count == DAY_COEFFICIENTS}


class NotOpened(Exception):
    """A statement is not opened, because of `finding`."""

    def __init__(
        self,
        finding: Finding,
        *,
        calendar_change: date | None = None,
        other_calendar: OtherCalendar | None = None,
        other_meter: date | None = None,
        contract: ContractDays | None = None,
    ) -> None:
        super().__init__(finding)
        self.finding = finding
        self.calendar_change = calendar_change
        self.other_calendar = other_calendar
        self.other_meter = other_meter
        self.contract = contract


class MeterUnknown(Exception):
    """Days were restored without their meter, and the contract's has not been read since."""


class ExpectedReadings:
    """The chip's own values, in the layout of the coefficients."""

    def __init__(self, readings: LocalReadings, days: Mapping[date, DayClosed]) -> None:
        """Count on `days`, which `own_days` returned."""
        self._readings = readings
        self.days = days

    def count(self, part: Component) -> tuple[int, int]:
        """Return a line's quantity (kWh or Wh) and amount (price units) from the chip's own values.

        Raises:
            NotOpened: the curve of a day is no longer kept.
        """
        quantity = amount_units = 0
        for month in part.months():
            weights, values = part.weights(month), self._month(part, month)
            quantity += int(weights.quantity @ values)
            amount_units += undigits([int(digit @ values) for digit in weights.amount])
        return quantity, amount_units

    def _month(self, part: Component, month: date) -> npt.NDArray[np.int64]:
        values = np.zeros(MONTH_COEFFICIENTS, np.int64)
        for day in part.days:
            if month_of(day) == month:
                first = coefficient(day, 0)
                if part.is_curve:
                    curve = self._readings.curve_of(day)
                    if not curve:
                        raise NotOpened(Finding.CURVE_GONE)
                    values[first : first + len(curve)] = curve
                closed = self.days[day]
                registers = first + REGISTER_STEP
                values[registers : registers + REGISTERS] = closed.register_steps_kwh
                values[first + INJECTED_STEP] = closed.injected_step_kwh
        return values


def own_days(
    parts: Sequence[Component],
    agreement: Agreement,
    offer: Offer,
    request: StatementRequest,
    readings: LocalReadings,
) -> dict[date, DayClosed]:
    """Return all of the chip's own closed days, checked against the tariffs' calendars.

    Raises:
        NotOpened: a day is not closed, or its registers counted by another calendar.
    """
    own = {row.day: row for row in readings.days}
    if any(day not in own for day in request.days):
        raise NotOpened(Finding.DAY_NOT_CLOSED)
    for part in parts:
        if isinstance(part.line, RegisterLine):
            # A day restored from the cloud has no calendar until the meter has named it again.
            calendar = offer.tariffs[part.position].calendar
            differing = next((day for day in part.days if not is_of(own[day], calendar)), None)
            if differing is not None:
                raise NotOpened(
                    Finding.CALENDAR_DIFFERS,
                    calendar_change=differing,
                    other_calendar=(
                        other_calendar(own, differing, calendar)
                        if differing == agreement.contract.start
                        else None
                    ),
                )
    return own


def meter_spans(days: Iterable[DayClosed]) -> tuple[MeterSpan, ...]:
    """Return what each meter and calendar counted on `days`; empty where there was only one."""
    spans: list[MeterSpan] = []
    for closed in sorted(days, key=lambda row: row.day):
        for part in closed.parts or (_whole(closed),):
            last = spans[-1] if spans else None
            if last is not None and (last.serial, last.calendar) == _names(part):
                counted = zip(last.register_kwh, part.register_steps_kwh, strict=True)
                spans[-1] = msgspec.structs.replace(
                    last, end=closed.day + ONE_DAY, register_kwh=tuple(map(sum, counted))
                )
            elif any(_names(part)):
                start, end = closed.day, closed.day + ONE_DAY
                spans.append(MeterSpan(*_names(part), start, end, part.register_steps_kwh))
    return tuple(spans) if len(spans) > 1 else ()


def estimated_days(days: Sequence[DayClosed]) -> tuple[EstimatedDays, ...]:
    """Return the days that rest on a doubtful reading, by the kind of doubt."""
    doubts = in_order(doubt for closed in days for doubt in closed.doubts)
    return tuple(
        EstimatedDays(doubt, tuple(sorted(row.day for row in days if doubt in row.doubts)))
        for doubt in doubts
    )


def _whole(closed: DayClosed) -> "_Counted":
    return _Counted(closed.meter_serial, closed.calendar, closed.register_steps_kwh)


class _Counted(msgspec.Struct, frozen=True):
    meter_serial: str
    calendar: str
    register_steps_kwh: tuple[int, ...]


def _names(part: DayPart | _Counted) -> tuple[str, str]:
    return part.meter_serial, part.calendar
