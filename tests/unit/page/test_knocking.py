"""The button lets in the one visitor whose number the light flashes, and nobody else, ever."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from edge.household.messages import Knocked, VisitorRole
from edge.household.pairing import KNOCK_FOR, OPEN_FOR, PairingWindow, open_window
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

    @rule(visitor=VISITORS)
    def knock(self, visitor):
        if not self.is_open() or self.flashed() is not None:
            with pytest.raises(DocumentRefused):
                self.window.knock()
            return
        knock = self.window.knock()
        assert knock.until <= self.at + KNOCK_FOR
        self.knocks[visitor], self.last = (knock, False), visitor

    @rule()
    def press(self):
        visitor = self.flashed()
        assert self.window.number() == (None if visitor is None else self.knocks[visitor][0].number)
        assert self.window.let_in() is (visitor is not None)
        if visitor is not None:
            self.knocks[visitor] = (self.knocks[visitor][0], True)

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
    assert not window.let_in()
    with pytest.raises(DocumentRefused):
        window.admit_by_button(knock.knock)
