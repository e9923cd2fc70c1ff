"""Days are billed once; late days, corrections and gaps are said, in both languages."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bills.billed import BilledDays, runs
from edge.bills.calendars import other_calendar
from edge.bills.judge import judge
from edge.bills.judgement import Finding, OtherCalendar, Verdict
from edge.bills.readings import meter_spans
from edge.bills.remarks import days_text, remarks
from edge.language.choice import Lang
from edge.metering.events import DayPart
from edge.vault.billed import BilledRow, BilledRows
from edge.vault.database import FILE_NAME, open_database
from protocol.calendar import day_number, days_between
from protocol.contract import StatementRequest
from protocol.schedule import Calendar, Run, Schedules, quarter_range
from protocol.tariff import CalendarLine
from tests.support.french import plain
from tests.support.household import Household, closed_day
from tests.support.tariffs import simple_tariff
from tests.support.victim import Victim

START, END = date(2026, 8, 20), date(2026, 11, 11)
SEPTEMBER, OCTOBER, NOVEMBER = date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)
LEFT_OUT = [date(2026, 9, 11), date(2026, 9, 12), date(2026, 9, 20)]


@pytest.fixture(scope="module")
def home():
    return Household((simple_tariff(),), START, END, np.random.default_rng(11))


@pytest.fixture
def chip(home):
    return Victim(home)


@pytest.fixture
def deal(chip):
    return chip.sign(simple_tariff())


def told(chip, *findings, verdict=Verdict.REFUSED):
    judgement = chip.judgements[-1]
    return (judgement.verdict, judgement.findings) == (verdict, findings)


def test_a_day_is_billed_once_whatever_period_and_id_ask_for_it(chip, deal):
    request = chip.request(deal, SEPTEMBER, OCTOBER)
    assert chip.answer(deal, chip.statement(deal, request)) is not None
    for start, end in (
        (SEPTEMBER, OCTOBER),
        (START, SEPTEMBER + timedelta(days=1)),
        (OCTOBER - timedelta(days=1), NOVEMBER),
    ):
        assert chip.ask(deal, start, end) is None
        assert told(chip, Finding.ALREADY_BILLED)
    other = chip.request(deal, OCTOBER, NOVEMBER, id=request.id)
    assert chip.answer(deal, chip.statement(deal, other)) is None
    assert told(chip, Finding.ALREADY_BILLED)
    chip.answer(deal, chip.statement(deal, request))
    assert chip.judgements[-1] == chip.judgements[0]


def test_a_period_that_leaves_its_billed_days_out_is_no_way_round(chip, deal):
    chip.ask(deal, SEPTEMBER, OCTOBER)
    chip.ask(deal, SEPTEMBER, NOVEMBER, without=days_between(SEPTEMBER, OCTOBER))
    assert told(chip, Finding.ALREADY_BILLED)


def test_a_statement_that_differs_bills_nothing(chip, deal):
    statement = chip.statement(deal, chip.request(deal, SEPTEMBER, OCTOBER))
    wrong = msgspec.structs.replace(statement, lines=statement.lines[::-1])
    chip.answer(deal, wrong)
    assert chip.rows == []
    assert chip.ask(deal, SEPTEMBER, OCTOBER) is not None


def test_days_left_out_are_owed_and_billed_late_once(chip, deal):
    chip.ask(deal, SEPTEMBER, OCTOBER, without=LEFT_OUT)
    assert chip.judgements[-1].left_out == tuple(LEFT_OUT)
    assert BilledDays.read(chip.rows).owed == dict.fromkeys(LEFT_OUT, deal.agreement.contract_hash)

    chip.ask(deal, OCTOBER, NOVEMBER - timedelta(days=5))
    assert chip.judgements[-1].owed == tuple(LEFT_OUT)

    november = (NOVEMBER - timedelta(days=5), END)
    said = chip.ask(deal, *november, late=LEFT_OUT)
    judgement = chip.judgements[-1]
    assert (judgement.verdict, judgement.late, judgement.owed) == (
        Verdict.CORRECT,
        tuple(LEFT_OUT),
        (),
    )
    late = [line for line in judgement.bill.lines if line.is_late]
    assert late[0].kwh == chip.kwh(LEFT_OUT)
    assert said is None  # 18 days: too short a period for a receipt
    assert BilledDays.read(chip.rows).owed == {}


@pytest.mark.parametrize(
    "late", [[date(2026, 9, day) for day in days] for days in ((13, 14, 15), (11, 12, 13))]
)
def test_late_days_must_have_been_left_out(chip, deal, late):
    chip.ask(deal, SEPTEMBER, OCTOBER, without=LEFT_OUT)
    chip.ask(deal, OCTOBER, NOVEMBER, late=late)
    assert told(chip, Finding.LATE_NOT_OWED)


def test_late_days_are_billed_once(chip, deal):
    chip.ask(deal, SEPTEMBER, OCTOBER, without=LEFT_OUT)
    middle = OCTOBER + timedelta(days=10)
    chip.ask(deal, OCTOBER, middle, late=LEFT_OUT)
    chip.ask(deal, middle, NOVEMBER, late=LEFT_OUT)
    assert told(chip, Finding.LATE_NOT_OWED)


def test_days_left_out_of_another_contract_are_not_owed_to_this_one(chip, deal):
    chip.ask(deal, SEPTEMBER, OCTOBER, without=LEFT_OUT)
    chip.ask(chip.sign(simple_tariff()), OCTOBER, NOVEMBER, late=LEFT_OUT)
    assert told(chip, Finding.LATE_NOT_OWED)


def test_days_left_out_although_they_had_arrived_are_told(home, chip, deal):
    stored = [msgspec.structs.replace(span, is_stored=True) for span in home.spans]
    books = msgspec.structs.replace(home.books, spans=stored)
    statement = chip.statement(deal, chip.request(deal, SEPTEMBER, OCTOBER, without=LEFT_OUT))
    judgement = judge(statement, deal.agreement, home.listed_documents, books)
    assert judgement.findings == (Finding.LEFT_OUT_THOUGH_STORED,)
    assert judgement.verdict is Verdict.CORRECT
    rest = [msgspec.structs.replace(span, is_stored=span.day not in LEFT_OUT) for span in stored]
    books = msgspec.structs.replace(home.books, spans=rest)
    judgement = judge(statement, deal.agreement, home.listed_documents, books)
    assert judgement.findings == ()
    part = [msgspec.structs.replace(span, is_stored=span.j0 == 0) for span in home.spans]
    half = msgspec.structs.replace(home.books, spans=[s for s in part if s.j1 < 128 or s.j0])
    assert half.stored_days() == set()


def test_a_gap_between_two_bills_is_found_and_refuses_nothing(chip, deal):
    chip.ask(deal, START, SEPTEMBER)
    assert chip.judgements[-1].gap is None
    chip.ask(deal, OCTOBER, NOVEMBER)
    assert told(chip, Finding.NEVER_BILLED, verdict=Verdict.CORRECT)
    assert chip.judgements[-1].gap == (SEPTEMBER, OCTOBER)
    assert "Jours jamais facturés : 01/09/2026–30/09/2026." in map(
        plain, remarks(chip.judgements[-1], Lang.FR)
    )
    chip.ask(deal, SEPTEMBER, OCTOBER)
    assert told(chip, verdict=Verdict.CORRECT)


def cheaper():
    tariff = simple_tariff()
    energy = tuple(
        msgspec.structs.replace(line, eur_per_kwh=Decimal("0.01")) for line in tariff.energy
    )
    return msgspec.structs.replace(
        tariff, name="baisse", valid_from=date(2026, 9, 10), energy=energy
    )


def test_a_correction_replaces_a_bill_of_the_same_days_once_and_says_what_it_changes(chip, deal):
    request = chip.request(deal, SEPTEMBER, OCTOBER, without=LEFT_OUT)
    chip.answer(deal, chip.statement(deal, request))
    former = chip.judgements[-1].bill.total_ttc
    less = chip.extend(deal, cheaper())
    again = chip.request(
        deal, SEPTEMBER, OCTOBER, without=LEFT_OUT, offer=less, corrects=request.id
    )
    said = chip.answer(deal, chip.statement(deal, again))
    judgement = chip.judgements[-1]
    note = judgement.credit
    assert judgement.verdict is Verdict.CORRECT
    assert (note.corrects, note.former) == (request.id.hex(), former)
    assert note.total == judgement.bill.total_ttc == former + note.difference
    assert note.difference < 0
    assert said is None  # the days have a receipt already
    assert any("in your favour" in remark for remark in remarks(judgement, Lang.EN))

    third = msgspec.structs.replace(again, id=bytes(16))
    chip.answer(deal, chip.statement(deal, third))
    assert told(chip, Finding.CORRECTION_UNFOUNDED)
    of_it = msgspec.structs.replace(again, id=bytes(16), corrects=again.id)
    chip.answer(deal, chip.statement(deal, of_it))
    assert told(chip, Finding.CORRECTION_UNFOUNDED)
    chip.answer(deal, chip.statement(deal, again))
    assert chip.judgements[-1] == judgement


@pytest.mark.parametrize(
    "changes",
    [
        {"corrects": bytes(16)},
        {"end": day_number(OCTOBER) - 1},
        {"start": day_number(SEPTEMBER) - 1},
        {"without": tuple(map(day_number, LEFT_OUT))},
    ],
)
def test_a_correction_of_other_days_or_of_no_bill_is_refused(chip, deal, changes):
    request = chip.request(deal, SEPTEMBER, OCTOBER)
    chip.answer(deal, chip.statement(deal, request))
    other = msgspec.structs.replace(request, id=b"o" * 16, **({"corrects": request.id} | changes))
    chip.answer(deal, chip.statement(deal, other))
    assert told(chip, Finding.CORRECTION_UNFOUNDED)


request_of = st.builds(
    lambda number, start, length, out, late, corrects: StatementRequest(
        bytes([number]) * 16,
        bytes(32),
        bytes(32),
        start,
        start + length,
        tuple(sorted({start + n for n in out if n < length})),
        tuple(sorted({start - n for n in late if n <= start})),
        None if corrects is None else bytes([corrects]) * 16,
    ),
    st.integers(0, 5),
    st.integers(10, 30),
    st.integers(1, 12),
    st.sets(st.integers(0, 11), max_size=3),
    st.sets(st.integers(1, 10), max_size=3),
    st.one_of(st.none(), st.none(), st.integers(0, 5)),
)


@settings(max_examples=300)
@given(st.lists(request_of, max_size=12))
def test_whatever_is_asked_no_day_is_billed_twice_but_by_one_correction(requests):
    rows: list[BilledRow] = []
    for request in requests:
        body = msgspec.msgpack.encode(request)
        if BilledDays.read(rows).objection(request, body) is None and body not in [
            row.request for row in rows
        ]:
            rows.append(BilledRow(request.id, body, 100))
    requested = [msgspec.msgpack.decode(row.request, type=StatementRequest) for row in rows]
    billed = [day for each in requested if each.corrects is None for day in each.days]
    assert len(billed) == len(set(billed))
    corrected = [each.corrects for each in requested if each.corrects is not None]
    assert len(corrected) == len(set(corrected))
    originals = {each.id: each for each in requested if each.corrects is None}
    for each in requested:
        if each.corrects is not None:
            assert originals[each.corrects].days == each.days
    owed = set(BilledDays.read(rows).owed)
    assert not owed & set(billed)


def test_billed_statements_are_kept_in_order_and_the_first_row_of_an_id_stays(tmp_path):
    database = open_database(tmp_path / FILE_NAME)
    rows = [BilledRow(bytes([n]) * 16, b"r%d" % n, -n) for n in (3, 1, 2)]
    table = BilledRows(database)
    for row in rows:
        table.put(row)
    table.put(BilledRow(rows[0].statement, b"other", 7))
    assert table.all() == rows
    database.close()


def test_runs_of_days_are_joined():
    days = [date(2026, 3, 7), date(2026, 3, 3), date(2026, 3, 5), date(2026, 3, 6)]
    assert runs(days) == [(days[1], days[1]), (days[2], days[0])]
    assert days_text(days, Lang.FR) == "03/03/2026, 05/03/2026–07/03/2026"


def test_a_replaced_meter_shows_both_and_what_each_counted():
    first, second, third = (date(2026, 3, day) for day in (1, 2, 3))
    parts = tuple(
        DayPart(serial, "BASE", datetime(2026, 3, 2, 12, tzinfo=UTC), (kwh, *[0] * 9), (0,) * 10)
        for serial, kwh in (("old", 4), ("new", 3))
    )
    days = [
        closed_day(first, (10,), meter_serial="old", calendar="BASE"),
        closed_day(second, (7,), meter_serial="new", calendar="BASE", parts=parts),
        closed_day(third, (5,), meter_serial="new", calendar="BASE"),
    ]
    spans = meter_spans(days)
    assert [(span.serial, span.start, span.end, span.register_kwh[0]) for span in spans] == [
        ("old", first, third, 14),
        ("new", second, date(2026, 3, 4), 8),
    ]
    assert meter_spans(days[:1]) == ()


def test_a_part_of_a_day_without_any_name_is_no_meter_of_its_own():
    first, second, third = (date(2026, 3, day) for day in (1, 2, 3))
    days = [
        closed_day(first, (1,), meter_serial="", calendar=""),
        closed_day(second, (2,), meter_serial="", calendar="BASE"),
        closed_day(third, (4,), meter_serial="m", calendar="BASE"),
    ]
    assert [(span.serial, span.calendar, span.register_kwh[0]) for span in meter_spans(days)] == [
        ("", "BASE", 2),
        ("m", "BASE", 4),
    ]


def test_a_change_of_calendar_names_the_day_to_split_at(home, chip, deal):
    change = date(2026, 9, 16)
    days = [
        msgspec.structs.replace(row, calendar="TEMPO") if row.day >= change else row
        for row in home.days
    ]
    books = msgspec.structs.replace(home.books, days=days)

    def judged(start, end):
        statement = chip.statement(deal, chip.request(deal, start, end))
        return judge(statement, deal.agreement, home.listed_documents, books)

    whole = judged(SEPTEMBER, OCTOBER)
    assert (whole.verdict, whole.findings) == (Verdict.REFUSED, (Finding.CALENDAR_DIFFERS,))
    assert whole.calendar_change == change
    assert "depuis le 16/09/2026" in remarks(whole, Lang.FR)[0]
    assert "2026-09-16" in remarks(whole, Lang.EN)[0]
    assert judged(SEPTEMBER, change).verdict is Verdict.CORRECT


def test_a_day_of_two_calendars_counts_by_the_one_that_has_its_steps(home, chip, deal):
    changed = next(row for row in home.days if row.day == date(2026, 9, 16))
    morning = DayPart(
        changed.meter_serial,
        changed.calendar,
        datetime(2026, 9, 16, 12, tzinfo=UTC),
        changed.register_steps_kwh,
        (0,) * 10,
    )
    evening = msgspec.structs.replace(morning, calendar="TEMPO", register_steps_kwh=(0,) * 10)
    split = msgspec.structs.replace(changed, calendar="TEMPO", parts=(morning, evening))
    days = [split if row is changed else row for row in home.days]
    books = msgspec.structs.replace(home.books, days=days)
    statement = chip.statement(deal, chip.request(deal, SEPTEMBER, date(2026, 9, 17)))
    judgement = judge(statement, deal.agreement, home.listed_documents, books)
    assert judgement.verdict is Verdict.CORRECT
    assert [span.calendar for span in judgement.meters] == [morning.calendar, "TEMPO"]


def test_a_curve_that_is_kept_no_more_is_said_and_not_taken_for_none(home):
    publisher = bytes(32)
    first, end = quarter_range(START)[0], quarter_range(END)[0]
    nights = Calendar(publisher, "c", ("all",), (Run(first, 0),), end)
    line = CalendarLine("all", publisher, "c", ("all",), Decimal("0.2"), Decimal("0.2"))
    chip = Victim(home, schedules=Schedules([nights]))
    deal = chip.sign(simple_tariff(energy=(line,)))
    statement = chip.statement(deal, chip.request(deal, SEPTEMBER, OCTOBER))
    books = msgspec.structs.replace(home.books, curve_of=lambda _day: [])
    listed = msgspec.structs.replace(home.listed_documents, schedules=chip.schedules)
    judgement = judge(statement, deal.agreement, listed, books)
    assert (judgement.verdict, judgement.findings) == (Verdict.REFUSED, (Finding.CURVE_GONE,))


def test_all_that_is_worth_knowing_is_said_in_both_languages(chip, deal):
    chip.ask(deal, START, SEPTEMBER, without=[START + timedelta(days=n) for n in range(3)])
    chip.ask(deal, OCTOBER, NOVEMBER)
    french, english = (remarks(chip.judgements[-1], lang) for lang in (Lang.FR, Lang.EN))
    assert [*map(plain, french)] == [
        "Jours antérieurs qui restent à facturer : 20/08/2026–22/08/2026.",
        "Jours jamais facturés : 01/09/2026–30/09/2026.",
    ]
    assert english == [
        "Earlier days still to be billed: 2026-08-20–2026-08-22.",
        "Days never billed: 2026-09-01–2026-09-30.",
    ]


def test_the_days_before_the_meter_took_the_calendar_are_counted():
    first = date(2026, 3, 1)
    days = [first + timedelta(days=number) for number in range(4)]
    calendars = ("BASE", "BASE", "TEMPO", "TEMPO")
    own = {
        day: closed_day(day, (kwh,), calendar=calendar)
        for day, kwh, calendar in zip(days, (3, 4, 5, 6), calendars, strict=True)
    }
    assert other_calendar(own, first, "TEMPO") == OtherCalendar(days[2], 7)
    assert other_calendar(own, first, "BASE") == OtherCalendar(first, 0)
    assert other_calendar(own, first, "EJP") is None
