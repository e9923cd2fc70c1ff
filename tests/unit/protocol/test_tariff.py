"""Tariff documents: what is read back, and what is refused with the line named."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import DocumentRefused
from protocol.layout import REGISTER_STEP
from protocol.schedule import Schedules
from protocol.statement import components
from protocol.tariff import (
    FixedLine,
    RegisterLine,
    check_tariff,
    parse_tariff,
    tariff_hash,
)
from tests.support.tariffs import simple_tariff


def energy_line(**changes):
    fields = {"name": "e", "registers": (1,), "eur_per_kwh": Decimal("0.1"), "vat": Decimal("0.2")}
    return RegisterLine(**(fields | changes))


def test_a_tariff_survives_its_json_with_the_same_hash():
    tariff = simple_tariff()
    assert tariff_hash(parse_tariff(msgspec.json.encode(tariff), "t.json")) == tariff_hash(tariff)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (energy_line(eur_per_kwh=Decimal("0.123456")), "5 decimals"),
        (energy_line(eur_per_kwh=Decimal("10.48576")), "stays below"),
        (energy_line(eur_per_kwh=Decimal("NaN")), "5 decimals"),
        (energy_line(registers=(0,)), "register 0 is unknown"),
        (energy_line(registers=(11,)), "register 11 is unknown"),
        (energy_line(registers=(1, 1)), "once"),
        (energy_line(registers=()), "once"),
        (energy_line(vat=Decimal(20)), "vat is a rate"),
        (energy_line(name="abonnement"), "stands twice"),
        (FixedLine("f", Decimal("Infinity"), "month", Decimal(0)), "must be a number"),
        (FixedLine("f", Decimal("1E+99999999"), "month", Decimal(0)), "must be a number"),
        (FixedLine("f", Decimal("1E-99999999"), "month", Decimal(0)), "must be a number"),
        (FixedLine("f", Decimal(-1_000_000), "month", Decimal(0)), "must be a number"),
        (FixedLine("f", Decimal(1), "month", Decimal("NaN")), "vat is a rate"),
        (FixedLine("f", Decimal(1), "month", Decimal("sNaN")), "vat is a rate"),
        (FixedLine("f", Decimal(1), "month", Decimal("1E-99999999")), "vat is a rate"),
        (energy_line(eur_per_kwh=Decimal("1E+30")), "5 decimals"),
        (energy_line(eur_per_kwh=Decimal("1E-30")), "5 decimals"),
        (energy_line(eur_per_kwh=Decimal("sNaN")), "5 decimals"),
    ],
)
def test_a_line_that_breaks_a_rule_is_refused_by_number_and_name(line, complaint):
    tariff = (
        simple_tariff(energy=(line,))
        if isinstance(line, RegisterLine)
        else simple_tariff(fixed=(line,))
    )
    with pytest.raises(DocumentRefused, match=complaint) as caught:
        check_tariff(tariff, "t.json")
    assert f"({line.name})" in str(caught.value)
    assert str(caught.value).startswith("t.json: line ")


def test_an_empty_or_reversed_tariff_is_refused():
    with pytest.raises(DocumentRefused, match="at least one line"):
        check_tariff(simple_tariff(fixed=(), energy=()))
    with pytest.raises(DocumentRefused, match="after valid_from"):
        check_tariff(simple_tariff(valid_to=date(2026, 1, 1)))


@pytest.mark.parametrize("field", ["provider", "name", "calendar"])
def test_words_that_would_steer_a_terminal_are_refused(field):
    with pytest.raises(DocumentRefused, match="cannot be printed") as caught:
        check_tariff(simple_tariff(**{field: "a\x1b[2K\nTotal 0.00"}))
    assert str(caught.value).isprintable()
    with pytest.raises(DocumentRefused, match="cannot be printed"):
        check_tariff(simple_tariff(energy=(energy_line(name="a\u202eb"),)))


def test_a_tariff_of_very_many_lines_is_refused():
    lines = tuple(energy_line(name=f"line {n}") for n in range(64))
    check_tariff(simple_tariff(fixed=(), energy=lines))
    with pytest.raises(DocumentRefused, match="at most 64 lines"):
        check_tariff(simple_tariff(energy=lines))


def test_an_unknown_field_is_refused_by_name():
    data = msgspec.json.encode(simple_tariff()).replace(b'"source"', b'"sauce"')
    with pytest.raises(DocumentRefused, match="sauce"):
        parse_tariff(data, "t.json")


@given(st.decimals("-10.48575", "10.48575", places=5))
def test_price_digits_put_together_give_the_price(price):
    tariff = simple_tariff(energy=(energy_line(eur_per_kwh=price),))
    check_tariff(tariff)
    (component,) = components([tariff], date(2026, 5, 1), date(2026, 6, 1), Schedules())
    weights = component.weights(date(2026, 5, 1))
    low, high = (int(digit[REGISTER_STEP]) for digit in weights.amount)
    assert Decimal(low + 1024 * high) / 100_000 == price


def test_a_component_weighs_its_registers_on_its_days_and_nothing_else():
    (component,) = components(
        [simple_tariff(energy=(energy_line(registers=(1, 10)),))],
        date(2026, 5, 30),
        date(2026, 7, 2),
        Schedules(),
    )
    assert list(component.months()) == [date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)]
    weights = component.weights(date(2026, 5, 1)).quantity
    assert weights.nonzero()[0].tolist() == [
        29 * 128 + 100,
        29 * 128 + 109,
        30 * 128 + 100,
        30 * 128 + 109,
    ]
    assert set(weights[weights != 0].tolist()) == {1}
    assert int(component.weights(date(2026, 7, 1)).quantity.sum()) == 2
