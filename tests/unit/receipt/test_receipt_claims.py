"""What a receipt claims: the interval of cents that rounding allows, lines to the kWh, who may read."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import product

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.bill import price_bill, register_energies
from protocol.calendar import days_between
from protocol.contract import Consent
from protocol.errors import CipherError
from protocol.hpke import SealingKey
from protocol.receipt import (
    PADDED_BYTES,
    ReceiptLine,
    ReceiptText,
    fixed_lines,
    line_relations,
    make_claim,
    open_receipt,
    priced_parts,
    proof_context,
    seal_receipt,
    total_claim,
    unproven_lines,
    wrong_cents_max,
)
from protocol.schedule import PriceSeries, Schedules, quarter_range
from protocol.statement import components
from protocol.tariff import FixedLine, InjectionLine, MarketLine, RegisterLine, Tariff
from tests.support.tariffs import simple_tariff

START, CHANGE, END = date(2026, 1, 1), date(2026, 1, 16), date(2026, 2, 1)
NO_SCHEDULES = Schedules()
KEY = SealingKey.generate()
HOUSEHOLD, STATEMENT, CONTRACT = bytes(16), bytes(range(16)), bytes(32)
RATES = [Decimal("0.20"), Decimal("0.055"), Decimal(0)]

prices = st.integers(-40_000, 90_000).map(lambda units: units * Decimal("0.00001"))
rates = st.sampled_from(RATES)


@st.composite
def tariffs(draw, valid_from=START, valid_to=None):
    """A tariff of fixed lines, register lines and a credit for injection, at any rates of VAT."""
    fixed = [
        FixedLine(f"fixed {n}", draw(st.decimals(0, 40, places=2)), "month", draw(rates))
        for n in range(draw(st.integers(0, 2)))
    ]
    energy = [
        RegisterLine(
            f"line {n}",
            tuple(draw(st.lists(st.integers(1, 10), min_size=1, max_size=3, unique=True))),
            draw(prices),
            draw(rates),
        )
        for n in range(draw(st.integers(1, 4)))
    ]
    energy.append(InjectionLine("injection", draw(prices), draw(rates)))
    return Tariff(
        provider="P",
        name=f"T {valid_from}",
        calendar="C",
        valid_from=valid_from,
        valid_to=valid_to,
        currency="EUR",
        fixed=tuple(fixed),
        energy=tuple(energy),
    )


def parts_of(offered, schedules=NO_SCHEDULES):
    return components(offered, START, END, schedules)


def bill_of(offered, parts, values):
    """Price the values (twelve of each part) as a household does."""
    energies = []
    for part, counted in zip(priced_parts(parts), values, strict=True):
        energies += register_energies(
            part.position, offered[part.position], part.days, counted[:10], counted[11]
        )
    return price_bill(offered, START, END, energies)


def weighted(interval, values) -> int:
    return sum(
        w * v
        for row, part in zip(interval.weights, values, strict=True)
        for w, v in zip(row, part, strict=True)
    )


VALUES = st.lists(st.integers(0, 3_000), min_size=12, max_size=12)


@given(tariffs(valid_to=CHANGE), tariffs(valid_from=CHANGE), VALUES, VALUES)
@settings(max_examples=150, deadline=None)
def test_the_true_total_lies_within_the_interval_whatever_the_tariffs(one, two, first, second):
    offered, values = (one, two), (first, second)
    parts = parts_of(offered)
    bill = bill_of(offered, parts, values)
    interval = total_claim(parts, fixed_lines(offered, START, END), int(bill.total_ttc * 100))
    if interval is None:
        assert not any(line.eur_per_kwh for line in (*one.energy, *two.energy))
        return
    assert interval.low <= weighted(interval, values) <= interval.high


@given(tariffs(valid_to=CHANGE), tariffs(valid_from=CHANGE), VALUES, VALUES, st.integers(1, 99))
@settings(max_examples=100, deadline=None)
def test_a_total_that_is_wrong_by_more_than_is_said_lies_outside(one, two, first, second, more):
    offered, values = (one, two), (first, second)
    parts = parts_of(offered)
    wrong = wrong_cents_max([component.line.vat for component in parts]) + more
    true = int(bill_of(offered, parts, values).total_ttc * 100)
    for total in (true - wrong, true + wrong):
        interval = total_claim(parts, fixed_lines(offered, START, END), total)
        if interval is not None:
            assert not interval.low <= weighted(interval, values) <= interval.high


def test_a_total_that_is_wrong_by_what_is_said_can_be_proven():
    """Quantities that every line and the VAT round up by almost half a cent."""
    offered = (simple_tariff(),)
    parts = parts_of(offered)
    said = wrong_cents_max([component.line.vat for component in parts])
    passing = set()
    for first, second in product(range(0, 200, 7), repeat=2):
        values = ([first, second, *[0] * 10],)
        true = int(bill_of(offered, parts, values).total_ttc * 100)
        interval = total_claim(parts, fixed_lines(offered, START, END), true - said)
        if interval.low <= weighted(interval, values) <= interval.high:
            passing.add((first, second))
    assert passing


@given(VALUES, st.integers(5, 100_000), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_total_that_is_wrong_by_five_cents_lies_outside(values, cents, is_lower):
    """Two prices and excise: 2.3 cents of rounding, once in the bill and once in the interval."""
    offered = (simple_tariff(),)
    parts = parts_of(offered)
    bill = bill_of(offered, parts, (values,))
    told = int(bill.total_ttc * 100) + (-cents if is_lower else cents)
    interval = total_claim(parts, fixed_lines(offered, START, END), told)
    assert not interval.low <= weighted(interval, (values,)) <= interval.high
    unit_eur = Fraction("0.17652") * Fraction(6, 5) / interval.weights[0][0]
    width_eur = (interval.high - interval.low) * unit_eur
    assert width_eur <= 2 * (3 * Fraction("0.005") * Fraction(6, 5) + Fraction("0.005"))


def text_of(consent=Consent.TOTAL, **changes) -> ReceiptText:
    fields = {
        "contract": CONTRACT,
        "statement": STATEMENT,
        "start": 20_454,
        "end": 20_485,
        "consent": consent,
        "total_cents": 12_345,
        "lines": (),
        "unproven": (),
        "doubts": (),
        "proof": b"",
    }
    return ReceiptText(**(fields | changes))


def test_lines_are_related_to_the_registers_that_they_sum():
    offered = (simple_tariff(),)
    parts = parts_of(offered)
    lines = (ReceiptLine(5, 73), ReceiptLine(7, 132), ReceiptLine(12, 37))
    relations = line_relations(parts, lines)
    assert [relation.value for relation in relations] == [5, 7, 12]
    assert [relation.weights[0][:3] for relation in relations] == [(1, 0, 0), (0, 1, 0), (1, 1, 0)]
    with pytest.raises(CipherError):
        line_relations(parts, lines[:2])


def with_market() -> tuple[Tariff, ...]:
    market = MarketLine("spot", bytes(32), "FR", Decimal(1), Decimal(0), Decimal("0.20"))
    return (simple_tariff(energy=(*simple_tariff().energy, market)),)


def test_lines_on_the_curve_are_named_as_unproven_and_never_split_a_total():
    start, end = quarter_range(START)[0], quarter_range(END)[0]
    flat = PriceSeries(bytes(32), "FR", start, 1, (10_000,) * (end - start))
    parts = parts_of(with_market(), Schedules([flat]))
    names = ("heures creuses", "heures pleines", "accise", "spot")
    assert unproven_lines(parts, Consent.TOTAL) == names
    assert unproven_lines(parts, Consent.LINES) == ("spot",)
    assert make_claim(parts, (), text_of(), (bytes(32),)) is None
    lines = tuple(ReceiptLine(1, 1) for _ in names)
    claim = make_claim(parts, (), text_of(Consent.LINES, lines=lines), (bytes(32),))
    assert len(claim.relations) == 3


def test_a_receipt_of_a_total_has_no_lines():
    with pytest.raises(CipherError):
        make_claim(
            parts_of((simple_tariff(),)), (), text_of(lines=(ReceiptLine(1, 1),)), (bytes(32),)
        )


def test_only_the_provider_opens_a_receipt_and_only_under_its_own_statement():
    text = text_of()
    receipt = seal_receipt(text, "ville", HOUSEHOLD, KEY.public_bytes)
    assert open_receipt(receipt, "ville", CONTRACT, KEY) == text
    stranger = SealingKey.generate()
    replace = msgspec.structs.replace
    for changed, collectivity, contract, key in (
        (receipt, "ville", CONTRACT, stranger),
        (receipt, "autre", CONTRACT, KEY),
        (receipt, "ville", bytes([1]) * 32, KEY),
        (replace(receipt, statement=bytes(16)), "ville", CONTRACT, KEY),
        (replace(receipt, household_key=bytes([1]) * 16), "ville", CONTRACT, KEY),
        (replace(receipt, sealed=receipt.sealed[:-1]), "ville", CONTRACT, KEY),
    ):
        with pytest.raises(CipherError):
            open_receipt(changed, collectivity, contract, key)


def test_a_receipt_sealed_for_one_statement_cannot_speak_of_another():
    text = text_of(statement=bytes(16))
    inner = seal_receipt(text, "ville", HOUSEHOLD, KEY.public_bytes)
    with pytest.raises(CipherError):
        open_receipt(msgspec.structs.replace(inner, statement=STATEMENT), "ville", CONTRACT, KEY)


def test_the_size_of_what_is_sealed_does_not_follow_the_amount():
    sizes = {
        len(seal_receipt(text_of(total_cents=cents), "ville", HOUSEHOLD, KEY.public_bytes).sealed)
        for cents in (0, 1, -5, 300, 70_000, 10**9)
    }
    assert len(sizes) == 1
    assert (sizes.pop() - 1_136) % PADDED_BYTES == 0


def test_the_context_of_a_proof_is_all_of_the_receipt_but_the_proof():
    text = text_of()
    context = proof_context("ville", HOUSEHOLD, text)
    assert proof_context("ville", HOUSEHOLD, msgspec.structs.replace(text, proof=b"p")) == context
    others = [
        proof_context("autre", HOUSEHOLD, text),
        proof_context("ville", bytes([1]) * 16, text),
        *(
            proof_context("ville", HOUSEHOLD, msgspec.structs.replace(text, **{name: value}))
            for name, value in {
                "contract": bytes([1]) * 32,
                "statement": bytes(16),
                "start": 1,
                "end": 2,
                "consent": Consent.LINES,
                "total_cents": 1,
                "unproven": ("x",),
            }.items()
        ),
    ]
    assert context not in others
    assert len(set(others)) == len(others)


def test_days_of_a_period_are_in_one_part_each():
    offered = (simple_tariff(valid_to=CHANGE), simple_tariff(name="next", valid_from=CHANGE))
    late = days_between(date(2025, 12, 20), date(2025, 12, 24))
    older = simple_tariff(name="old", valid_from=date(2025, 1, 1), valid_to=START)
    parts = components((older, *offered), START, END, Schedules(), late=late)
    days = [day for part in priced_parts(parts) for day in part.days]
    assert days == [*late, *days_between(START, END)]
