"""Statements computed under encryption, and what the chip finds about true and false ones."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.billing.statements import compute, missing_days, prepare
from edge.bills.judge import judge
from edge.bills.judgement import WORDS_EN, WORDS_FR, EstimatedDays, Finding, Verdict
from edge.metering.events import DayPart
from protocol.bill import periods, price_bill, register_energies
from protocol.calendar import days_between
from protocol.doubt import Doubt
from protocol.errors import DocumentRefused
from protocol.household import Q
from protocol.tariff import RegisterLine, price_units
from tests.support.household import Household
from tests.support.tariffs import simple_tariff

START, END = date(2026, 9, 20), date(2026, 11, 11)
A, B = date(2026, 9, 25), date(2026, 11, 5)


@pytest.fixture(scope="module")
def household():
    old = simple_tariff(valid_to=date(2026, 10, 15))
    new = simple_tariff(name="nouveau", valid_from=date(2026, 10, 15))
    return Household((old, new), START, END, np.random.default_rng(5))


def statement_of(household, start=A, end=B, **changes):
    request = household.request(start, end, **changes)
    prepared = prepare(request, household.stored_contract, household.listed)
    return compute(prepared, household.stored_contract, request, household.blocks_of(start, end))


def judged(household, statement, books=None):
    return judge(
        statement, household.agreement, household.listed_documents, books or household.books
    )


def oracle(household, start, end):
    energies = []
    for position, first, last in periods(household.tariffs, start, end):
        rows = [row for row in household.days if first <= row.day < last]
        steps = [sum(kwh) for kwh in zip(*(row.register_steps_kwh for row in rows), strict=True)]
        tariff = household.tariffs[position]
        energies += register_energies(position, tariff, days_between(first, last), steps)
    return price_bill(household.tariffs, start, end, energies)


def test_a_true_statement_opens_to_the_meters_count_and_the_bill_is_the_oracles(household):
    judgement = judged(household, statement_of(household))
    assert (judgement.verdict, judgement.findings) == (Verdict.CORRECT, ())
    assert judgement.bill == oracle(household, A, B)
    assert all(line.quantity == line.own_quantity for line in judgement.opened)
    assert len({block.incarnation for block in household.blocks}) > 3


prices = st.decimals("-10.48575", "10.48575", places=5)
registers = st.lists(st.integers(1, 10), min_size=1, max_size=10, unique=True).map(tuple)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32),
    lines=st.lists(st.tuples(registers, prices), min_size=1, max_size=4),
    steps_max=st.sampled_from([0, 40, 2**16 - 1]),
)
def test_statements_equal_plain_computation_over_random_months_tariffs_and_worst_cases(
    seed, lines, steps_max
):
    rng = np.random.default_rng(seed)
    energy = tuple(
        RegisterLine(f"line {n}", regs, price, Decimal("0.2"))
        for n, (regs, price) in enumerate(lines)
    )
    start = date(2026, 1, 1) + timedelta(days=int(rng.integers(0, 300)))
    end = start + timedelta(days=int(rng.integers(1, 40)))
    made = Household((simple_tariff(energy=energy),), start, end, rng, steps_max)

    judgement = judged(made, statement_of(made, start, end))

    assert judgement.verdict is Verdict.CORRECT
    assert judgement.bill == oracle(made, start, end)
    for line, opened in zip(energy, judgement.opened, strict=True):
        assert opened.amount_units == opened.own_quantity * price_units(line.eur_per_kwh)


def altered_line(statement, line=0, month=0, **changes):
    lines = list(statement.lines)
    months = list(lines[line].months)
    months[month] = msgspec.structs.replace(months[month], **changes)
    lines[line] = msgspec.structs.replace(lines[line], months=tuple(months))
    return msgspec.structs.replace(statement, lines=tuple(lines))


def test_an_altered_quantity_or_amount_is_found_and_the_bill_stays_the_chips_own(household):
    statement = statement_of(household)
    first = statement.lines[0].months[0]
    step = Q // 2**37
    more = altered_line(statement, quantity=(first.quantity + 3 * step) % Q)
    judgement = judged(household, more)
    assert judgement.verdict is Verdict.DIFFERS
    assert Finding.QUANTITY_DIFFERS in judgement.findings
    assert judgement.bill == oracle(household, A, B)
    dearer = altered_line(statement, amount=((first.amount[0] + step) % Q, first.amount[1]))
    assert judged(household, dearer).findings == (Finding.AMOUNT_DIFFERS,)


def refused_for(judgement, finding):
    return (judgement.verdict, judgement.findings, judgement.bill) == (
        Verdict.REFUSED,
        (finding,),
        None,
    )


def test_a_statement_on_another_contract_or_household_key_is_refused(household):
    statement = statement_of(household)
    for changes in ({"contract": bytes(32)}, {"household_key": bytes(16)}):
        altered = msgspec.structs.replace(statement, **changes)
        assert refused_for(judged(household, altered), Finding.CONTRACT_UNKNOWN)


def test_a_statement_that_the_provider_did_not_ask_for_is_refused(household):
    statement = statement_of(household)
    forged = household.request(A, B, key=Ed25519PrivateKey.generate(), id=statement.id)
    other = household.request(A, B + timedelta(days=1), id=statement.id)
    for request in (forged, other, b"", statement.request[:-1]):
        altered = msgspec.structs.replace(statement, request=request)
        assert refused_for(judged(household, altered), Finding.REQUEST_FORGED)


def test_lines_that_are_not_the_tariffs_are_refused(household):
    statement = statement_of(household)
    for lines in (statement.lines[:-1], statement.lines[::-1], ()):
        altered = msgspec.structs.replace(statement, lines=lines)
        assert refused_for(judged(household, altered), Finding.LINES_DIFFER)


def test_a_day_left_out_counted_twice_or_never_sent_is_refused(household):
    statement = statement_of(household)
    cover = statement.covers[0]
    short = msgspec.structs.replace(cover, sequences=cover.sequences[1:])
    twice = msgspec.structs.replace(cover, sequences=(*cover.sequences, cover.sequences[0]))
    unknown = msgspec.structs.replace(cover, sequences=(*cover.sequences, 10_000))
    for altered, finding in (
        (short, Finding.DAY_MISSING),
        (twice, Finding.DAY_TWICE),
        (unknown, Finding.BLOCK_UNKNOWN),
    ):
        covers = (altered, *statement.covers[1:])
        judgement = judged(household, msgspec.structs.replace(statement, covers=covers))
        assert refused_for(judgement, finding)


def test_a_period_that_the_meter_has_not_closed_is_refused(household):
    books = msgspec.structs.replace(household.books, days=household.days[:-10])
    judgement = judged(household, statement_of(household), books)
    assert refused_for(judgement, Finding.DAY_NOT_CLOSED)


def test_a_meter_in_another_calendar_than_the_tariffs_is_refused(household):
    days = [msgspec.structs.replace(row, calendar="BASE") for row in household.days]
    books = msgspec.structs.replace(household.books, days=days)
    assert refused_for(judged(household, statement_of(household), books), Finding.CALENDAR_DIFFERS)


@pytest.mark.parametrize("is_split", [False, True])
def test_a_switch_of_the_tic_mode_changes_no_calendar_and_refuses_nothing(household, is_split):
    days = list(household.days)
    days[:10] = [msgspec.structs.replace(row, calendar="HC") for row in days[:10]]
    if is_split:
        noon = datetime(2026, 9, 30, 10, tzinfo=UTC)
        standard = DayPart(
            days[10].meter_serial, days[10].calendar, noon, days[10].register_steps_kwh, (0,) * 10
        )
        historique = msgspec.structs.replace(standard, calendar="HC")
        days[10] = msgspec.structs.replace(days[10], parts=(historique, standard))
    books = msgspec.structs.replace(household.books, days=days)
    judgement = judged(household, statement_of(household), books)
    assert (judgement.verdict, judgement.findings) == (Verdict.CORRECT, ())


@pytest.mark.parametrize("steps", [0, 3])
def test_a_day_counted_in_part_under_another_calendar_is_not_priced_by_this_tariff(
    household, steps
):
    changed = household.days[10]
    morning = DayPart(
        changed.meter_serial,
        "BASE",
        datetime(2026, 9, 30, 10, tzinfo=UTC),
        (steps, *[0] * 9),
        (0,) * 10,
    )
    evening = msgspec.structs.replace(morning, calendar=changed.calendar)
    split = msgspec.structs.replace(changed, parts=(morning, evening))
    books = msgspec.structs.replace(
        household.books, days=[split if row is changed else row for row in household.days]
    )
    judgement = judged(household, statement_of(household), books)
    if steps:
        assert refused_for(judgement, Finding.CALENDAR_DIFFERS)
    else:
        assert judgement.verdict is Verdict.CORRECT


def test_an_index_not_read_at_the_end_is_said_and_refuses_nothing(household):
    days = [
        msgspec.structs.replace(row, is_index_read=row.day != B - timedelta(days=1))
        for row in household.days
    ]
    books = msgspec.structs.replace(household.books, days=days)
    judgement = judged(household, statement_of(household), books)
    assert (judgement.verdict, judgement.findings) == (
        Verdict.CORRECT,
        (Finding.INDEX_NOT_READ,),
    )


def test_days_that_rest_on_a_doubtful_index_are_named_and_refuse_nothing(household):
    last = B - timedelta(days=1)
    doubted = {A: (Doubt.INDEX_JUMPED,), last: tuple(Doubt)}
    days = [msgspec.structs.replace(row, doubts=doubted.get(row.day, ())) for row in household.days]
    books = msgspec.structs.replace(household.books, days=days)
    judgement = judged(household, statement_of(household), books)
    assert judgement.verdict is Verdict.CORRECT
    assert judgement.estimated == (
        EstimatedDays(Doubt.INDEX_BEGAN_ANEW, (last,)),
        EstimatedDays(Doubt.INDEX_JUMPED, (A, last)),
    )


def test_a_sum_over_nothing_that_is_not_zero_is_refused_not_opened(household):
    statement = statement_of(household)
    free = RegisterLine("gratuit", (3,), Decimal(0), Decimal("0.2"))
    made = Household((simple_tariff(energy=(free,)),), START, END, np.random.default_rng(1))
    statement = altered_line(statement_of(made), amount=(7, 0))
    assert refused_for(judged(made, statement), Finding.AMOUNT_DIFFERS)


def test_days_that_are_not_stored_whole_are_named(household):
    blocks = [b for b in household.blocks if b.day != date(2026, 10, 3)]
    assert missing_days(blocks, days_between(A, B)) == [date(2026, 10, 3)]


@pytest.mark.parametrize(
    ("start", "end", "complaint"),
    [
        (A, A, "holds no day"),
        (START - timedelta(days=1), B, "holds from"),
    ],
)
def test_a_request_outside_the_contract_is_refused_in_the_cloud(household, start, end, complaint):
    with pytest.raises(DocumentRefused, match=complaint):
        prepare(household.request(start, end), household.stored_contract, household.listed)


def test_a_request_of_another_provider_is_refused_in_the_cloud(household):
    with pytest.raises(DocumentRefused, match="signature"):
        prepare(
            household.request(A, B, key=Ed25519PrivateKey.generate()),
            household.stored_contract,
            household.listed,
        )
    with pytest.raises(DocumentRefused, match="another contract"):
        prepare(
            household.request(A, B, contract=bytes(32)), household.stored_contract, household.listed
        )


def test_every_finding_has_its_sentence_in_both_languages():
    assert set(WORDS_EN) == set(WORDS_FR) == set(Finding)
