"""The button lets in the one visitor whose number the light flashes, and nobody else, ever."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from edge.household.pairing import (
    KNOCK_FOR,
    OPEN_FOR,
    ORDER,
    WRONG_CODES_MAX,
    PairingWindow,
    open_window,
)
from edge.household.shown import Knocked
from edge.household.visitors import VisitorRole
from protocol.errors import DocumentRefused

NOW = datetime(2026, 11, 30, 7, tzinfo=UTC)
VISITORS = st.integers(0, 2)


class Doorway(RuleBasedStateMachine):
    """Three visitors, a hand at the button, and time; the chip restarts as it likes."""

    def __init__(self):
        super().__init__()
        self.folder = TemporaryDirectory()
        self.at = NOW
        self.window = self.restarted()
        self.open_until = NOW
        # Of each visitor: the knock, and whether the button was pressed while it was flashed.
        self.knocks: dict[int, tuple[Knocked, bool]] = {}
        self.last: int | None = None

    def restarted(self):
        return PairingWindow(Path(self.folder.name), lambda: self.at, has_button=True)

    @rule()
    def restart(self):
        self.window = self.restarted()

    @rule(seconds=st.integers(1, 90))
    def wait(self, seconds):
        self.at += timedelta(seconds=seconds)

    @rule()
    def hold_for_ten_seconds(self):
        open_window(Path(self.folder.name), VisitorRole.OWNER, self.at)
        self.open_until, self.last = self.at + OPEN_FOR, None

    def is_open(self):
        return self.at < self.open_until

    def flashed(self):
        """The visitor for whom the light flashes, None for none."""
        if self.last is None or not self.is_open():
            return None
        knock, is_pressed = self.knocks[self.last]
        return None if is_pressed or self.at >= knock.until else self.last

    def is_taken(self):
        """Whether somebody waits, or was let in and has still to ask."""
        return self.last is not None and self.at < self.knocks[self.last][0].until

    @rule(visitor=VISITORS)
    def knock(self, visitor):
        if not self.is_open() or self.is_taken():
            with pytest.raises(DocumentRefused):
                self.window.knock()
            return
        knock = self.window.knock()
        assert knock.until <= self.at + KNOCK_FOR
        assert self.last is None or knock.number != self.knocks[self.last][0].number
        self.knocks[visitor], self.last = (knock, False), visitor

    @rule()
    def press(self):
        visitor = self.flashed()
        waiting = self.window.seen()[1]
        if visitor is None:
            assert waiting is None
            for knock, _ in self.knocks.values():
                assert not self.window.let_in(knock.knock)
            return
        knock = self.knocks[visitor][0]
        assert (waiting.id, waiting.number) == (knock.knock, knock.number)
        for other, (each, _) in self.knocks.items():
            assert other == visitor or not self.window.let_in(each.knock)
        assert self.window.let_in(knock.knock)
        self.knocks[visitor] = (knock, True)

    @rule(visitor=VISITORS)
    def ask(self, visitor):
        if visitor not in self.knocks:
            return
        knock, is_pressed = self.knocks[visitor]
        is_current = visitor == self.last and self.is_open() and self.at < knock.until
        if not is_current:
            with pytest.raises(DocumentRefused, match="Nobody pressed"):
                self.window.admit_by_button(knock.knock)
        elif is_pressed:
            assert self.window.admit_by_button(knock.knock) is VisitorRole.OWNER
            self.open_until = self.at  # once
        else:
            assert self.window.admit_by_button(knock.knock) == knock

    def teardown(self):
        self.folder.cleanup()


def test_whoever_comes_in_whatever_order():
    run_state_machine_as_test(
        Doorway, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )


def test_a_chip_without_a_button_lets_nobody_wait_for_it(tmp_path):
    open_window(tmp_path, VisitorRole.OWNER, NOW)
    window = PairingWindow(tmp_path, lambda: NOW)
    assert not window.state().by_button
    with pytest.raises(DocumentRefused, match="hold the button"):
        window.knock()


def test_the_code_still_lets_in_while_somebody_waits_and_shuts_the_window(tmp_path):
    code = open_window(tmp_path, VisitorRole.VIEWER, NOW).code
    window = PairingWindow(tmp_path, lambda: NOW, has_button=True)
    knock = window.knock()
    assert window.admit(code) is VisitorRole.VIEWER
    assert not window.let_in(knock.knock)
    with pytest.raises(DocumentRefused):
        window.admit_by_button(knock.knock)


def test_wrong_codes_of_a_stranger_do_not_shut_out_whom_the_button_lets_in(tmp_path):
    code = open_window(tmp_path, VisitorRole.OWNER, NOW).code
    window = PairingWindow(tmp_path, lambda: NOW, has_button=True)
    for _ in range(WRONG_CODES_MAX):
        with pytest.raises(DocumentRefused):
            window.admit(f"{(int(code) + 1) % 10**8:08}")
    with pytest.raises(DocumentRefused, match="five wrong codes"):
        window.admit(code)
    assert window.state().by_button
    knock = window.knock()
    assert window.let_in(knock.knock)
    assert window.admit_by_button(knock.knock) is VisitorRole.OWNER


def test_a_damaged_window_is_shut_on_a_disk_that_takes_nothing(tmp_path):
    (tmp_path / ORDER.name).mkdir()
    window = PairingWindow(tmp_path, lambda: NOW, has_button=True)
    assert window.seen()[1] is None
    assert not window.state().is_open
