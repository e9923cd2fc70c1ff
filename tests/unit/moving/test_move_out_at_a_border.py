"""A household moves out as one day, or one contract, gives way to the next: the cloud is told."""

from datetime import timedelta

import pytest

from edge.contracts.enrolling import make_request, sign_contract
from edge.identity.keys import load_keys
from edge.moving.departure import leave_order
from tests.support.dwelling import OLD, ONE_DAY, day, enrolled, make_offer


@pytest.fixture(scope="module")
def offer():
    return make_offer()


@pytest.fixture
def home(tmp_path, offer):
    with enrolled(tmp_path, offer) as home:
        home.begin()
        yield home


def leave_with_next_reading(home, elapsed):
    """Order the move, and let the next reading, and one that confirms it, come so much later."""
    leave_order(home.directory, home.clock.now())
    home.pass_time(elapsed)
    home.pass_time(timedelta(seconds=1))
    home.exchange()
    return home.vault.departures.get()


def refusals(home):
    return [letter.detail for letter in home.cloud.store.dead_letters()]


@pytest.mark.parametrize(
    ("elapsed", "last"),
    [
        (timedelta(minutes=15), 3),  # midnight itself
        (timedelta(minutes=15, seconds=1), 3),
        (timedelta(minutes=16), 3),
        (timedelta(days=4), 6),
    ],
)
def test_the_last_day_is_that_of_the_last_reading(home, elapsed, last):
    home.live(2)
    home.run(95)  # to 23:45
    departure = leave_with_next_reading(home, elapsed)
    assert refusals(home) == []
    assert (departure.last_day, departure.is_told) == (day(last), True)
    assert [contract.end for contract in home.cloud.store.contracts()] == [day(last + 1)]


def test_a_contract_that_another_has_ended_keeps_nobody_here(home, offer):
    home.live(5)
    keys = load_keys(home.directory)
    handed_in = make_request(keys, offer, sign_contract(keys, offer, OLD, day(3)))
    home.cloud.enrol(handed_in)  # its answer is not installed
    home.run(4)
    departure = leave_with_next_reading(home, timedelta(minutes=15))
    assert refusals(home) == []
    assert departure.is_told
    former, _ = home.cloud.store.contracts()
    assert former.end == day(3)


def test_every_contract_ends_with_the_last_day_at_the_latest(home, offer):
    home.live(5)
    home.sign(offer, day(40))
    home.restart()
    home.pass_time(ONE_DAY)
    home.run(4)
    departure = leave_with_next_reading(home, timedelta(minutes=15))
    assert (departure.last_day, departure.is_told) == (day(6), True)
    assert [contract.end for contract in home.cloud.store.contracts()] == [day(7), day(7)]


def ends_after_leaving(home):
    """Move out, and return the day after the last and those on which the contracts end."""
    home.run(4)
    departure = leave_with_next_reading(home, timedelta(minutes=15))
    assert refusals(home) == []
    assert departure.is_told
    return departure.last_day + ONE_DAY, [each.end for each in home.cloud.store.contracts()]


@pytest.mark.parametrize("start", [3, 40])
def test_a_contract_of_which_the_running_chip_does_not_know_ends_too(home, offer, start):
    home.live(5)
    home.sign(offer, day(start))  # and the chip is not started again
    gone, ends = ends_after_leaving(home)
    assert max(ends) == gone


def test_a_contract_that_the_cloud_knows_no_longer_leaves_no_other_open(home, offer):
    home.live(5)
    home.sign(offer, day(7))
    home.restart()
    home.live(5)
    store = home.cloud.store
    store._db.execute("DELETE FROM termination")
    store._db.execute("DELETE FROM contract WHERE hash = ?", [store.contracts()[1].hash])
    gone, ends = ends_after_leaving(home)
    assert ends == [gone]


def test_a_chip_that_was_put_back_ends_what_came_after_its_copy(home, offer, tmp_path):
    home.live(5)
    before = (home.directory / "contract.json").read_bytes()
    home.sign(offer, day(3))
    home.kill()
    (home.directory / "contract.json").write_bytes(before)
    (home.directory / "former").rename(tmp_path / "aside")
    home.start()
    gone, ends = ends_after_leaving(home)
    assert max(ends) == gone
