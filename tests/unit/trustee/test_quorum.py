"""A sum leaves once the logs of t trustees contain its request, and not before."""

import msgspec
import pytest

from protocol.area_cipher import SHAPES
from protocol.errors import Reason
from protocol.trustee_messages import Answer, Ask
from tests.support.trustee_area import (
    TrusteeArea,
    answer_of,
    ask,
    ask_all,
    converse,
    greet,
    log_line,
    share_answers,
)
from trustee.log import TrusteeLog

# When all seeds of March are deleted: the 13th of April.
CLOSED_AFTER_DAYS = 34


@pytest.fixture
def area():
    return TrusteeArea(homes=6, far=0)


@pytest.fixture
def town(area):
    trustees = [area.trustee(n, is_alone=False) for n in range(area.shape.trustees)]
    greet(trustees)
    return trustees


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_answer_leaves_with_the_last_log_that_was_missing(shape):
    area = TrusteeArea(shape, homes=6, far=0)
    town = [area.trustee(n, is_alone=False) for n in range(shape.trustees)]
    greet(town)
    request = area.request()
    expected = {each.identity.name: ask(area.trustee(n), request) for n, each in enumerate(town)}
    for count, trustee in enumerate(town, 1):
        own = ask(trustee, request)
        name = trustee.identity.name
        assert own == (expected[name] if count >= shape.threshold else None)
        sent = share_answers(trustee, [other for other in town if other is not trustee])
        for other in town[: count - 1]:
            pages = sent[other.identity.name]
            is_last = count == shape.threshold
            assert answer_of(pages) == (expected[other.identity.name] if is_last else None)


def test_masks_of_check_slots_leave_at_once(area, town):
    assert isinstance(ask(town[0], area.request(ask=Ask.CHECK)), Answer)


def test_who_asks_again_meanwhile_hears_how_many_logs_are_missing(area, town):
    request = area.request()
    assert ask(town[0], request) is None
    refused = ask(town[0], request)
    assert (refused.reason, refused.detail) == (
        Reason.NOT_READY,
        "the request is not in 2 other trustees' logs yet",
    )
    assert town[0].known().log_length == 1


def test_an_answer_that_was_lost_is_given_again(area, town):
    request = area.request()
    answers = ask_all(town, request)
    assert all(isinstance(answer, Answer) for answer in answers)
    assert [ask(trustee, request) for trustee in town] == answers


def test_words_that_were_withheld_come_with_the_next_hello(area, town):
    """A figure is late then; nothing more is lost."""
    request = area.request()
    for trustee in town[:3]:
        ask(trustee, request)
        trustee.pop_announcements()
    sent = converse(town, [(town[0].identity.name, each) for each in town[0].peers.hello()])
    assert answer_of(sent["trustee-a"]) == ask(area.trustee(0), request)


def test_a_restart_while_logs_are_missing_changes_nothing(area, town, tmp_path):
    request = area.request()
    trustee = area.stored(tmp_path, 0, is_alone=False)
    greet([trustee, *town[1:]])
    assert ask(trustee, request) is None
    share_answers(trustee, town[1:])
    for other in town[1:3]:
        ask(other, request)
        share_answers(other, [each for each in town[1:3] if each is not other])
    trustee._log.close()

    again = area.trustee(0, TrusteeLog.open(tmp_path), is_alone=False, teaches=False)
    assert ask(again, request).reason is Reason.NOT_READY
    greet([again, *town[1:]])
    assert ask(again, request) == ask(area.trustee(0), request)
    assert again.known().log_length == 1
    again._log.close()


def test_killed_between_the_last_log_and_the_answer_it_is_given_when_asked_for(
    area, town, tmp_path
):
    request = area.request()
    trustee = area.stored(tmp_path, 0, is_alone=False)
    greet([trustee, *town[1:]])
    ask(trustee, request)
    for number in (1, 2):
        name = town[number].identity.name
        trustee.take_peer(name, log_line(town[number].identity, request))
    trustee._log.close()

    again = area.trustee(0, TrusteeLog.open(tmp_path), is_alone=False, teaches=False)
    greet([again, *town[1:]])
    assert ask(again, request) == ask(area.trustee(0), request)
    again._log.close()


def test_a_trustee_that_has_just_started_gives_nothing_out_by_itself(area, town, tmp_path):
    """What it was told before it forgot is not known to it yet."""
    request = area.request()
    trustee = area.stored(tmp_path, 0, is_alone=False)
    greet([trustee, *town[1:]])
    ask(trustee, request)
    trustee._log.close()
    again = area.trustee(0, TrusteeLog.open(tmp_path), is_alone=False, teaches=False)
    for number in (1, 2):
        line = log_line(town[number].identity, request)
        assert again.take_peer(town[number].identity.name, line) == []
    again._log.close()


def test_what_waits_when_its_month_is_closed_is_given_out_later(area, town):
    """It was computed before the seeds were deleted, as what was given out then."""
    request = area.request()
    expected = ask(area.trustee(0), request)
    assert ask(town[0], request) is None
    area.today += CLOSED_AFTER_DAYS
    town[0].expire()
    for number in (1, 2):
        line = log_line(town[number].identity, request)
        sent = town[0].take_peer(town[number].identity.name, line)
    assert answer_of(sent) == expected == ask(town[0], request)
    assert ask(town[0], area.request(day=request.request.day + 1)).reason is Reason.ANSWERED


def test_logs_with_other_requests_or_without_the_collectivity_s_signature_do_not_count(area, town):
    request = area.request()
    assert ask(town[0], request) is None
    invented = msgspec.structs.replace(request, signature=bytes(64))
    others = [area.request(ask=Ask.CHECK), area.request(day=request.request.day - 1), invented]
    for author, other in zip(town[1:], others, strict=True):
        line = log_line(author.identity, other)
        assert town[0].take_peer(author.identity.name, line) == []
    assert ask(town[0], request).detail == "the request is not in 2 other trustees' logs yet"


def test_one_trustee_s_log_counts_once(area, town):
    request = area.request()
    ask(town[0], request)
    for _ in range(3):
        assert town[0].take_peer("trustee-b", log_line(town[1].identity, request)) == []
    assert ask(town[0], request).detail == "the request is not in 1 other trustee's log yet"
