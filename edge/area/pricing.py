"""A day by the household's contract: its energy by price class, and what it cost."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from edge.area.contribution import NONE_PRICED
from edge.metering.events import DayClosed
from protocol.bill import CENT, price_bill
from protocol.price_classes import class_of_line
from protocol.tariff import Tariff

WH_PER_KWH = 1_000

NOT_PRICED = NONE_PRICED, 0


def priced(closed: DayClosed, tariffs: Sequence[Tariff]) -> tuple[tuple[int, ...], int]:
    """Return the day's energy in each price class (Wh) and its cost with VAT (cents).

    By the registers' whole-kWh steps, as the bill is. Zeros where no tariff prices the whole day:
    there is none or two, or the meter counted by another calendar for a part of it.
    """
    day = closed.day
    calendars = {closed.calendar, *(part.calendar for part in closed.parts)}
    found = [
        (place, tariff)
        for place, tariff in enumerate(tariffs)
        if tariff.covers(day, day + timedelta(days=1))
    ]
    if len(found) != 1 or calendars != {found[0][1].calendar}:
        return NOT_PRICED
    place, tariff = found[0]
    energies_wh = list(NONE_PRICED)
    quantities = {}
    for number, line in enumerate(tariff.energy):
        kwh = sum(closed.register_steps_kwh[register - 1] for register in line.registers)
        quantities[place, number] = kwh
        energies_wh[class_of_line(line)] += WH_PER_KWH * kwh
    return tuple(energies_wh), _cents(tariffs, day, quantities)


def _cents(tariffs: Sequence[Tariff], day: date, quantities: dict[tuple[int, int], int]) -> int:
    bill = price_bill(tariffs, day, day + timedelta(days=1), quantities)
    return int(Decimal(bill.total_ttc) / CENT)
