"""A receipt leaves at its drawn moment, whatever happens before."""

from datetime import timedelta

import pytest

from edge.mqtt.moments import in_next_day
from protocol.topics import Kind
from tests.support.receipts import Home

JANUARY = 31
STATEMENT = b"s" * 16
STEP = timedelta(minutes=7)


@pytest.fixture
def home(tmp_path):
    """A household with a correct bill, whose receipt leaves tomorrow."""
    made = Home(tmp_path / "home")
    made.moment = in_next_day
    made.begin()
    made.live(32)
    made.ask(0, JANUARY, STATEMENT)
    yield made
    made.kill()


def moment_of(home):
    return home.vault.receipts.unsent()[STATEMENT]


def pass_time(home, until):
    while home.clock.at + STEP < until:
        home.clock.at += STEP
        home.clock.seconds += STEP.total_seconds()
        home.pump()


def test_a_receipt_waits_for_its_moment_on_the_next_day(home):
    leaves_at = moment_of(home)
    assert leaves_at.date() == home.clock.at.date() + timedelta(days=1)
    assert home.chip.is_drained  # a capture's end does not wait for it
    pass_time(home, leaves_at)
    assert home.count(Kind.RECEIPT) == 0
    home.clock.at += STEP
    home.wait()
    assert home.count(Kind.RECEIPT) == 1
    assert len(home.receipts()) == 1
    assert home.vault.receipts.unsent() == {}


def test_restarts_neither_draw_again_nor_send_early(home):
    leaves_at = moment_of(home)
    for _ in range(3):
        home.kill()
        home.begin()
        home.wait()
        assert moment_of(home) == leaves_at
    assert home.count(Kind.RECEIPT) == 0
    home.kill()
    home.clock.at = leaves_at + timedelta(days=2)  # off at its moment
    home.begin()
    home.wait()
    assert len(home.receipts()) == 1
