"""What a trustee answered is deleted after six months, and never asked for again."""

import pytest

from protocol.area_cipher import month_number
from protocol.errors import Reason
from protocol.seeds import draw_seeds
from protocol.trustee_messages import Answer, Ask
from tests.support.trustee_area import DAY, TrusteeArea, ask, greet
from trustee.days import KEPT_DAYS
from trustee.log import TrusteeLog


@pytest.fixture
def area():
    return TrusteeArea(far=0)


def test_what_expired_is_gone_and_refused_and_the_log_stays(area, tmp_path):
    trustee = area.stored(tmp_path)
    request = area.request()
    assert isinstance(ask(trustee, request), Answer)
    kept = TrusteeLog.open(tmp_path)
    area.today = DAY + KEPT_DAYS
    trustee.expire()
    assert isinstance(ask(trustee, request), Answer)
    area.today += 1
    trustee.expire()
    name = trustee.identity.name
    assert kept.request(request.request.id) is None
    assert kept.entry_about(name, request.request.id) is not None
    assert kept.missing(name) == []
    for again in (request, area.request(ask=Ask.CHECK), area.request(area.near[:8])):
        assert ask(trustee, again).reason is Reason.ANSWERED
    kept.close()


def test_a_clock_that_goes_back_opens_nothing(area):
    trustee = area.trustee()
    request = area.request()
    assert isinstance(ask(trustee, request), Answer)
    area.today = DAY + KEPT_DAYS + 1
    trustee.expire()
    area.today = DAY
    trustee.expire()
    assert ask(trustee, area.request(area.near[:8])).reason is Reason.ANSWERED


def test_a_day_is_refused_before_anything_was_deleted(area):
    trustee = area.trustee()
    area.today = DAY + KEPT_DAYS + 1
    assert ask(trustee, area.request()).reason is Reason.ANSWERED


def test_a_restored_image_is_ready_without_what_expired_at_the_others(area, tmp_path):
    trustees = [area.trustee(n, is_alone=False) for n in range(1, 4)]
    own = area.stored(tmp_path / "own", is_alone=False)
    greet([own, *trustees])
    assert ask(own, area.request()) is None
    for message in own.pop_announcements():
        for each in trustees:
            each.take_peer(own.identity.name, message)
    area.today = DAY + KEPT_DAYS + 1
    for each in trustees:
        each.expire()
    restored = area.stored(tmp_path / "restored", is_alone=False)
    restored.expire()
    greet([restored, *trustees])
    assert not restored.is_ready
    restored.expire()
    assert restored.is_ready
    assert ask(restored, area.request(area.near[:8])).reason is Reason.ANSWERED


def test_a_clock_that_was_far_ahead_costs_the_days_that_were_answered_alone(area, tmp_path):
    """It deletes what was answered, so those days stay closed, also after a restart; no other does."""
    trustee = area.stored(tmp_path)
    assert isinstance(ask(trustee, area.request()), Answer)
    area.today = DAY + 400
    trustee.expire()
    area.today = DAY + 1
    trustee = restarted(area, tmp_path)
    for again in (area.request(), area.request(area.near[:8]), area.request(day=DAY - 1)):
        assert ask(trustee, again).reason is Reason.ANSWERED
    assert isinstance(ask(trustee, area.request(day=DAY + 1)), Answer)
    trustee.expire()
    other = ask(trustee, area.request(area.near[:8], day=DAY + 1))
    assert other.reason is Reason.CONFLICT


def test_a_clock_far_ahead_costs_no_day_before_the_first_answer(area, tmp_path):
    area.stored(tmp_path)
    area.today = DAY + 400
    restarted(area, tmp_path).expire()
    area.today = DAY
    assert isinstance(ask(restarted(area, tmp_path), area.request()), Answer)


def restarted(area, folder):
    """Start a stored trustee again; homes have drawn new seeds for the present month."""
    trustee = area.stored(folder, teaches=False)
    trustee.expire()
    area.sealing.learn(trustee.identity.name, trustee.notices())
    for home in area.near:
        home.generation += 1
        home.seeds = draw_seeds(area.shape)
        home.month = month_number(area.today)
    area.seed(trustee)
    return trustee
