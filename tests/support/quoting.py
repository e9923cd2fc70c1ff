"""A household with a list of offers: the cloud's answer, and the chip's quotes from it."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from cloud.billing.quotes import Laid, answer_quotes
from edge.quotes.opening import OpenedSums
from edge.quotes.pricing import HouseholdData, price_quotes
from edge.vault.rows import BlockRow as OwnBlock
from edge.vault.rows import BlockState
from edge.vault.sums import SumOpener
from protocol.calendar import days_between, quarter_hours
from protocol.catalogue import Catalogue
from protocol.contract import Signed
from protocol.quotes import QuotePlan
from protocol.schedule import PriceSeries, quarter_range
from protocol.tariff import CalendarLine, InjectionLine, RegisterLine, Tariff
from tests.support.household import Household
from tests.support.listing import OFF_PEAK, OFF_PEAK_HOURS, PEAK, TODAY

HEAD = bytes(range(32))
CENT, PRICE = Decimal("0.01"), Decimal("0.00001")


def catalogue_of(*documents: Signed, on: date = TODAY) -> Catalogue:
    """Admit documents in this order."""
    catalogue = Catalogue()
    for signed in documents:
        catalogue.admit(signed, on)
    return catalogue


def own_blocks(household: Household) -> list[OwnBlock]:
    """Return the household's blocks in the form of its vault."""
    return [
        OwnBlock(s.incarnation, s.sequence, s.day, s.j0, s.j1, BlockState.STORED)
        for s in household.spans
    ]


def answered(household: Household, catalogue: Catalogue, start: date, end: date, lost=()):
    """Return plan and answer; the cloud has no block of the days in `lost`."""
    plan = QuotePlan(catalogue, start, end)
    blocks = [block for block in household.blocks_of(start, end) if block.day not in lost]
    return plan, answer_quotes(Laid(plan), HEAD, start, end, blocks)


def opened(household: Household, plan: QuotePlan, answer, blocks=None, keyring=None) -> OpenedSums:
    """Open an answer, as the household's chip does."""
    return OpenedSums(
        plan,
        answer,
        own_blocks(household) if blocks is None else blocks,
        SumOpener(household.epoch, keyring or household.keyring),
    )


def quoted(household: Household, catalogue: Catalogue, start: date, end: date, **options):
    """Return a household's quotes, computed from plan to prices."""
    lost = options.pop("lost", ())
    plan, answer = answered(household, catalogue, start, end, lost)
    sums = opened(household, plan, answer)
    days = [day for day in household.days if start <= day.day < end]
    return price_quotes(plan, sums, HouseholdData(days, **options))


class Oracle:
    """The same year in plain arithmetic, line by line, from the household's consumption."""

    def __init__(self, household: Household, start: date, end: date, lost=()) -> None:
        self.household = household
        self.start, self.end = start, end
        self.days = [day for day in days_between(start, end) if day not in lost]
        self.closed = {day.day: day for day in household.days}

    def total(self, tariff: Tariff, series: PriceSeries | None = None, *, by_curve=False):
        """Return the cost of a tariff with all taxes, fixed lines pro rata by day."""
        bases: dict[Decimal, Decimal] = {}
        for line in tariff.fixed:
            share = Decimal(0)
            for day in days_between(self.start, self.end):
                month = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
                length = (month - day.replace(day=1)).days
                share += line.eur / (1 if line.per == "month" else 12) / length
            bases[line.vat] = bases.get(line.vat, Decimal(0)) + _cents(share)
        for line in tariff.energy:
            eur = self._energy(line, series, by_curve)
            bases[line.vat] = bases.get(line.vat, Decimal(0)) + _cents(eur)
        return sum(base + _cents(base * rate) for rate, base in bases.items())

    def _energy(self, line, series, by_curve):
        if isinstance(line, InjectionLine):
            kwh = sum(self.closed[day].injected_step_kwh for day in self.days)
            return line.eur_per_kwh * kwh
        if isinstance(line, RegisterLine) and by_curve:
            # Register 1 counts off-peak quarter-hours, register 2 the others.
            classes = {1: OFF_PEAK, 2: PEAK}
            wh = sum(
                self._in_class(day, classes[register])
                for day in self.days
                for register in line.registers
            )
            return line.eur_per_kwh * (Decimal(wh) / 1000).quantize(Decimal(1), ROUND_HALF_UP)
        if isinstance(line, RegisterLine):
            kwh = sum(
                self.closed[day].register_steps_kwh[register - 1]
                for day in self.days
                for register in line.registers
            )
            return line.eur_per_kwh * kwh
        if isinstance(line, CalendarLine):
            wh = sum(self._in_class(day, name) for day in self.days for name in line.classes)
            return line.eur_per_kwh * wh / 1000
        total = Decimal(0)
        for day in self.days:
            first, _ = quarter_range(day)
            for j, wh in enumerate(self.household.curves[day]):
                price = series.prices[(first + j - series.start) // series.step] * PRICE
                price = price * line.factor + line.eur_per_kwh
                total += price.quantize(PRICE, ROUND_HALF_UP) * wh / 1000
        return total

    def _in_class(self, day: date, name: str) -> int:
        cut = 4 * len(OFF_PEAK_HOURS)
        curve = self.household.curves[day]
        assert len(curve) == quarter_hours(day)
        return sum(curve[:cut]) if name == OFF_PEAK else sum(curve[cut:])


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
