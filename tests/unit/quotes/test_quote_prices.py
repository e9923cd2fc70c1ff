"""Quotes equal plain arithmetic to the cent, whatever the offers, days and restarts were."""

from copy import copy
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.billing.quotes import column_sums
from edge.quotes.pricing import NoQuote, PriceBasis
from protocol.household import N, Q, weighted_sum
from protocol.quotes import LeftOut, QuotePlan, Register
from tests.support.household import Household
from tests.support.listing import Provider, Publisher, injection_line, register_line
from tests.support.quoting import Oracle, catalogue_of, quoted
from tests.support.tariffs import simple_tariff

START, END = date(2026, 9, 20), date(2026, 11, 3)  # the clocks go back within
LOST = {date(2026, 9, 30), date(2026, 10, 25)}


@pytest.fixture(scope="module")
def household():
    rng = np.random.default_rng(7)
    return Household((simple_tariff(),), START, END, rng, injected_max=9)


@pytest.fixture(scope="module")
def market():
    publisher = Publisher()
    calendar = publisher.calendar(START, END)
    series = publisher.series(START, END)
    return publisher, calendar, series


def prices():
    return st.integers(-900_000, 900_000).map(lambda units: str(Decimal(units) / 10**5))


REGISTERS = st.sets(st.integers(1, 6), min_size=1, max_size=3).map(lambda s: tuple(sorted(s)))
LINES = st.lists(
    st.one_of(
        st.tuples(st.just("register"), REGISTERS, prices()),
        st.tuples(st.just("injection"), prices()),
        st.tuples(st.just("calendar"), st.sampled_from([("peak",), ("off-peak",)]), prices()),
        st.tuples(st.just("calendar"), st.just(("off-peak", "peak")), prices()),
        st.tuples(
            st.just("market"),
            st.integers(-2_000_000, 3_000_000).map(lambda n: str(Decimal(n) / 10**6)),
            prices(),
        ),
    ),
    max_size=6,
)


def made(publisher, lines):
    found = []
    for number, (kind, *rest) in enumerate(lines):
        match kind:
            case "register":
                line = register_line(*rest)
            case "injection":
                line = injection_line(*rest)
            case "calendar":
                line = publisher.calendar_line("calendar", *rest)
            case _:
                line = publisher.market_line(*rest)
        vat = Decimal("0.055") if number % 2 else Decimal("0.20")
        found.append(_with(line, name=f"line {number}", vat=vat))
    return tuple(found)


def _with(struct, **changes):
    return type(struct)(
        **{name: getattr(struct, name) for name in struct.__struct_fields__} | changes
    )


@settings(max_examples=10)
@given(offers=st.lists(LINES, min_size=1, max_size=3), is_lossy=st.booleans())
def test_quotes_equal_plain_arithmetic_to_the_cent(household, market, offers, is_lossy):
    publisher, calendar, series = market
    provider = Provider()
    tariffs = [
        provider.tariff(name=f"t{n}", energy=made(publisher, lines))
        for n, lines in enumerate(offers)
    ]
    listed = [provider.offer(tariff, product=tariff.name) for tariff in tariffs]
    catalogue = catalogue_of(publisher.sign(calendar), publisher.sign(series), *listed)
    lost = LOST if is_lossy else ()
    found = quoted(household, catalogue, START, END, lost=lost)
    oracle = Oracle(household, START, END, lost)
    expected = {tariff.name: oracle.total(tariff, series) for tariff in tariffs}
    assert {quote.product: quote.total_ttc for quote in found.quotes} == expected
    assert list(found.missing) == sorted(lost)
    totals = [quote.total_ttc for quote in found.quotes]
    assert totals == sorted(totals)


@given(seed=st.integers(0, 2**32), rows=st.integers(1, 5))
def test_one_matrix_product_is_the_weighted_sums_exactly(seed, rows):
    rng = np.random.default_rng(seed)
    coefficients = rng.integers(0, Q, N, np.uint64)
    matrix = rng.integers(-1023, 1024, (rows, N)).astype(np.int16)
    assert column_sums(matrix, coefficients) == [
        weighted_sum(coefficients, row.astype(np.int64)) for row in matrix
    ]


@pytest.mark.parametrize("weight", [1023, -1023])
def test_the_largest_sums_there_can_be_are_exact(weight):
    """Every weight and both halves of every coefficient at their bound: the proof's worst case."""
    coefficients = np.full(N, Q - 1, np.uint64)
    matrix = np.full((1, N), weight, np.int16)
    assert column_sums(matrix, coefficients) == [weight * N * (Q - 1) % Q]


def test_an_offer_for_another_calendar_is_estimated_from_the_curve_and_says_so(household, market):
    publisher, calendar, _ = market
    provider = Provider()
    tempo = provider.tariff(calendar="TEMPO", register_calendar=publisher.registers_by_calendar())
    ejp = provider.tariff(calendar="EJP")
    base = provider.tariff(calendar="BASE", energy=(register_line((1,), "0.2"),))
    own = provider.offer(product="own")
    catalogue = catalogue_of(
        publisher.sign(calendar),
        own,
        provider.offer(tempo, product="tempo"),
        provider.offer(ejp, product="ejp"),
        provider.offer(base, product="base"),
    )
    found = quoted(household, catalogue, START, END, own={own.hash.hex()})
    by_name = {quote.product: quote for quote in found.quotes}
    oracle = Oracle(household, START, END)
    assert by_name["tempo"].basis is PriceBasis.ESTIMATE
    assert by_name["tempo"].total_ttc == oracle.total(tempo, by_curve=True)
    assert by_name["own"].basis is PriceBasis.METER
    assert by_name["own"].is_current
    assert not by_name["tempo"].is_current
    all_registers = provider.tariff(energy=(register_line(tuple(range(1, 7)), "0.2"),))
    assert by_name["base"].total_ttc == oracle.total(all_registers)
    assert [(each.product, each.why) for each in found.unquoted] == [
        ("ejp", NoQuote.OTHER_CALENDAR)
    ]


def test_a_switch_of_the_tic_mode_makes_no_estimate_of_a_quote(household):
    days = [
        msgspec.structs.replace(row, calendar="HC") if number < 5 else row
        for number, row in enumerate(household.days)
    ]
    own = Provider().offer(product="own")
    switched = copy(household)
    switched.days = days
    found = quoted(switched, catalogue_of(own), START, END)
    assert [quote.basis for quote in found.quotes] == [PriceBasis.METER]


def test_an_offer_for_another_power_is_left_out_by_name(household):
    provider = Provider()
    catalogue = catalogue_of(
        provider.offer(provider.tariff(kva=6), product="six"),
        provider.offer(provider.tariff(kva=9), product="nine"),
        provider.offer(provider.tariff(), product="any"),
    )
    found = quoted(household, catalogue, START, END, kva=6)
    assert {quote.product for quote in found.quotes} == {"six", "any"}
    assert [(each.product, each.why) for each in found.unquoted] == [("nine", NoQuote.OTHER_POWER)]


def test_the_prices_are_those_in_force_on_the_day_after_the_period(household):
    provider = Provider()
    old = provider.tariff(name="old", valid_to=END)
    new = provider.tariff(name="new", valid_from=END, energy=(register_line((1,), "0.3"),))
    over = provider.tariff(name="over", valid_to=END)
    later = provider.tariff(name="later", valid_from=END + timedelta(days=1))
    first = provider.offer(old)
    grown = provider.offer(old, new, extends=first)
    ended, coming = provider.offer(over, product="over"), provider.offer(later, product="later")
    catalogue = catalogue_of(first, grown, ended, coming, on=END)
    found = quoted(household, catalogue, START, END)
    (quote,) = found.quotes  # of the chain only its latest offer
    assert quote.offer == grown.hash.hex()
    assert quote.total_ttc == Oracle(household, START, END).total(new)
    plan = QuotePlan(catalogue, START, END)
    assert plan.left_out == [
        (ended.hash, LeftOut.NOT_IN_FORCE),
        (coming.hash, LeftOut.NOT_IN_FORCE),
    ]


def test_an_offer_whose_calendar_does_not_cover_the_period_is_left_out(market):
    publisher, _, series = market
    provider = Provider()
    half = publisher.calendar(START, START + timedelta(days=10))
    line = publisher.calendar_line("night", ("off-peak",), "0.1")
    offer = provider.offer(provider.tariff(energy=(line,)))
    plan = QuotePlan(catalogue_of(publisher.sign(half), publisher.sign(series), offer), START, END)
    assert (plan.quoted, plan.left_out) == ([], [(offer.hash, LeftOut.NO_SCHEDULE)])


def test_offers_share_what_they_count(market):
    publisher, calendar, series = market
    provider = Provider()
    documents = [publisher.sign(calendar), publisher.sign(series)]
    documents += [
        provider.offer(
            provider.tariff(
                name=f"t{n}",
                energy=(
                    register_line((1, 2), f"0.1{n}"),
                    publisher.calendar_line("night", ("off-peak",), f"0.0{n}"),
                    publisher.market_line("1.1", "0.01"),
                ),
            ),
            product=f"t{n}",
        )
        for n in range(9)
    ]
    plan = QuotePlan(catalogue_of(*documents), START, END)
    assert len(plan.quoted) == 9
    # Ten registers, injection, all drawn; one class; two digits.
    assert len(plan.columns) == 12 + 1 + 2
    assert plan.columns[0] == Register(1)
