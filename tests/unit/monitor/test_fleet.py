"""The chips that a monitor knows: by their own word and the broker's, in bounded memory."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.fleet import OVERDUE, Fleet
from protocol.errors import MessageRefused
from protocol.ids import DeviceId
from protocol.status import State, Status, encode_status

NOW = datetime(2026, 3, 10, 12, 40, tzinfo=UTC)
HOUR = NOW.replace(minute=0)
A, B, C = (DeviceId(letter * 26) for letter in "abc")


def payload(state=State.READY, at=HOUR, **facts):
    return encode_status(Status(state=state, at=at, **facts))


def fleet(*names, chips_max=10, at_s=0.0):
    made = Fleet(chips_max)
    for name in names:
        made.take(name, payload(), NOW, at_s)
    return made


def test_a_chip_is_known_by_its_latest_status():
    known = fleet(A)
    known.take(A, payload(State.ALERT, outbox_depth=7), NOW + timedelta(hours=2), 1.0)
    chip = known.chips[A]
    assert (chip.status.state, chip.status.outbox_depth) == (State.ALERT, 7)
    assert chip.since == HOUR + timedelta(hours=2)


def test_since_when_is_told_only_if_the_monitor_saw_it():
    known = fleet(A)
    assert known.chips[A].since is None
    known.take(A, payload(), NOW + timedelta(hours=2), 1.0)
    assert known.chips[A].since is None


def test_a_lost_chip_keeps_what_it_told_before():
    known = fleet()
    known.take(A, payload(outbox_depth=7, not_after=HOUR), NOW, 0.0)
    known.take(A, payload(State.LOST, None), NOW + timedelta(hours=3), 1.0)
    chip = known.chips[A]
    assert chip.status.state is State.LOST
    assert (chip.status.outbox_depth, chip.status.not_after) == (7, HOUR)
    assert (chip.heard_at, chip.since) == (HOUR, HOUR + timedelta(hours=3))


def test_a_lost_chip_that_has_told_nothing_was_never_heard():
    known = fleet()
    known.take(A, payload(State.LOST, None), NOW, 0.0)
    assert known.chips[A].heard_at is None


def test_a_clock_that_is_ahead_makes_no_report_of_an_hour_to_come():
    known = fleet()
    known.take(A, payload(at=NOW + timedelta(days=300)), NOW, 0.0)
    assert known.chips[A].heard_at == HOUR


@pytest.mark.parametrize(
    ("state", "age", "is_overdue"),
    [
        (State.READY, OVERDUE - timedelta(hours=1), False),
        (State.READY, OVERDUE + timedelta(hours=1), True),
        (State.LOST, OVERDUE + timedelta(hours=1), False),
    ],
)
def test_a_chip_is_overdue_if_it_says_that_it_is_there_and_does_not_report(state, age, is_overdue):
    known = fleet()
    known.take(A, payload(state, HOUR - age), HOUR, 0.0)
    assert known.chips[A].is_overdue(HOUR) is is_overdue


def test_an_empty_message_clears_a_chip():
    known = fleet(A, B)
    known.take(A, b"", NOW, 1.0)
    assert list(known.chips) == [B]


def test_of_too_many_the_one_not_heard_of_for_longest_goes_and_is_counted():
    known = fleet(A, B, chips_max=2)
    known.take(A, payload(), NOW, 1.0)
    known.take(C, payload(), NOW, 2.0)
    assert list(known.chips) == [A, C]
    assert known.dropped == 1


def test_chips_of_which_a_new_connection_does_not_tell_are_forgotten():
    known = fleet(A, B, at_s=5.0)
    known.take(B, payload(), NOW, 20.0)
    assert known.forget_unseen(10.0) == 1
    assert list(known.chips) == [B]


def test_what_is_no_status_changes_nothing():
    known = fleet(A)
    with pytest.raises(MessageRefused):
        known.take(A, b"{", NOW, 1.0)
    assert known.chips[A].seen_at_s == 0.0


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([*State, None])), max_size=40),
    st.integers(1, 4),
)
def test_never_more_chips_than_allowed_and_each_by_its_last_message(messages, most):
    known = Fleet(most)
    last = {}
    for number, (letter, state) in enumerate(messages):
        device = DeviceId(letter * 26)
        known.take(device, b"" if state is None else payload(state), NOW, float(number))
        last[device] = state
        assert len(known.chips) <= most
    assert {name: chip.status.state for name, chip in known.chips.items()}.items() <= last.items()
