"""The days that a contract covers, told from all others."""

from datetime import date

import pytest

from protocol.contract import check_covered
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
