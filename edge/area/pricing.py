"""Prices a day under the household's contract: energy by price class, and cost."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from edge.metering.events import DayClosed
from edge.privacy.contribution import NONE_PRICED
from protocol.bill import CENT, Energy, periods, price_bill
from protocol.errors import DocumentRefused
from protocol.price_classes import price_class
from protocol.registers import count_alike
from protocol.schedule import Schedules, Values
from protocol.tariff import (
    PRICE_UNIT,
    CalendarLine,
    CurveLine,
    InjectionLine,
    MarketLine,
    RegisterLine,
    Tariff,
    price_units,
)

WH_PER_KWH = 1_000

NOT_PRICED = NONE_PRICED, 0
_NO_SCHEDULES = Schedules()


class _NotPricedError(Exception):
    """Some of the day's energy has no known price."""


def priced(
    closed: DayClosed,
    tariffs: Sequence[Tariff],
    curve: Sequence[int] = (),
    schedules: Schedules = _NO_SCHEDULES,
) -> tuple[tuple[int, ...], int]:
    """Return the day's energy in each price class (Wh) and its cost with VAT (cents).

    `curve` holds the Wh of the day's quarter-hours. Like the bill, this counts the registers'
    whole-kWh steps, or the curve where the tariff has lines on it. It returns zeros where no tariff
    prices the whole day: there is none or two, its calendar or series does not cover the day, the
    meter counted under another calendar for a part of the day, or registers of different prices
    accompany the curve.
    """
    day = closed.day
    try:
        ((position, _, _),) = periods(tariffs, day, day + timedelta(days=1))
        pricing = _Pricing(closed, tariffs[position], position, curve, schedules)
        energies_wh = pricing.classes()
        bill = price_bill(tariffs, day, day + timedelta(days=1), pricing.energies())
    except (ValueError, DocumentRefused, _NotPricedError):
        return NOT_PRICED
    return energies_wh, int(Decimal(bill.total_ttc) / CENT)


class _Pricing:
    def __init__(
        self,
        closed: DayClosed,
        tariff: Tariff,
        position: int,
        curve: Sequence[int],
        schedules: Schedules,
    ) -> None:
        self._closed = closed
        self._tariff = tariff
        self._position = position
        self._curve = curve
        self._by_quarter_hour = [
            (line, *self._prices(line, schedules))
            for line in tariff.energy
            if isinstance(line, CalendarLine | MarketLine)
        ]
        calendars = {closed.calendar, *(part.calendar for part in closed.parts)}
        if self._register_lines() and not all(
            count_alike(calendar, tariff.calendar) for calendar in calendars
        ):
            raise _NotPricedError

    def classes(self) -> tuple[int, ...]:
        """Return Wh by class of the price of a kWh, which sums all lines that count it."""
        energies_wh = list(NONE_PRICED)
        if not self._by_quarter_hour:
            for register, step_kwh in enumerate(self._closed.register_steps_kwh, 1):
                price = self._register_price(register)
                if price is not None:
                    energies_wh[price_class(price)] += WH_PER_KWH * step_kwh
            return tuple(energies_wh)
        everywhere = self._price_of_all_registers()
        for j, wh in enumerate(self._curve):
            prices = [
                int(units[j]) * PRICE_UNIT * (1 + line.vat)
                for line, members, units in self._by_quarter_hour
                if members[j]
            ]
            if prices:
                energies_wh[price_class(sum(prices, everywhere))] += wh
        return tuple(energies_wh)

    def energies(self) -> list[Energy]:
        """Return the energy of each line on the day, in the form that a bill takes."""
        counted = {
            line.name: (
                sum(wh for wh, is_member in zip(self._curve, members, strict=True) if is_member),
                sum(wh * int(price) for wh, price in zip(self._curve, units, strict=True)),
            )
            for line, members, units in self._by_quarter_hour
        }
        energies = []
        for number, line in enumerate(self._tariff.energy):
            if line.name in counted:
                wh, units_wh = counted[line.name]
                eur = units_wh * Fraction(PRICE_UNIT) / WH_PER_KWH
                energies.append(Energy(self._position, number, (self._closed.day,), eur, wh=wh))
            else:
                kwh = self._kwh(line)
                eur = Fraction(line.eur_per_kwh) * kwh
                energies.append(Energy(self._position, number, (self._closed.day,), eur, kwh=kwh))
        return energies

    def _prices(self, line: CurveLine, schedules: Schedules) -> tuple[Values, Values]:
        """Return, by quarter-hour, whether the line counts it, and its price in units."""
        day = self._closed.day
        if isinstance(line, MarketLine):
            units = schedules.prices(line, day)
            members = 0 * units + 1
        else:
            members = 1 * schedules.members(line, day)
            units = members * price_units(line.eur_per_kwh)
        if len(units) != len(self._curve):
            raise _NotPricedError
        return members, units

    def _kwh(self, line: object) -> int:
        if isinstance(line, InjectionLine):
            return self._closed.injected_step_kwh
        if isinstance(line, RegisterLine):
            return sum(self._closed.register_steps_kwh[n - 1] for n in line.registers)
        raise _NotPricedError

    def _register_lines(self) -> list[RegisterLine]:
        return [line for line in self._tariff.energy if isinstance(line, RegisterLine)]

    def _register_price(self, register: int) -> Decimal | None:
        """Return the price of a register's kWh with VAT, over all lines (energy, excise)."""
        prices = [
            line.eur_per_kwh * (1 + line.vat)
            for line in self._register_lines()
            if register in line.registers
        ]
        return sum(prices, Decimal(0)) if prices else None

    def _price_of_all_registers(self) -> Decimal:
        """Return the price that register lines add to every kWh, if it is the same for all."""
        steps = enumerate(self._closed.register_steps_kwh, 1)
        prices = {self._register_price(register) or Decimal(0) for register, kwh in steps if kwh}
        if len(prices) > 1:
            raise _NotPricedError
        return prices.pop() if prices else Decimal(0)
