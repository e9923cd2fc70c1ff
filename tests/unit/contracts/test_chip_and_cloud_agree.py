"""Whatever is asked, lost, killed or handed in late: chip and cloud agree about whose each day is."""

from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import system.files
from edge.bills.judgement import Verdict
from edge.contracts.agreement import load_agreement
from edge.contracts.enrolling import install, make_request, write_request
from edge.contracts.former import agreements_of, former_agreements
from edge.identity.enrolment import load_identity
from edge.identity.keys import load_keys
from edge.moving.departure import leave_order
from protocol.calendar import legal_day
from protocol.errors import DocumentRefused
from tests.support.dwelling import ONE_DAY, accept_all, day, enrolled, make_offer
from tests.support.sweeps import examples

DAYS = 60


class PowerCut(BaseException):
    """The process ends here."""


@pytest.fixture(scope="module")
def offers():
    """Offers of two products."""
    return make_offer(), make_offer()


@pytest.fixture
def home(tmp_path, offers):
    with enrolled(tmp_path, offers[0]) as home:
        home.begin()
        yield home


def of_each_day(spans):
    """Return, for each day, which of the contracts [start, end) hold."""
    return [
        {
            contract
            for contract, (start, end) in spans.items()
            if start <= day(number) and (end is None or day(number) < end)
        }
        for number in range(DAYS)
    ]


def on_chip(home):
    present = load_agreement(home.directory)
    held = [*former_agreements(home.directory), *([present] if present else [])]
    return {each.contract_hash: (each.contract.start, each.contract.end) for each in held}


def in_cloud(home):
    known = agreements_of(home.directory, load_agreement(home.directory))
    held = home.cloud.store.contracts()
    assert {each.hash for each in held} <= set(known), "the chip knows all that may be billed"
    return {each.hash: (known[each.hash].contract.start, each.end) for each in held}


def check_days(home):
    """Check that each day is of one contract in the cloud, which the chip knows for that day."""
    known = agreements_of(home.directory, load_agreement(home.directory))
    spans = {each: (a.contract.start, a.contract.end) for each, a in known.items()}
    for theirs, ours in zip(of_each_day(in_cloud(home)), of_each_day(spans), strict=True):
        assert len(theirs) == 1
        assert theirs <= ours


class Household:
    """One household and what becomes of its requests."""

    def __init__(self, home, offers):
        self.home, self.offers, self.drawer = home, offers, []

    def ask(self, offer, start):
        """Sign a request, which lies in a drawer."""
        self.drawer.append(self.home.request(self.offers[offer], day(start)))

    def renew(self, *_):
        """Ask for a certificate only."""
        request = make_request(load_keys(self.home.directory), None, None)
        write_request(self.home.directory, self.home.directory / "request.json", request)
        self.drawer.append(request)

    def lose(self, which, _):
        """Hand a request of the drawer in; its answer is lost."""
        if self.drawer:
            self.home.cloud.enrol(self.drawer[which % len(self.drawer)])

    def enrol(self, which, _):
        """Hand a request of the drawer in and install its answer."""
        if self.drawer:
            self.home.hand_in(self.drawer[-1 - which % len(self.drawer)])
            assert of_each_day(on_chip(self.home)) == of_each_day(in_cloud(self.home))

    def kill(self, _, at):
        """Install the answer to the latest request, and be cut at some write."""
        if not self.drawer:
            return
        answer = self.home.directory / "answer.json"
        answer.write_bytes(self.home.cloud.enrol(self.drawer[-1]))
        writes, synced = count(), system.files.sync_dir

        def cut(directory):
            synced(directory)
            if next(writes) == at % 6:
                raise PowerCut

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(system.files, "sync_dir", cut)
            try:
                install(self.home.directory, answer)
            except PowerCut:
                return

    def restart(self, *_):
        """Start the chip again."""
        self.home.identity = load_identity(self.home.directory)
        self.home.restart()


STEPS = st.tuples(
    st.sampled_from(["ask", "ask", "renew", "lose", "enrol", "enrol", "kill", "restart"]),
    st.integers(0, 1),
    st.integers(0, DAYS - 10),
)


@example([("ask", 0, 10), ("lose", 0, 0), ("ask", 1, 20), ("enrol", 0, 0)])
@example([("ask", 0, 10), ("ask", 1, 15), ("enrol", 0, 0), ("enrol", 1, 0)])
@example([("ask", 0, 10), ("kill", 0, 0), ("ask", 1, 20), ("enrol", 0, 0)])
@example([("ask", 0, 10), ("ask", 1, 5), ("lose", 0, 0), ("enrol", 0, 0), ("enrol", 1, 0)])
@settings(max_examples=examples(6, 40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, max_size=8))
def test_each_day_is_of_one_contract_which_both_know(tmp_path_factory, offers, steps):
    with enrolled(tmp_path_factory.mktemp("home"), offers[0]) as home:
        home.begin()
        home.live(2)
        household = Household(home, offers)
        for step, *values in steps:
            try:
                getattr(household, step)(*values)
            except DocumentRefused as exc:
                assert any(  # noqa: PT017
                    said in str(exc)
                    for said in ("has ended", "has made a later", "is older", "an earlier request")
                )
            check_days(home)
        household.renew()
        home.hand_in(household.drawer[-1])
        assert of_each_day(on_chip(home)) == of_each_day(in_cloud(home))
        leave_order(home.directory, home.clock.now())
        home.pass_time(ONE_DAY)
        home.pass_time(ONE_DAY)
        home.exchange()
        left = home.vault.departures.get()
        assert left.is_told
        ends = [each.end for each in home.cloud.store.contracts()]
        assert max(ends) == left.last_day + ONE_DAY


def test_a_bill_of_a_contract_whose_answer_was_lost_is_opened(home, offers):
    home.live(25)
    lost = home.request(offers[1], day(10))
    home.cloud.enrol(lost)
    home.restart()
    former, taken = accept_all(home)
    assert home.bill(former, day(0), day(10)).verdict is Verdict.CORRECT
    assert home.bill(taken, day(10), day(20)).verdict is Verdict.CORRECT
    home.sign(offers[0], day(21))
    home.restart()
    assert home.bill(taken, day(20), day(21)).verdict is Verdict.CORRECT
    assert not list((home.directory / "requests").iterdir())


def test_an_answer_that_is_older_than_the_chips_is_refused(home, offers):
    old = home.directory / "old.json"
    old.write_bytes(home.cloud.enrol(home.request(offers[1], day(10))))
    home.sign(offers[0], day(12))
    with pytest.raises(DocumentRefused, match="older than the one"):
        install(home.directory, old)
    assert load_agreement(home.directory).contract.start == day(12)


def test_a_clock_that_went_back_orders_nothing_anew(home, offers, monkeypatch):
    home.sign(offers[1], day(10))
    monkeypatch.setattr("edge.contracts.enrolling.time.time_ns", lambda: 1_000_000_000)
    home.sign(offers[0], day(12))
    assert load_agreement(home.directory).contract.start == day(12)
    assert legal_day(home.clock.now()) < day(12)
