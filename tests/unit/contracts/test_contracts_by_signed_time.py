"""Of two contracts that one is the later which the household signed later, however they arrive."""

import pytest

from cloud.store.sqlite.store import SqliteStore
from edge.contracts.agreement import load_agreement
from protocol.errors import DocumentRefused
from tests.support.dwelling import day, enrolled, make_offer


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture(scope="module")
def offers():
    """Offers of two products."""
    return make_offer(), make_offer()


@pytest.fixture
def home(tmp_path, offers):
    with enrolled(tmp_path, offers[0]) as home:
        home.begin()
        home.live(2)
        yield home


def in_cloud(home):
    return [each.end for each in home.cloud.store.contracts()]


def test_an_older_request_ends_no_later_contract(home, offers):
    mistyped = home.request(offers[1], day(10))
    home.sign(offers[1], day(15))
    with pytest.raises(DocumentRefused, match="has made a later request"):
        home.hand_in(mistyped)
    assert in_cloud(home) == [day(15), None]


def test_an_older_request_ends_nothing_after_one_without_a_contract(home, offers):
    old = home.request(offers[1], day(10))
    home.enrol()
    with pytest.raises(DocumentRefused, match="has made a later request"):
        home.cloud.enrol(old)
    assert in_cloud(home) == [None]


def test_a_request_that_is_handed_in_again_is_answered_again(home, offers):
    request = home.request(offers[1], day(10))
    home.hand_in(request)
    later = home.request(offers[1], day(15))
    home.hand_in(later)
    home.cloud.enrol(request)
    home.hand_in(later)
    assert in_cloud(home) == [day(10), day(15), None]
    assert load_agreement(home.directory).contract.start == day(15)


def test_a_contract_that_has_ended_is_not_asked_for_anew(home, offers):
    home.sign(offers[1], day(10))
    home.sign(offers[1], day(5))
    (home.directory / "former").rename(home.directory / "aside")  # a copy is put back
    with pytest.raises(DocumentRefused, match="has ended"):
        home.sign(offers[1], day(10))
    assert in_cloud(home) == [day(5), day(5), None]


@pytest.mark.parametrize("step", ["put_next_contract", "put_identity", "put_place", "enrol"])
def test_an_enrolment_that_was_killed_is_gone_through_again(home, offers, monkeypatch, step):
    """No day is of nobody, or of two, at any moment."""
    request = home.request(offers[1], day(10))

    def killed(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, step, killed)
        with pytest.raises(Killed):
            home.cloud.enrol(request)
    assert in_cloud(home) in ([None], [day(10), None])
    home.hand_in(request)
    assert in_cloud(home) == [day(10), None]
