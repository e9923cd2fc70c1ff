"""Forms that wait for a yes are kept for their own session, few of them, and not for long."""

from edge.page.drafts import DRAFTS_MAX, LASTS_S, Draft, Drafts


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


def test_the_oldest_goes_first():
    drafts = Drafts(lambda: 0.0)
    names = [drafts.keep("mine", Draft({"n": str(n)})) for n in range(DRAFTS_MAX + 3)]
    found = [drafts.find("mine", name) is not None for name in names]
    assert found == [False] * 3 + [True] * DRAFTS_MAX
