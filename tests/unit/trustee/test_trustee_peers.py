"""What trustees tell each other: a restored image hears what it forgot, two sets raise alarm."""

import shutil

import msgspec
import pytest
from structlog.testing import capture_logs

from protocol.area_cipher import SHAPES
from protocol.convictions import Offence
from protocol.errors import Reason
from protocol.trustee_messages import (
    Answer,
    Ask,
    Entries,
    FromPeer,
    Hello,
    LogEntry,
    Refused,
    Synced,
    sign_log_entry,
)
from tests.support.trustee_area import (
    TrusteeArea,
    ask,
    ask_all,
    converse,
    greet,
    share_answers,
)
from trustee.log import TrusteeLog


@pytest.fixture(scope="module")
def area():
    return TrusteeArea()


def everyone(area, **options):
    return [area.trustee(n, is_alone=False, **options) for n in range(area.shape.trustees)]


def alarms(trustee):
    return [(each.offence, each.offender) for each in trustee._log.alarms()]


def test_a_trustee_answers_nothing_before_it_has_heard_the_others(area):
    trustee = area.trustee(is_alone=False)
    assert ask(trustee, area.request()).reason == Reason.NOT_READY
    assert not trustee.known().is_ready


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_as_many_others_as_meet_every_quorum_must_have_spoken(shape):
    area = TrusteeArea(shape, far=0)
    first, *others = everyone(area)
    needed = shape.trustees - shape.threshold + 1
    for count, other in enumerate(others, 1):
        greet([first, other])
        assert first.is_ready == (count >= needed)


def test_an_answer_to_an_earlier_hello_does_not_count(area):
    first, second, third, _ = everyone(area)
    for other in (second, third):
        name = other.identity.name
        first.take_peer(name, FromPeer(Synced(first.identity.name, bytes(16))))
    assert not first.is_ready


def test_one_of_four_may_be_away(area):
    three = everyone(area)[:3]
    greet(three)
    answers = ask_all(three, area.request())
    assert area.opened(area.near, dict(enumerate(answers)))[-1] == len(area.near)


def test_restored_image_hears_what_it_answered_before_it_answers_again(area, tmp_path):
    trustee = area.stored(tmp_path / "a", is_alone=False)
    others = everyone(area)[1:]
    greet([trustee, *others])
    trustee._log.close()
    shutil.copytree(tmp_path / "a", tmp_path / "old")

    trustee = area.stored(tmp_path / "a", is_alone=False, teaches=False)
    greet([trustee, *others])
    check, *_ = ask_all([trustee, *others], area.request(ask=Ask.CHECK))
    answer, *_ = ask_all([trustee, *others], area.request())
    trustee._log.close()

    restored = area.stored(tmp_path / "old", is_alone=False, teaches=False)
    assert restored.known().log_length == 0
    assert ask(restored, area.request(area.near[1:])).reason == Reason.NOT_READY
    greet([restored, *others[:2]])
    assert restored.is_ready
    assert restored.known().log_length == 2
    assert isinstance(ask(restored, area.request(area.near[1:])), Refused)
    assert ask(restored, area.request(ask=Ask.CHECK)) == check
    assert ask(restored, area.request()) == answer
    assert restored.known().log_length == 2
    assert alarms(restored) == [(Offence.TWO_SETS, "collectivity")]
    restored._log.close()


def test_a_trustee_that_lost_its_database_hears_what_it_answered_and_says_so(area, tmp_path):
    trustee = area.stored(tmp_path / "a", is_alone=False)
    others = everyone(area)[1:]
    greet([trustee, *others])
    check, *_ = ask_all([trustee, *others], area.request(ask=Ask.CHECK))
    answer, *_ = ask_all([trustee, *others], area.request())
    trustee._log.close()

    anew = area.stored(tmp_path / "new", is_alone=False)
    assert ask(anew, area.request(area.near[1:])).reason == Reason.NOT_READY
    with capture_logs() as logs:
        greet([anew, *others[:2]])
    assert [each for each in logs if each["event"] == "own_answers_given_back"] == [
        {"event": "own_answers_given_back", "log_level": "warning", "entries": 2}
    ]
    assert isinstance(ask(anew, area.request(area.near[1:])), Refused)
    assert ask(anew, area.request(ask=Ask.CHECK)) == check
    assert ask(anew, area.request()) == answer
    anew._log.close()


def test_restored_image_waits_for_the_requests_that_it_answered(area, tmp_path):
    """The others hold its entries but were not asked the same: it does not guess."""
    area = TrusteeArea()
    trustee = area.stored(tmp_path / "a", is_alone=False)
    others = everyone(area)[1:]
    greet([trustee, *others])
    ask(trustee, area.request())
    share_answers(trustee, others)
    trustee._log.close()
    restored = area.stored(tmp_path / "new", is_alone=False)
    greet([restored, *others])
    assert restored.known().log_length == 1
    assert not restored.is_ready
    ask(others[0], area.request())
    converse(
        [restored, *others],
        [(restored.identity.name, each) for each in restored.peers.hello()],
    )
    assert restored.is_ready
    assert ask(restored, area.request(area.near[1:])).reason == Reason.CONFLICT
    restored._log.close()


def test_sabotage_without_the_echo_a_restored_image_gives_a_second_set(area, tmp_path):
    trustee = area.stored(tmp_path / "a")
    ask(trustee, area.request())
    trustee._log.close()
    restored = area.stored(tmp_path / "new")
    assert isinstance(ask(restored, area.request(area.near[1:])), Answer)
    restored._log.close()


def test_entries_that_were_lost_on_their_way_are_asked_for(area):
    first, *others = everyone(area)
    greet([first, *others])
    ask(first, area.request())
    first.pop_announcements()
    converse([first, *others], [(first.identity.name, each) for each in first.peers.hello()])
    assert all(each._log.holding(first.identity.name).length == 1 for each in others)


def test_two_sets_given_to_two_trustees_raise_the_alarm_at_all_who_hear(area):
    first, second, third, fourth = everyone(area)
    greet([first, second, third, fourth])
    assert ask(first, area.request()) is None
    assert ask(second, area.request(area.near[1:])) is None
    share_answers(first, [second, third, fourth])
    share_answers(second, [first, third, fourth])
    for each in (first, second, third, fourth):
        assert alarms(each) == [(Offence.TWO_SETS, "collectivity")]
        assert each._log.counters()["alarm_two_sets"] == 1
    for each in (third, fourth):
        for request in (area.request(), area.request(area.near[1:])):
            assert ask(each, request).reason == Reason.CONFLICT
    answers = ask_all([first, third, fourth], area.request(area.far, group="92"))
    assert all(isinstance(answer, Answer) for answer in answers)


def test_a_set_other_than_one_that_was_heard_of_is_refused_with_alarm(area):
    first, second, third, fourth = everyone(area)
    greet([first, second, third, fourth])
    ask(first, area.request())
    share_answers(first, [second, third, fourth])
    assert ask(second, area.request(area.near[1:])).reason == Reason.CONFLICT
    assert alarms(second) == [(Offence.TWO_SETS, "collectivity")]


def test_the_same_set_at_all_raises_no_alarm(area):
    trustees = everyone(area)
    greet(trustees)
    for one in Ask:
        answers = ask_all(trustees, area.request(ask=one))
        assert all(isinstance(answer, Answer) for answer in answers)
    assert [alarms(each) for each in trustees] == [[], [], [], []]


def test_entries_that_nobody_of_the_set_signed_are_refused(area):
    first, second, *_ = everyone(area)
    entry = _entry(area, second.identity.name)
    forged = sign_log_entry(entry, "testville", first.identity.signing_key)
    stranger = sign_log_entry(
        msgspec.structs.replace(entry, trustee="trustee-z"),
        "testville",
        second.identity.signing_key,
    )
    for signed in (forged, stranger):
        first.take_peer("trustee-b", FromPeer(Entries((signed,))))
    assert first._log.holding("trustee-b").length == 0
    assert first._log.counters()["refused_bad_signature"] == 2


def test_two_logs_of_one_trustee_raise_the_alarm(area):
    first, second, *_ = everyone(area)
    for number in (0, 1):
        entry = msgspec.structs.replace(_entry(area, "trustee-b"), households=10 + number)
        signed = sign_log_entry(entry, "testville", second.identity.signing_key)
        first.take_peer("trustee-b", FromPeer(Entries((signed,))))
    assert alarms(first) == [(Offence.FORKED_LOG, "trustee-b")]


def test_a_trustee_whose_own_log_is_forked_answers_no_more(area):
    first, *others = everyone(area)
    greet([first, *others])
    ask(first, area.request())
    other = msgspec.structs.replace(_entry(area, "trustee-a"), households=3)
    signed = sign_log_entry(other, "testville", first.identity.signing_key)
    first.take_peer("trustee-b", FromPeer(Entries((signed,))))
    assert not first.is_ready


def test_hello_names_what_is_held_of_each(area):
    trustee = area.trustee()
    (hello,) = trustee.peers.hello()
    assert isinstance(hello.message, Hello)
    assert {each.trustee for each in hello.message.holdings} == {
        each.name for each in area.set.trustees
    }


def test_memory_of_a_trustee_ends_with_the_process():
    kept = TrusteeLog.in_memory()
    assert kept.holdings() == []
    kept.close()


def _entry(area, name):
    return LogEntry(name, 0, bytes(32), area.request().summary, 10)
