"""Roster entries that arrive while a trustee's clock is ahead count soon after it is right again."""

import pytest

from cloud.release.pages import roster_pages
from protocol.errors import Reason
from protocol.roster import COUNTS_AFTER_DAYS, SEEN_LATE_DAYS
from protocol.trustee_messages import Answer, Ask
from tests.support.trustee_area import DAY, THRESHOLD, TrusteeArea, ask
from trustee.documents import TrustedDocuments
from trustee.log import TrusteeLog

AHEAD = 300
NEAR = "75101"
# The first day on which homes count that arrived on `DAY`, whatever start they have.
COUNTED = DAY - SEEN_LATE_DAYS + COUNTS_AFTER_DAYS


@pytest.fixture
def area():
    return TrusteeArea(homes=THRESHOLD, far=0)


def arrive(area, trustee, day):
    """Have as many homes again arrive on a day of the trustee's clock, after a first answer."""
    assert isinstance(ask(trustee, area.request()), Answer)
    first = len(area.entries)
    newer = [area.join(NEAR, start=DAY - 60) for _ in range(THRESHOLD)]
    area.today = day
    for page in roster_pages(first, area.entries[first:]):
        trustee.take(page)
    for home in newer:
        trustee.take_key_shares(home.topic, area.letters(home))
    area.today = DAY
    return newer


def refusal(area, trustee, homes, day):
    """Return why a check of the masks of these homes is refused on a day, None if it is not."""
    area.today = day
    answer = ask(trustee, area.request(homes, Ask.CHECK, day=day))
    return None if isinstance(answer, Answer) else answer.reason


def test_homes_that_arrived_while_the_clock_was_ahead_count_when_it_was_right(area, tmp_path):
    trustee = area.stored(tmp_path)
    newer = arrive(area, trustee, DAY + AHEAD)
    trustee.expire()
    assert refusal(area, trustee, newer, COUNTED - 1) is Reason.TOO_FEW
    assert refusal(area, trustee, newer, COUNTED) is None
    again = TrustedDocuments(TrusteeLog.open(tmp_path), trustee.documents.collectivity)
    assert again.roster.membership(newer[0].key, COUNTED).is_counted


def test_sabotage_they_count_only_once_that_time_has_come(area, monkeypatch):
    monkeypatch.setattr(TrustedDocuments, "correct_arrivals", lambda *_: None)
    trustee = area.trustee()
    newer = arrive(area, trustee, DAY + AHEAD)
    trustee.expire()
    assert refusal(area, trustee, newer, COUNTED) is Reason.TOO_FEW


def test_a_clock_that_is_behind_dates_no_entry_from_before_what_was_answered(area):
    trustee = area.trustee()
    newer = arrive(area, trustee, DAY)
    area.today = DAY - 1_000
    trustee.expire()
    assert refusal(area, trustee, newer, COUNTED - 1) is Reason.TOO_FEW
    assert refusal(area, trustee, newer, COUNTED) is None
