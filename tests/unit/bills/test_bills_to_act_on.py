"""`volet edge bills` ends with 3 for a bill on which the household may have to act, and no other."""

from datetime import date, timedelta

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from edge.bills.judgement import Finding, Judgement, Verdict
from edge.bills.replaced import replaced
from edge.bills.words import WORDS
from edge.commands.table import edge
from edge.language.choice import Lang
from tests.support.dwelling import accept_all, day, enrolled, make_offer

FIRST = date(2026, 3, 1)
BILLED = (Finding.ALREADY_BILLED,)


def judged(number, verdict, start, end, findings=(), **known):
    first, last = (FIRST + timedelta(days=each) for each in (start, end))
    return Judgement(f"{number:032x}", first, last, verdict, findings, **known)


@pytest.mark.parametrize("lang", Lang)
def test_asking_twice_asks_nothing_of_the_household(tmp_path, lang):
    with enrolled(tmp_path, make_offer()) as home:
        home.begin()
        home.live(12)
        (contract,) = accept_all(home)
        assert home.bill(contract, day(0), day(10)).verdict is Verdict.CORRECT
        for end in (10, 8):
            twice = home.bill(contract, day(0), day(end))
            assert (twice.verdict, twice.findings) == (Verdict.REFUSED, BILLED)
        done = CliRunner().invoke(
            edge, ["--lang", lang.value, "bills", "--dir", str(home.directory)]
        )
    assert done.exit_code == 0
    assert done.output.count(WORDS[lang]["billed"]) == 2


SPANS = st.tuples(st.integers(0, 3), st.integers(1, 3)).map(lambda s: (s[0], s[0] + s[1]))


@example(
    correct=[(0, 3), (3, 6)], wrong=(1, 5), verdict=Verdict.REFUSED, findings=BILLED, is_last=True
)
@given(
    correct=st.lists(SPANS, max_size=3),
    wrong=SPANS,
    verdict=st.sampled_from([Verdict.REFUSED, Verdict.DIFFERS]),
    findings=st.sampled_from([BILLED, (Finding.LINES_DIFFER,), (*BILLED, Finding.DAY_TWICE)]),
    is_last=st.booleans(),
)
def test_only_a_repeated_statement_is_nothing_to_act_on_after_a_correct_one(
    correct, wrong, verdict, findings, is_last
):
    right = [judged(n, Verdict.CORRECT, *span) for n, span in enumerate(correct, 1)]
    other = judged(99, verdict, *wrong, findings)
    order = [*right, other] if is_last else [other, *right]
    is_billed = set(range(*wrong)) <= {d for span in correct for d in range(*span)}
    is_repeated = (verdict, findings) == (Verdict.REFUSED, BILLED)
    expected = is_billed and (not is_last or is_repeated)
    assert (other.statement in replaced(order)) is expected


@pytest.mark.parametrize(
    ("wrong", "correct", "expected"),
    [
        ((0, 6), [(0, 2), (4, 6)], True),
        ((0, 6), [(0, 2)], False),
        ((0, 6), [(4, 6)], False),
        ((2, 4), [], False),
        ((2, 4), [(0, 2)], False),
        ((2, 4), [(4, 6)], True),
        ((0, 4), [(0, 2)], True),
    ],
)
def test_days_that_no_bill_can_count_are_waited_for_no_longer_than_the_others(
    wrong, correct, expected
):
    refused = judged(99, Verdict.REFUSED, *wrong, (Finding.METER_DIFFERS,))
    right = [judged(n, Verdict.CORRECT, *span) for n, span in enumerate(correct, 1)]
    never = {refused.statement: {FIRST + timedelta(days=n) for n in (2, 3)}}
    assert (refused.statement in replaced([refused, *right], never)) is expected
    assert (refused.statement in replaced([refused, *right])) is False


def test_days_that_a_correct_bill_leaves_out_wait_for_another():
    refused = judged(1, Verdict.REFUSED, 0, 4, (Finding.LINES_DIFFER,))
    partly = msgspec.structs.replace(
        judged(2, Verdict.CORRECT, 0, 4), left_out=(FIRST + timedelta(days=1),)
    )
    assert replaced([refused, partly]) == set()
    late = msgspec.structs.replace(judged(3, Verdict.CORRECT, 4, 6), late=partly.left_out)
    assert replaced([refused, partly, late]) == {refused.statement}
