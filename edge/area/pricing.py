"""A day by the household's contract: its energy by price class, and what it cost."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from edge.area.contribution import NONE_PRICED
from edge.metering.events import DayClosed
from protocol.bill import CENT, periods, price_bill, register_energies
from protocol.price_classes import price_class
from protocol.tariff import RegisterLine, Tariff

WH_PER_KWH = 1_000

NOT_PRICED = NONE_PRICED, 0


def priced(closed: DayClosed, tariffs: Sequence[Tariff]) -> tuple[tuple[int, ...], int]:
    """Return the day's energy in each price class (Wh) and its cost with VAT (cents).

    By the registers' whole-kWh steps, as the bill is. Zeros where no tariff prices the whole day by
    them: there is none or two, it prices the curve, or the meter counted by another calendar for a
    part of the day.
    """
    day = closed.day
    calendars = {closed.calendar, *(part.calendar for part in closed.parts)}
    try:
        ((place, _, _),) = periods(tariffs, day, day + timedelta(days=1))
        tariff = tariffs[place]
        energies = register_energies(
            place, tariff, [day], closed.register_steps_kwh, closed.injected_step_kwh
        )
        bill = price_bill(tariffs, day, day + timedelta(days=1), energies)
    except ValueError:
        return NOT_PRICED
    if calendars != {tariff.calendar}:
        return NOT_PRICED
    energies_wh = list(NONE_PRICED)
    for register, step_kwh in enumerate(closed.register_steps_kwh, 1):
        # Energy and excise are lines of their own; together they are the price of a kWh.
        prices = [
            line.eur_per_kwh * (1 + line.vat)
            for line in tariff.energy
            if isinstance(line, RegisterLine) and register in line.registers
        ]
        if prices:
            energies_wh[price_class(sum(prices, Decimal(0)))] += WH_PER_KWH * step_kwh
    return tuple(energies_wh), int(Decimal(bill.total_ttc) / CENT)
