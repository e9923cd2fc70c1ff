"""Forms that wait for a yes are kept for their own session, few of them, and not for long."""

import sys

import pytest

from edge.language.choice import Lang
from edge.page.drafts import (
    DRAFTS_BYTES_MAX,
    DRAFTS_MAX,
    DRAFTS_MAX_EACH,
    LASTS_S,
    Draft,
    Drafts,
    RequestRefused,
)


def test_a_draft_is_its_sessions_alone_and_ends():
    now_s = 0.0
    drafts = Drafts(lambda: now_s)
    draft = Draft({"months": "12"})
    name = drafts.keep("mine", draft)
    assert drafts.find("mine", name) == draft
    for session, other in (
        ("theirs", name),
        ("mine", "0" * 32),
        ("mine", ""),
        ("mine", f"{name}\n"),
    ):
        assert drafts.find(session, other) is None
    now_s = LASTS_S
    assert drafts.find("mine", name) is None


def test_why_a_form_was_refused_is_said_in_each_language_and_counts():
    why = {Lang.FR: "non", Lang.EN: "no"}
    draft = Draft({"start": "x"}, refused=why)
    assert draft.size == sum(map(sys.getsizeof, ("x", "non", "no")))
    with pytest.raises(RequestRefused) as refused:
        draft.check()
    assert refused.value.texts == why
    Draft({"start": "x"}).check()


def kept(drafts, names):
    return [drafts.find(session, name) is not None for session, name in names]


def test_the_oldest_goes_first():
    drafts = Drafts(lambda: 0.0)
    names = [(f"{n}", drafts.keep(f"{n}", Draft({"n": str(n)}))) for n in range(DRAFTS_MAX + 3)]
    assert kept(drafts, names) == [False] * 3 + [True] * DRAFTS_MAX


def test_large_ones_take_no_more_than_a_bound_and_the_last_is_kept():
    drafts = Drafts(lambda: 0.0)
    small = ("s", drafts.keep("s", Draft({"n": "1"})))
    large = Draft({"offer": "x" * (DRAFTS_BYTES_MAX // 4)})
    names = [(f"{n}", drafts.keep(f"{n}", large)) for n in range(DRAFTS_MAX)]
    assert kept(drafts, [small, *names]) == [False] * (DRAFTS_MAX - 2) + [True] * 3
    last = ("l", drafts.keep("l", Draft({"offer": "x" * (DRAFTS_BYTES_MAX + 1)})))
    assert kept(drafts, [*names, last]) == [False] * DRAFTS_MAX + [True]


def test_what_a_text_takes_in_memory_counts_and_not_its_signs():
    drafts = Drafts(lambda: 0.0)
    wide = "\U0001f4a9" + "x" * (DRAFTS_BYTES_MAX // 5)
    names = [(f"{n}", drafts.keep(f"{n}", Draft({"offer": wide}))) for n in range(3)]
    assert sys.getsizeof(wide) <= DRAFTS_BYTES_MAX < 2 * sys.getsizeof(wide)
    assert kept(drafts, names) == [False, False, True]


def test_a_session_that_sends_on_and_on_takes_the_place_of_its_own_alone():
    drafts = Drafts(lambda: 0.0)
    theirs = [("theirs", drafts.keep("theirs", Draft({}))) for _ in range(3)]
    mine = [("mine", drafts.keep("mine", Draft({}))) for _ in range(3 * DRAFTS_MAX)]
    assert kept(drafts, theirs) == [True] * 3
    assert kept(drafts, mine)[-DRAFTS_MAX_EACH - 1 :] == [False] + [True] * DRAFTS_MAX_EACH
