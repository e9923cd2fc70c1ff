"""A message that meets a defect is set aside by its hash, and nothing else is."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from protocol.errors import (
    CipherError,
    ConfigError,
    DocumentRefused,
    MessageRefused,
    PublishRefused,
    Reason,
    StoreBusy,
    StoreError,
    TransportError,
)
from system import set_aside as module
from system.set_aside import AGAIN_AFTER, KEPT_MAX, SetAside, read_set_aside

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = b"what the message says"
PASSING = [
    StoreBusy("the disk is full"),
    StoreError("damaged"),
    TransportError("away"),
    PublishRefused("no", 0x87),
    MessageRefused(Reason.BOUNDS),
    sqlite3.OperationalError("database is locked"),
    sqlite3.OperationalError("database or disk is full"),
    sqlite3.DatabaseError("database disk image is malformed"),
    KeyboardInterrupt(),
    SystemExit(),
    asyncio.CancelledError(),
]
DEFECTS = [
    *(KeyError("k"), UnicodeDecodeError("utf-8", b"", 0, 1, ""), RecursionError(), MemoryError()),
    *(OverflowError(), AssertionError(), DocumentRefused("."), CipherError(""), ConfigError("")),
    *(sqlite3.IntegrityError("not null"), sqlite3.DataError(), sqlite3.InterfaceError()),
]


class Clock:
    at = NOW

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


def failing(error):
    def step():
        raise error

    return step


@pytest.mark.parametrize("error", DEFECTS, ids=repr)
def test_a_defect_sets_its_message_aside_and_tells_nothing_of_it(tmp_path, clock, error):
    path = tmp_path / module.FILE_NAME
    aside = SetAside(path, clock)
    with capture_logs() as logs:
        assert aside.handle("down/letter", SECRET, failing(error), "otherwise") == "otherwise"
    assert aside.holds(SECRET)
    assert not aside.holds(b"another")
    ((event, kind, defect),) = [(e["event"], e["kind"], e["defect"]) for e in logs]
    assert (event, kind, defect) == ("message_set_aside", "down/letter", type(error).__name__)
    told = path.read_bytes() + repr(logs).encode()
    assert SECRET not in told
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_what_may_pass_or_ends_the_program_sets_nothing_aside(clock, error):
    aside = SetAside(None, clock)
    with pytest.raises(type(error)):
        aside.handle("kind", SECRET, failing(error), None)
    assert not aside.holds(SECRET)
    if not isinstance(error, MessageRefused):
        with pytest.raises(type(error)):
            aside.part("a part", failing(error), None)


def test_a_fault_of_this_machine_is_no_fault_of_the_message(clock):
    aside = SetAside(None, clock)
    assert aside.handle("kind", SECRET, failing(OSError("no space")), 1) == 1
    assert not aside.holds(SECRET)


def test_it_is_not_met_again_by_the_next_process_and_tried_again_after_a_day(tmp_path, clock):
    path = tmp_path / module.FILE_NAME
    SetAside(path, clock).handle("kind", SECRET, failing(KeyError()), None)
    for later, is_handled in ((timedelta(), False), (AGAIN_AFTER / 2, False), (AGAIN_AFTER, True)):
        clock.at = NOW + later
        with capture_logs() as logs:
            assert SetAside(path, clock).handle("kind", SECRET, lambda: True, False) is is_handled
        assert logs == []
    (message,) = read_set_aside(path)
    assert (message.kind, message.defect, message.at) == ("kind", "KeyError", NOW)


def test_a_clock_that_was_ahead_sets_nothing_aside_for_longer(clock):
    aside = SetAside(None, clock)
    clock.at = NOW + timedelta(days=4_000)
    aside.handle("kind", SECRET, failing(KeyError()), None)
    clock.at = NOW
    assert aside.handle("kind", SECRET, lambda: True, False)


def test_the_file_has_a_bound(tmp_path, clock, monkeypatch):
    path = tmp_path / module.FILE_NAME
    monkeypatch.setattr(module, "KEPT_MAX", 5)
    aside = SetAside(path, clock)
    for number in range(9):
        aside.handle("kind", bytes([number]), failing(KeyError()), None)
    assert [aside.holds(bytes([number])) for number in range(9)] == [False] * 4 + [True] * 5
    assert len(read_set_aside(path)) == 5
    assert KEPT_MAX <= 1_000


@given(st.binary(max_size=200))
def test_any_file_can_be_read(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("aside") / module.FILE_NAME
    path.write_bytes(data)
    path.chmod(0o600)
    assert SetAside(path).handle("kind", SECRET, lambda: True, False)


def test_a_file_that_cannot_be_written_is_told_once_and_costs_nothing_else(tmp_path, clock):
    aside = SetAside(tmp_path / "missing" / module.FILE_NAME, clock)
    with capture_logs() as logs:
        for number in range(3):
            aside.handle("kind", bytes([number]), failing(KeyError()), None)
    assert [each["event"] for each in logs].count("set_aside_not_kept") == 1
    assert aside.holds(bytes([2]))


def test_a_part_may_name_what_the_operator_must_put_right(clock):
    aside = SetAside(None, clock)
    with pytest.raises(DocumentRefused):
        aside.part("figures", failing(DocumentRefused(".")), None, DocumentRefused)
    assert aside.part("figures", failing(DocumentRefused(".")), 7) == 7


def test_a_part_that_fails_is_tried_in_the_next_round(clock):
    aside = SetAside(None, clock)
    with capture_logs() as logs:
        assert [aside.part("letters", failing(KeyError()), n) for n in range(3)] == [0, 1, 2]
    assert [(each["event"], each["part"]) for each in logs] == [("part_failed", "letters")]
    assert aside.part("letters", lambda: 7, 0) == 7
