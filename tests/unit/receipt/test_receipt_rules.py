"""When a receipt may leave: each rule on its own, and all of them together over random histories."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bills.judgement import Finding, Judgement, Verdict
from edge.bills.receipts import (
    MISMATCHES_MAX,
    PASSING,
    PERIOD_DAYS_MIN,
    Hold,
    Past,
    ReceiptInputs,
    hold,
    is_mismatch,
)
from edge.contracts.meter import Fit
from edge.vault.database import _UPGRADES, FILE_NAME, SCHEMA_VERSION, open_database
from edge.vault.receipts import OwnReceiptRow, Receipts
from protocol.calendar import day_number, days_between
from protocol.contract import Consent, StatementRequest

START = date(2026, 1, 1)
END = START + timedelta(days=365)
CONTRACT = b"c" * 32
AT = datetime(2026, 2, 1, 3, 4, 5, tzinfo=UTC)
RECEIPTS_CAME_WITH = 5
NO_PAST = Past({}, (), 0, ())


def grounds(first=0, length=31, *, without=(), late=(), consent=Consent.TOTAL, end=END, number=1):
    """A request over `length` days from day `first` of a contract of a year."""
    start = day_number(START) + first
    request = StatementRequest(
        bytes([number]) * 16,
        CONTRACT,
        bytes(32),
        start,
        start + length,
        tuple(start + n for n in without),
        tuple(start + n for n in late),
    )
    contract = SimpleNamespace(consent=consent, start=START, end=end)
    return ReceiptInputs(CONTRACT, contract, request, None, ())


def judged(verdict=Verdict.CORRECT, *findings):
    return Judgement("s", START, END, verdict, findings)


def held(asked, past=NO_PAST, stored=None, judgement=None, fits=(Fit.SAME,)):
    everything = asked.days if stored is None else stored
    return hold(asked, judgement or judged(), past, everything, fits)


def test_a_correct_month_that_is_stored_may_leave():
    assert held(grounds()) is None
    assert held(grounds(length=PERIOD_DAYS_MIN)) is None


@pytest.mark.parametrize(
    ("why", "asked", "past", "judgement"),
    [
        (Hold.NOT_AGREED, grounds(consent=Consent.NOTHING), NO_PAST, None),
        (Hold.NOT_CORRECT, grounds(), NO_PAST, judged(Verdict.DIFFERS)),
        (Hold.NOT_CORRECT, grounds(), NO_PAST, judged(Verdict.REFUSED)),
        (Hold.BILLED, grounds(), NO_PAST, judged(Verdict.REFUSED, Finding.ALREADY_BILLED)),
        (
            Hold.NOT_CORRECT,
            grounds(),
            NO_PAST,
            judged(Verdict.REFUSED, Finding.ALREADY_BILLED, Finding.DAY_TWICE),
        ),
        (Hold.MISMATCH, grounds(), Past({}, {bytes([1]) * 16}, 1, ()), None),
        (Hold.ASKED, grounds(), Past({}, (), MISMATCHES_MAX, ()), None),
        (Hold.COVERED, grounds(), Past({START: True}, (), 0, ()), None),
        (Hold.LOST, grounds(), Past({START: False}, (), 0, ()), None),
        (Hold.TOO_SHORT, grounds(length=PERIOD_DAYS_MIN - 1), NO_PAST, None),
        (Hold.TOO_SHORT, grounds(length=27, without=(3, 4, 5)), NO_PAST, None),
        (Hold.TOO_SHORT, grounds(355, 10), Past({}, (), 0, {CONTRACT}), None),
        (Hold.TOO_SHORT, grounds(0, 10, end=START + timedelta(days=10)), NO_PAST, None),
    ],
)
def test_each_rule_holds_a_receipt_back(why, asked, past, judgement):
    assert held(asked, past, judgement=judgement) is why


def test_days_of_another_meter_hold_a_receipt_back_for_good_unknown_ones_for_a_time():
    assert held(grounds(), fits={Fit.SAME, Fit.ANOTHER, Fit.UNKNOWN}) is Hold.OTHER_METER
    assert held(grounds(), fits={Fit.SAME, Fit.UNKNOWN}) is Hold.METER_UNKNOWN
    assert Hold.METER_UNKNOWN in PASSING
    assert Hold.OTHER_METER not in PASSING


def test_each_day_must_be_stored():
    asked = grounds(31, 28, late=(-20, -19, -18))
    assert held(asked) is None
    for day in asked.days:
        assert held(asked, stored=set(asked.days) - {day}) is Hold.NOT_STORED


def test_a_contracts_last_period_may_be_short():
    assert held(grounds(355, 10)) is None
    assert held(grounds(354, 10)) is Hold.TOO_SHORT


def test_a_short_last_period_leaves_out_no_day():
    assert held(grounds(355, 10, without=(9,))) is Hold.TOO_SHORT
    assert held(grounds(355, 10, without=tuple(range(9)))) is Hold.TOO_SHORT


@pytest.mark.parametrize("finding", Finding)
def test_what_opened_to_another_energy_is_a_mismatch(finding):
    is_one = finding in {Finding.QUANTITY_DIFFERS, Finding.AMOUNT_DIFFERS}
    assert is_mismatch(judged(Verdict.REFUSED, finding)) is is_one
    assert is_mismatch(judged(Verdict.DIFFERS, finding))


periods = st.tuples(
    st.integers(0, 360),
    st.integers(1, 60),
    st.lists(st.integers(0, 59), max_size=4, unique=True),
    st.lists(st.integers(-40, -1), max_size=4, unique=True),
    st.sampled_from([*[Verdict.CORRECT] * 4, Verdict.DIFFERS]),
    st.booleans(),
)


@given(st.lists(periods, max_size=40))
@settings(max_examples=150, deadline=None)
def test_over_any_history_no_total_tells_of_few_days_and_no_day_is_told_of_twice(history):
    """The chip's memory is kept here as the lane keeps it."""
    covered, mismatched, since_word, short = {}, set(), 0, set()
    told = []
    for number, (first, wanted, without, late, verdict, is_released) in enumerate(history):
        length = min(wanted, 365 - first)
        left_out = tuple(sorted(n for n in without if n < length))
        before = tuple(sorted(n for n in late if first + n >= 0))
        asked = grounds(first, length, without=left_out, late=before, number=number)
        if is_released:
            since_word = 0
        judgement = judged(verdict)
        if is_mismatch(judgement):
            mismatched.add(asked.request.id)
            since_word += 1
        past = Past(covered, mismatched, since_word, short)
        if not asked.days or held(asked, past, judgement=judgement) is not None:
            continue
        assert since_word < MISMATCHES_MAX
        told.append(asked.days)
        covered |= dict.fromkeys(asked.days, True)
        if len(asked.days) < PERIOD_DAYS_MIN:
            short.add(CONTRACT)
    days = [day for receipt in told for day in receipt]
    assert len(days) == len(set(days))
    few = [receipt for receipt in told if len(receipt) < PERIOD_DAYS_MIN]
    assert len(few) <= 1
    assert all(END - timedelta(days=1) in receipt for receipt in few)


# The tables.


@pytest.fixture
def database(tmp_path):
    opened = open_database(tmp_path / FILE_NAME)
    yield opened
    opened.close()


def row(number: int, *, is_short=False) -> OwnReceiptRow:
    return OwnReceiptRow(bytes([number]) * 16, CONTRACT, is_short, b"body", AT)


def test_a_day_cannot_be_covered_twice_whatever_the_rules_say(database):
    receipts = Receipts(database)
    receipts.put(row(1), [5, 6, 7])
    with pytest.raises(database.conn.IntegrityError), database.atomic():
        receipts.put(row(2), [7, 8])
    assert receipts.covered() == {5: True, 6: True, 7: True}
    assert set(receipts.states()) == {bytes([1]) * 16}


def test_what_may_have_been_covered_is_free_again_at_the_households_word(database):
    receipts = Receipts(database)
    receipts.put(row(1, is_short=True), [5])
    receipts.presume([5, 6])
    receipts.put_mismatch(b"m" * 16)
    receipts.put_mismatch(b"m" * 16)
    assert (receipts.covered(), receipts.mismatches()) == ({5: True, 6: False}, {b"m" * 16: True})
    assert not receipts.is_known("token")
    receipts.release("token")
    assert receipts.is_known("token")
    assert (receipts.covered(), receipts.mismatches()) == ({5: True}, {b"m" * 16: False})
    assert receipts.short() == {CONTRACT}


def test_a_receipt_is_kept_until_it_is_held_and_its_days_for_longer(database):
    receipts = Receipts(database)
    receipts.put(row(1), [5, 6])
    assert (receipts.unsent(), receipts.body(bytes([1]) * 16)) == (
        {bytes([1]) * 16: AT},
        b"body",
    )
    receipts.finish(bytes([1]) * 16)
    assert (receipts.unsent(), receipts.body(bytes([1]) * 16)) == ({}, None)
    receipts.prune(6)
    assert receipts.covered() == {6: True}


def test_a_vault_of_before_receipts_is_brought_to_this_version(tmp_path):
    path = tmp_path / FILE_NAME
    made = open_database(path)
    for later in range(RECEIPTS_CAME_WITH - 1, SCHEMA_VERSION):
        for table, *_ in _UPGRADES[later]:
            made.execute(f"DROP TABLE {table}")
    made.execute(f"PRAGMA user_version = {RECEIPTS_CAME_WITH - 1}")
    made.close()
    upgraded = open_database(path)
    assert upgraded.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    Receipts(upgraded).put(row(1), [day_number(d) for d in days_between(START, END)])
    upgraded.close()
