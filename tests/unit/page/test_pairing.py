"""A visitor is let in by the code on the console, for five minutes, and once."""

import os
import threading
from datetime import UTC, datetime, timedelta

import pytest

from edge.household.pairing import OPEN_FOR, ORDER, WRONG_CODES_MAX, PairingWindow, open_window
from edge.household.visitors import VisitorRole
from protocol.errors import ConfigError, DocumentRefused
from system.locks import take_lock
from tests.support.disks import full_disk
from tests.support.steps import killed_at_each_step

NOW = datetime(2026, 11, 30, 7, tzinfo=UTC)


class Console:
    def __init__(self, directory):
        self.directory, self.at = directory, NOW

    def window(self):
        """A window as the chip has it after any restart."""
        return PairingWindow(self.directory, lambda: self.at)

    def pair(self, role=VisitorRole.OWNER):
        return open_window(self.directory, role, self.at).code


@pytest.fixture
def console(tmp_path):
    return Console(tmp_path)


def wrong(code):
    return f"{(int(code) + 1) % 10**8:08}"


@pytest.mark.parametrize("role", list(VisitorRole))
def test_the_code_lets_one_visitor_in_as_what_the_console_said(console, role):
    code = console.pair(role)
    assert console.window().state().is_open
    assert console.window().admit(code) is role
    with pytest.raises(DocumentRefused, match="No visitor is let in now"):
        console.window().admit(code)


def test_a_window_shuts_by_time_and_is_not_believed_from_the_future(console):
    code = console.pair()
    console.at += OPEN_FOR
    assert not console.window().state().is_open
    with pytest.raises(DocumentRefused):
        console.window().admit(code)
    console.at = NOW - timedelta(days=1)
    assert not console.window().state().is_open


def test_wrong_codes_are_counted_over_restarts(console):
    code = console.pair()
    for _ in range(WRONG_CODES_MAX - 1):
        with pytest.raises(DocumentRefused, match="not the code"):
            console.window().admit(wrong(code))
    assert console.window().state().is_open
    with pytest.raises(DocumentRefused, match="five wrong codes came"):
        console.window().admit(wrong(code))
    assert not console.window().state().is_open
    with pytest.raises(DocumentRefused, match="five wrong codes came; if they were not yours"):
        console.window().admit(code)
    assert console.window().admit(console.pair())


def test_a_console_that_is_killed_at_any_step_leaves_the_window_before_or_the_new_one(console):
    first = ORDER.read(console.directory) if console.pair() else None
    for step in killed_at_each_step(lambda: console.pair(VisitorRole.VIEWER)):
        order = ORDER.read(console.directory)
        assert order == first or (order.role is VisitorRole.VIEWER and step > 3)
    assert console.window().admit(console.pair()) is VisitorRole.OWNER


def test_a_new_window_replaces_the_one_before(console):
    first, second = console.pair(), console.pair()
    if first != second:
        with pytest.raises(DocumentRefused):
            console.window().admit(first)
    assert console.window().admit(second) is VisitorRole.OWNER


def test_a_damaged_file_counts_as_shut(console):
    console.pair()
    (console.directory / ORDER.name).write_bytes(b"{")
    assert not console.window().state().is_open


def test_the_code_is_nobody_elses_to_read(console):
    console.pair()
    assert (console.directory / ORDER.name).stat().st_mode & 0o777 == 0o600


def test_console_and_chip_change_the_window_one_after_the_other(console):
    """A chip that counts a wrong code must not write an old window over the console's new one."""
    before = console.pair()
    held = take_lock(console.directory)
    pairing = threading.Thread(target=console.pair)
    pairing.start()
    assert ORDER.read(console.directory).code == before
    os.close(held)
    pairing.join()
    assert ORDER.read(console.directory).code != before


def test_one_who_holds_the_window_for_ever_does_not_hold_the_chip(console):
    code = console.pair()
    held = take_lock(console.directory)
    with pytest.raises(ConfigError, match=r"pairing.json is held by another program; try again\.$"):
        console.window().admit(code)
    os.close(held)
    assert console.window().admit(code) is VisitorRole.OWNER


def test_codes_that_cannot_be_counted_on_a_full_disk_are_not_taken(console):
    code = console.pair()
    with full_disk():
        with pytest.raises(ConfigError, match="cannot be written"):
            console.window().admit(wrong(code))
        with pytest.raises(DocumentRefused, match="No visitor is let in now"):
            console.window().admit(code)


def test_a_full_disk_keeps_out_nobody_who_has_the_code(console):
    code = console.pair()
    with full_disk():
        assert console.window().admit(code) is VisitorRole.OWNER
