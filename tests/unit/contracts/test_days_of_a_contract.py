"""The days that a contract covers, told from all others."""

from datetime import date

import pytest

from protocol.calendar import day_number
from protocol.contract import StatementRequest, check_covered, parse_signed
from protocol.errors import DocumentRefused

FIRST, END = date(2026, 3, 1), date(2026, 6, 1)
CONTRACT = bytes(32)


@pytest.mark.parametrize("until", [END, None])
def test_the_days_of_a_contract_are_covered(until):
    check_covered(CONTRACT, FIRST, until, FIRST, END)


@pytest.mark.parametrize(
    ("until", "start", "end", "why"),
    [
        (None, date(2026, 2, 28), END, "holds from 2026-03-01 on"),
        (END, date(2026, 2, 28), END, "2026-03-01 to 2026-05-31"),
        (END, FIRST, date(2026, 6, 2), "2026-03-01 to 2026-05-31"),
        (FIRST, FIRST, END, "holds on no day"),
    ],
)
def test_other_days_are_refused_by_name(until, start, end, why):
    with pytest.raises(DocumentRefused, match=why):
        check_covered(CONTRACT, FIRST, until, start, end)


def test_a_statement_bills_its_period_and_late_days_without_what_it_leaves_out():
    number = day_number(FIRST)
    request = StatementRequest(
        bytes(16),
        CONTRACT,
        bytes(32),
        number,
        number + 4,
        without=(number + 1, number + 2),
        late=(number - 5,),
    )
    assert [day_number(day) - number for day in request.days] == [-5, 0, 3]


def test_bytes_that_are_no_signed_document_are_refused_by_name():
    for data in (b"no document", b"[]", b"\xff"):
        with pytest.raises(DocumentRefused, match=r"offer\.json: this is no signed document"):
            parse_signed(data, "offer.json")
