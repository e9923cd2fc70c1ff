"""A cloud that answers quotes wrongly is found out, or can do no more than be wrong."""

from datetime import date
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from edge.quotes.opening import QuoteFault, QuotesRefused
from edge.quotes.pricing import HouseholdData, price_quotes
from edge.vault.keyring import Keyring
from edge.vault.rows import BlockState
from protocol.household import Q, scale
from protocol.keys import HouseholdSecret
from protocol.quotes import (
    BlockRange,
    Drawn,
    Injected,
    QuoteAnswer,
    QuotePart,
    Register,
    split_answer,
)
from protocol.year_keys import YearKeys
from tests.support.household import Household
from tests.support.listing import Provider, register_line
from tests.support.quoting import HEAD, answered, catalogue_of, opened, own_blocks
from tests.support.tariffs import simple_tariff

START, END = date(2026, 10, 10), date(2026, 11, 5)
LOST = {date(2026, 10, 20)}


@pytest.fixture(scope="module")
def household():
    rng = np.random.default_rng(11)
    return Household((simple_tariff(),), START, END, rng, injected_max=5)


@pytest.fixture(scope="module")
def catalogue():
    provider = Provider()
    base = provider.tariff(calendar="BASE", energy=(register_line((1,), "0.2"),))
    return catalogue_of(provider.offer(), provider.offer(base, product="base"))


@pytest.fixture
def asked(household, catalogue):
    return answered(household, catalogue, START, END, LOST)


def fault_of(household, plan, answer, **options):
    """Return what the chip finds wrong."""
    with pytest.raises(QuotesRefused) as caught:
        priced(household, plan, answer, **options)
    return caught.value.fault


def priced(household, plan, answer, **options):
    sums = opened(household, plan, answer, **options)
    return price_quotes(plan, sums, HouseholdData(household.days, curves=household.curves))


def changed(plan, answer, column, month, by):
    """Return the answer with one encrypted sum that opens to `by` more."""
    sums = np.frombuffer(answer.sums, "<u8").reshape(len(plan.months), len(plan.columns)).copy()
    place = month, plan.number(column)
    sums[place] = (int(sums[place]) + scale(by)) % Q
    return msgspec.structs.replace(answer, sums=sums.tobytes())


def test_a_true_answer_passes(household, asked):
    plan, answer = asked
    assert priced(household, plan, answer).quotes


@pytest.mark.parametrize("column", [Register(1), Register(3), Injected(), Drawn()])
@pytest.mark.parametrize("month", [0, 1])
def test_a_sum_that_says_one_more_is_noticed(household, asked, column, month):
    plan, answer = asked
    wrong = changed(plan, answer, column, month, 1)
    assert fault_of(household, plan, wrong) is QuoteFault.DIFFERS


def test_the_comparison_with_own_values_is_needed(household, asked, monkeypatch):
    """Sabotage: a chip that compares nothing shows the wrong total."""
    for check in ("check_registers", "check_curves"):
        monkeypatch.setattr(f"edge.quotes.pricing.{check}", lambda *_: None)
    plan, answer = asked
    with pytest.raises(pytest.fail.Exception):
        fault_of(household, plan, changed(plan, answer, Register(1), 0, 1))


def test_sums_of_another_shape_do_not_count(household, asked):
    plan, answer = asked
    for sums in (b"", answer.sums[:-8], answer.sums + bytes(8)):
        wrong = msgspec.structs.replace(answer, sums=sums)
        assert fault_of(household, plan, wrong) is QuoteFault.SHAPE


def test_blocks_that_the_chip_never_sent_do_not_count(household, asked):
    plan, answer = asked
    strange = BlockRange(b"8 bytes.", ((1, 3),))
    wrong = msgspec.structs.replace(answer, covers=(*answer.covers, strange))
    assert fault_of(household, plan, wrong) is QuoteFault.BLOCK_UNKNOWN
    longer = [
        BlockRange(cover.incarnation, (*cover.ranges, (10_000, 10_001))) for cover in answer.covers
    ]
    wrong = msgspec.structs.replace(answer, covers=tuple(longer))
    assert fault_of(household, plan, wrong) is QuoteFault.BLOCK_UNKNOWN
    blocks = [
        msgspec.structs.replace(b, state=BlockState.SUPERSEDED) for b in own_blocks(household)
    ]
    assert fault_of(household, plan, answer, blocks=blocks) is QuoteFault.BLOCK_UNKNOWN


def test_a_day_that_is_neither_summed_nor_named_missing_is_noticed(household, asked):
    plan, answer = asked
    silent = msgspec.structs.replace(answer, missing=())
    assert fault_of(household, plan, silent) is QuoteFault.DAY_MISSING


def test_a_day_named_missing_although_it_was_summed_does_not_open_right(household, asked):
    plan, answer = asked
    more = (*answer.missing, answer.start + 1)
    hidden = msgspec.structs.replace(answer, missing=more)
    assert fault_of(household, plan, hidden) in {QuoteFault.DIFFERS, QuoteFault.CANNOT_OPEN}


def test_another_household_opens_nothing(household, asked):
    plan, answer = asked
    stranger = Keyring(HouseholdSecret.generate())
    fault = fault_of(household, plan, answer, keyring=stranger)
    assert fault is QuoteFault.KEYS_GONE


def test_other_keys_open_nothing(household, asked):
    plan, answer = asked
    others = {year: YearKeys.generate(year) for year in household.keyring.years}
    names = {household.keyring.of_year(year).id: keys for year, keys in others.items()}
    fault = fault_of(household, plan, answer, keyring=SimpleNamespace(with_id=names.get))
    assert fault in {QuoteFault.DIFFERS, QuoteFault.CANNOT_OPEN}


def test_nothing_stored_is_said_to_be_nothing(household, catalogue):
    days = {day.day for day in household.days}
    plan, answer = answered(household, catalogue, START, END, days)
    assert len(answer.missing) == len(days)
    assert answer.covers == ()
    home = HouseholdData(household.days)
    with pytest.raises(QuotesRefused) as caught:
        price_quotes(plan, opened(household, plan, answer), home)
    assert caught.value.fault is QuoteFault.EMPTY


def test_a_long_answer_is_cut_into_parts_that_join_to_it():
    answer = QuoteAnswer(HEAD, 1, 2, (), (), bytes(range(256)) * 1_000)
    parts = split_answer(answer)
    assert len(parts) == 5
    body = QuotePart(bytes(16), bytes(16), 0, 5, parts[0])
    assert len(msgspec.msgpack.encode(body)) < 62_000
    assert msgspec.msgpack.decode(b"".join(parts), type=QuoteAnswer) == answer
