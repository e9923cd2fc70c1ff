"""What is found over and over is told once a day, however often it is found."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from protocol.trustee_messages import CosignedPage, ToTrustee
from system.conditions import AGAIN_AFTER_S, Repeated
from tests.support.trustee_area import TrusteeArea
from trustee.core import TrusteeCore
from trustee.log import TrusteeLog


@given(found=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40_000)), max_size=80))
def test_each_finding_is_told_once_a_day(found):
    now_s, told_at_s, untold = 0, {}, Counter()
    said = Repeated(lambda: now_s)
    for what, pause_s in found:
        now_s += pause_s
        is_due = what not in told_at_s or now_s - told_at_s[what] >= AGAIN_AFTER_S
        untold[what] += 1
        assert said.found(what) == (untold[what] if is_due else 0)
        if is_due:
            told_at_s[what], untold[what] = now_s, 0


def test_no_more_is_kept_than_it_may():
    said = Repeated(lambda: 0.0, most=3)
    assert [said.found(each) for each in "abcd"] == [1] * 4
    assert not said.found("d")
    assert said.found("a")


def test_a_trustee_that_is_sent_the_same_bad_document_each_second_says_so_once():
    area = TrusteeArea(homes=0, far=0)
    trustee = TrusteeCore(area.identities[0], TrusteeLog.in_memory())
    with capture_logs() as logs:
        for _ in range(60):
            trustee.take(ToTrustee(CosignedPage(bytes(32), 0, 1, b"no document")))
    assert [each["event"] for each in logs] == ["document_refused"]
