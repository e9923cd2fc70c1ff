"""The chip's door: one request at a time, for few, and whatever comes in it goes on."""

import os
import socket
import struct
import threading
import time

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.household import door as door_module
from edge.household.call import call, door_in
from edge.household.door import open_door
from edge.household.messages import ANSWER_BYTES_MAX
from edge.household.requests import REQUEST_BYTES_MAX, AskPairing, AskState, TakeAnswer
from edge.household.shown import NotDone, Pairing
from edge.language.choice import Lang
from edge.page.guards import BODY_BYTES_MAX
from protocol.errors import TransportError

CLOSED = Pairing(is_open=False)


def answer(question):
    if question == AskState():
        raise LookupError("a value that nobody may see")
    return CLOSED


@pytest.fixture
def path(tmp_path):
    # Longer than the 107 bytes that the path of a socket may have.
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    with open_door(deep, answer):
        yield door_in(deep)


def connected(path):
    channel = socket.socket(socket.AF_UNIX)
    place = os.open(path.parent, os.O_PATH)
    try:
        channel.connect(f"/proc/self/fd/{place}/{path.name}")
    finally:
        os.close(place)
    return channel


def test_a_request_is_answered_and_the_socket_is_closed_to_others(path):
    assert call(path, AskPairing()) == CLOSED
    assert path.stat().st_mode & 0o777 == 0o600


def test_whatever_file_a_visitor_may_choose_gets_through(path):
    for text in ('"' * BODY_BYTES_MAX, "\0" * BODY_BYTES_MAX, "\ufffd" * BODY_BYTES_MAX):
        assert call(path, TakeAnswer(answer=text, household="ab" * 8)) == CLOSED


def test_nobody_answers_where_no_chip_runs(tmp_path):
    with pytest.raises(TransportError, match="The chip does not answer"):
        call(tmp_path / "household.sock", AskPairing())


def test_a_fault_in_a_view_is_one_sentence_without_its_value(path):
    refused = call(path, AskState())
    assert isinstance(refused, NotDone)
    assert "a value" not in refused.texts[Lang.EN]
    assert call(path, AskPairing()) == CLOSED


@pytest.mark.parametrize(
    "unsendable",
    [NotDone({Lang.EN: "\ud800"}), NotDone({Lang.EN: "x" * ANSWER_BYTES_MAX})],
    ids=["text", "size"],
)
def test_an_answer_that_cannot_be_sent_is_one_sentence_and_the_door_stays_open(
    tmp_path, unsendable
):
    with open_door(tmp_path, lambda asked: unsendable if asked == AskState() else CLOSED):
        refused = call(door_in(tmp_path), AskState())
        assert isinstance(refused, NotDone)
        assert "see its log" in refused.texts[Lang.EN]
        assert call(door_in(tmp_path), AskPairing()) == CLOSED


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=200), st.booleans())
def test_whatever_is_sent_the_next_request_is_answered(path, data, is_framed):
    with connected(path) as channel:
        channel.sendall(len(data).to_bytes(4) + data if is_framed else data)
    assert call(path, AskPairing()) == CLOSED


def test_a_frame_that_claims_to_be_huge_takes_no_memory(path):
    with connected(path) as channel:
        channel.sendall(struct.pack(">I", 2**32 - 1))
        assert channel.recv(1) == b""
    assert call(path, AskPairing()) == CLOSED


def test_a_visitor_who_says_nothing_is_let_go(path):
    with connected(path):
        assert call(path, AskPairing()) == CLOSED


def dribble(channel):
    for _ in range(REQUEST_BYTES_MAX):
        channel.sendall(b" ")
        time.sleep(0.05)


def test_a_visitor_who_speaks_byte_by_byte_is_let_go(path, monkeypatch):
    """It would keep all others out, and the chip from ending."""
    monkeypatch.setattr(door_module, "WAIT_S", 0.3)
    with connected(path) as channel:
        channel.sendall(REQUEST_BYTES_MAX.to_bytes(4))
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            dribble(channel)
        assert call(path, AskPairing()) == CLOSED


@pytest.fixture
def outside(tmp_path):
    """A directory that its group alone may enter."""
    made = tmp_path / "outside"
    made.mkdir(mode=0o710)
    return made


def test_outside_the_door_is_open_to_whom_its_directory_lets_in(tmp_path, outside):
    with open_door(tmp_path, answer, outside):
        assert call(door_in(outside), AskPairing()) == CLOSED
        assert door_in(outside).stat().st_mode & 0o777 == 0o666
        assert call(door_in(tmp_path), AskPairing()) == CLOSED, (
            "by the link in the chip's directory"
        )
    left = (*tmp_path.iterdir(), *outside.iterdir())
    assert [each.name for each in left] == ["outside"]


def test_it_is_not_opened_where_everybody_may_enter(tmp_path, outside):
    outside.chmod(0o711)
    with pytest.raises(PermissionError), open_door(tmp_path, answer, outside):
        pass
    assert not door_in(outside).exists()


def test_what_a_killed_chip_has_left_is_replaced(tmp_path, outside):
    door_in(tmp_path).symlink_to(outside / "gone")
    door_in(outside).touch()
    with open_door(tmp_path, answer, outside):
        assert call(door_in(tmp_path), AskPairing()) == CLOSED
    door_in(tmp_path).symlink_to(outside / "gone")
    with open_door(tmp_path, answer):
        assert call(door_in(tmp_path), AskPairing()) == CLOSED


def test_the_thread_rests_as_long_as_it_has_worked(tmp_path, monkeypatch):
    """So that no flood of requests takes more than half of a core from metering."""
    rests, now = [], [0.0]
    monkeypatch.setattr(door_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(door_module.time, "sleep", rests.append)

    def slow(_):
        now[0] += 3.0
        return CLOSED

    with open_door(tmp_path, slow):
        call(door_in(tmp_path), AskPairing())
    assert max(rests) == 3.0


def test_a_door_that_is_shut_leaves_no_thread_and_no_socket(tmp_path):
    before = threading.active_count()
    with open_door(tmp_path, answer):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
    assert not door_in(tmp_path).exists()


def test_a_request_with_an_unknown_field_is_none():
    with pytest.raises(msgspec.ValidationError):
        door_module.read_question(b'{"type": "state", "also": 1}')
