"""Checks that must pass for a town, whatever was done to it."""

from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import msgspec

from edge.bills.judgement import Verdict
from edge.vault.rows import BlockState
from protocol.calendar import day_of_number, day_start, days_between, quarter_hours
from protocol.layout import DAY_COEFFICIENTS, REGISTER_STEP
from protocol.messages import Block
from protocol.tariff import Tariff
from protocol.topics import Kind, parse_device_topic
from tests.support.chip_cloud import opened
from tests.support.chip_town import StoreView
from tests.support.kill_town import Household, Town

WH_PER_KWH = 1_000


def body_of(payload: bytes) -> Block:
    """Decode a block without verifying its signature."""
    return msgspec.msgpack.decode(msgspec.msgpack.decode(payload)[1], type=Block)


def check_not_stored_twice(town: Town, household: Household) -> Counter[tuple[date, int]]:
    """Check that no coefficient of any day is stored twice; returns how often each is stored.

    The count comes from the rows of the table, independently of the store's own guarantees.
    """
    key = household.identity.household_key
    bodies = [
        body_of(block.payload) for block in town.store.blocks_of_days(key, date.min, date.max)
    ]
    times = Counter(
        (day_of_number(body.day), j) for body in bodies for j in range(body.j0, body.j1)
    )
    twice = sorted(place for place, count in times.items() if count > 1)
    assert not twice, f"stored more than once: {twice[:5]}"
    return times


def check_stored_once(town: Town, household: Household) -> int:
    """Check that each coefficient of each day of the period is stored exactly once.

    Also check that vault and cloud agree on the blocks that carry them. Returns their number.
    """
    stored = check_not_stored_twice(town, household)
    days = days_between(town.start, town.end)
    lost = [(day, j) for day in days for j in range(DAY_COEFFICIENTS) if not stored[day, j]]
    assert not lost, f"not stored: {lost[:5]}"
    blocks = town.store.blocks_of_days(household.identity.household_key, town.start, town.end)
    with household.vault() as vault:
        own = vault.blocks_between(town.start, town.end)
    assert {block.state for block in own} == {BlockState.STORED}
    assert Counter((block.incarnation, block.sequence) for block in blocks) == Counter(
        (block.incarnation, block.sequence) for block in own
    )
    return len(blocks)


def check_values(town: Town, household: Household) -> None:
    """Compare the cloud's values, opened with the household's key, with vault and meter."""
    values = opened(StoreView(town.store, household.directory), household.identity)
    days = days_between(town.start, town.end)
    with household.vault() as vault:
        intervals = vault.values.intervals(town.start, town.end)
        rows = vault.day_rows(town.start, town.end)
    assert {(interval.day, interval.j): interval.energy_wh for interval in intervals} == {
        (day, j): values[day, j] for day in days for j in range(quarter_hours(day))
    }
    assert {row.closed.day: row.closed.register_steps_kwh for row in rows} == {
        day: tuple(values[day, REGISTER_STEP + n] for n in range(10)) for day in days
    }
    drawn_wh = sum(values[day, j] for day in days for j in range(quarter_hours(day)))
    before, after = _indices(town, household)
    assert drawn_wh == sum(after) - sum(before)
    steps_kwh = [sum(values[day, REGISTER_STEP + n] for day in days) for n in range(len(before))]
    assert steps_kwh == [
        b // WH_PER_KWH - a // WH_PER_KWH for a, b in zip(before, after, strict=True)
    ]


def check_bill(town: Town, household: Household) -> None:
    """Check that the chip opened its last statement to the cost of the meter's indices."""
    judgement = household.judgements()[-1]
    assert (judgement.verdict, judgement.findings) == (Verdict.CORRECT, ())
    assert (judgement.start, judgement.end) == (town.start, town.end)
    before, after = _indices(town, household)
    kwh = [b // WH_PER_KWH - a // WH_PER_KWH for a, b in zip(before, after, strict=True)]
    expected = [
        sum(kwh[register - 1] for register in line.registers) for line in town.tariff.energy
    ]
    assert [line.quantity for line in judgement.opened] == expected
    assert judgement.bill is not None
    assert judgement.bill.total_ttc == total(town.tariff, town.start, town.end, expected)


def check_coefficients(messages: Iterable[tuple[str, bytes]]) -> int:
    """Check that no coefficient of an incarnation left with two values; returns their number.

    This covers every published message, whether the cloud accepted it or not.
    """
    seen: dict[tuple[bytes, int, int], set[int]] = defaultdict(set)
    for topic, payload in messages:
        if parse_device_topic(topic).kind is Kind.BLOCK:
            body = body_of(payload)
            for j, value in enumerate(body.values().tolist(), body.j0):
                seen[body.incarnation, body.day, j].add(value)
    reused = [key for key, values in seen.items() if len(values) > 1]
    assert not reused, f"{len(reused)} coefficients have carried two values"
    return len(seen)


def check_all(town: Town, households: Sequence[Household]) -> int:
    """Check everything; returns the number of stored blocks."""
    blocks = 0
    for household in households:
        blocks += check_stored_once(town, household)
        check_values(town, household)
        check_bill(town, household)
    check_coefficients(town.recorder.messages())
    return blocks


def total(tariff: Tariff, start: date, end: date, kwh: Sequence[int]) -> Decimal:
    """Price the days [start, end) by hand, independently of the product's arithmetic."""
    share = sum(Fraction(1, monthrange(day.year, day.month)[1]) for day in days_between(start, end))
    by_rate: dict[Decimal, Decimal] = defaultdict(Decimal)
    for fixed in tariff.fixed:
        months = 1 if fixed.per == "month" else 12
        by_rate[fixed.vat] += _cents(Fraction(fixed.eur) / months * share)
    for line, quantity in zip(tariff.energy, kwh, strict=True):
        by_rate[line.vat] += _cents(Fraction(line.eur_per_kwh) * quantity)
    return sum(
        (ht + _cents(Fraction(ht) * Fraction(vat)) for vat, ht in by_rate.items()), Decimal()
    )


def _cents(amount: Fraction) -> Decimal:
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _indices(town: Town, household: Household) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Read the meter itself at the beginning and the end; returns Wh by register."""
    first, last = day_start(town.start), day_start(town.end)
    meter = household.home.meter_at(first)
    return meter.registers_wh(first), meter.registers_wh(last)
