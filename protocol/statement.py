"""Which coefficients a statement sums, and with which weights; computed alike on both sides."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import msgspec
import numpy as np

from protocol.bill import periods
from protocol.calendar import month_of, next_month
from protocol.household import Weights, digits
from protocol.layout import MONTH_COEFFICIENTS, REGISTER_STEP, coefficient
from protocol.tariff import Tariff, tariff_hash


class Component(msgspec.Struct, frozen=True):
    """One energy line of one tariff over the days [start, end) on which it holds.

    `position` is the tariff's place in the contract, `line` the energy line's in the tariff;
    `price_digits` are the price in units of 0.00001 €/kWh, in signed base 2^10, lowest first.
    """

    position: int
    tariff: bytes
    line: int
    start: date
    end: date
    registers: tuple[int, ...]
    price_digits: tuple[int, int]

    def months(self) -> Iterator[date]:
        """Give the first day of each month that the component touches."""
        month = month_of(self.start)
        while month < self.end:
            yield month
            month = next_month(month)

    def weights(self, month: date, weight: int) -> Weights:
        """Return int64[3968] with `weight` on the component's register steps in `month`."""
        weights = np.zeros(MONTH_COEFFICIENTS, np.int64)
        day = max(self.start, month)
        while day < min(self.end, next_month(month)):
            for register in self.registers:
                weights[coefficient(day, REGISTER_STEP + register - 1)] = weight
            day += timedelta(days=1)
        return weights


def components(tariffs: Sequence[Tariff], start: date, end: date) -> list[Component]:
    """Give the energy lines that price the days [start, end), in the order of the bill.

    Raises:
        ValueError: a day of the period has no tariff, or two.
    """
    return [
        Component(
            position,
            tariff_hash(tariffs[position]),
            number,
            first,
            last,
            line.registers,
            digits(line.price_units),
        )
        for position, first, last in periods(tariffs, start, end)
        for number, line in enumerate(tariffs[position].energy)
    ]
