"""A household's contracts follow each other: no day is of two, on the chip as in the cloud."""

import re

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cloud.billing.pending import pending_statements
from edge.bills.judgement import Finding, Verdict
from edge.bills.receipts import Hold
from edge.bills.remarks import remarks
from edge.bills.signed_off import read_holds
from edge.bills.verifier import read_judgement
from edge.commands.table import edge
from edge.contracts.agreement import load_agreement
from edge.contracts.former import agreements_of
from edge.language.choice import Lang
from edge.language.numbers import SHORT_HASH
from edge.mqtt.message import Arrived
from protocol.errors import DocumentRefused
from tests.support.broker import COLLECTIVITY
from tests.support.dwelling import PROVIDER, accept_all, day, enrolled, make_offer
from tests.support.provider_side import backend_of, request_correction, request_statement
from tests.support.sweeps import examples

LIVED = 45


@pytest.fixture(scope="module")
def offers():
    """Offers of two products."""
    return make_offer(), make_offer()


@pytest.fixture
def home(tmp_path, offers):
    with enrolled(tmp_path, offers[0]) as home:
        home.begin()
        yield home


def holding(home):
    """Return, as chip and cloud see it, which contracts hold on each day."""
    agreed = agreements_of(home.directory, load_agreement(home.directory))
    on_chip = {each: (a.contract.start, a.contract.end) for each, a in agreed.items()}
    in_cloud = {
        each.hash: (on_chip[each.hash][0], each.end) for each in home.cloud.store.contracts()
    }
    return [
        [
            {
                contract
                for contract, (start, end) in spans.items()
                if start <= day(number) and (end is None or day(number) < end)
            }
            for number in range(70)
        ]
        for spans in (on_chip, in_cloud)
    ]


@example([(1, 30), (1, 20), (0, 40)])
@example([(1, 30), (0, 20), (1, 20), (0, 5)])
@example([(1, 0), (0, 10)])
@settings(max_examples=examples(6, 40), suppress_health_check=[HealthCheck.too_slow])
@given(taken=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 60)), max_size=5))
def test_each_day_is_of_the_contract_taken_last(tmp_path_factory, offers, taken):
    with enrolled(tmp_path_factory.mktemp("home"), offers[0]) as home:
        home.begin()
        home.live(2)
        (first,) = home.cloud.store.contracts()
        expected = [{first.hash}] * 70
        for which, start in taken:
            try:
                home.sign(offers[which], day(start))
            except DocumentRefused as exc:
                assert "has ended" in str(exc)  # noqa: PT017
                continue
            held = load_agreement(home.directory).contract_hash
            expected = [{held} if at >= start else each for at, each in enumerate(expected)]
        on_chip, in_cloud = holding(home)
        assert on_chip == in_cloud == expected


def test_days_of_overlap_are_billed_once_whoever_asks_first(home, offers):
    home.live(LIVED)
    home.sign(offers[1], day(30))
    home.sign(offers[1], day(20))
    home.restart()
    first, _, third = accept_all(home)
    with pytest.raises(DocumentRefused, match=rf"{first.hex()[:16]}… holds from {day(0)} to"):
        home.bill(first, day(0), day(28))
    assert home.bill(first, day(0), day(20)).verdict is Verdict.CORRECT
    assert home.bill(third, day(20), day(44)).verdict is Verdict.CORRECT


def test_a_statement_over_billed_days_names_the_contract_that_billed_them(home, offers):
    home.live(LIVED)
    request = home.request(offers[1], day(20))
    (first,) = accept_all(home)
    assert home.bill(first, day(0), day(30)).verdict is Verdict.CORRECT
    home.hand_in(request)
    home.restart()
    _, second = accept_all(home)
    twice = home.bill(second, day(20), day(44))
    assert (twice.verdict, twice.findings) == (Verdict.REFUSED, (Finding.ALREADY_BILLED,))
    assert any(first.hex()[:16] in remark for remark in remarks(twice, Lang.EN))
    assert read_holds(home.directory, home.vault)[bytes.fromhex(twice.statement)] is Hold.BILLED
    assert home.bill(second, day(30), day(44)).verdict is Verdict.CORRECT


def test_a_statement_beyond_its_contract_names_it_and_its_days(home, offers):
    home.live(LIVED)
    (first,) = accept_all(home)
    request_statement(home.cloud.store, PROVIDER, first, day(0), day(30))
    computed = pending_statements(home.cloud.store, home.cloud.key, COLLECTIVITY).messages
    home.sign(offers[1], day(20))
    home.restart()
    for message in computed:
        home.chip.take(Arrived(message.topic, message.payload))
    (row,) = home.vault.statements()
    beyond = read_judgement(row)
    assert (beyond.verdict, beyond.findings) == (Verdict.REFUSED, (Finding.OUTSIDE_CONTRACT,))
    (remark,) = remarks(beyond, Lang.EN)
    assert re.search(rf"{first.hex()[:16]}… holds from {day(0)} to {day(19)}", remark)


def test_no_contract_begins_on_days_that_a_bill_has_billed(home, offers):
    home.live(LIVED)
    (first,) = accept_all(home)
    home.bill(first, day(0), day(30))
    billed = rf"contract {first.hex()[:16]}… have billed the days up to {day(29)}"
    with pytest.raises(DocumentRefused, match=billed):
        home.sign(offers[1], day(29))
    home.sign(offers[1], day(30))


def test_a_contract_that_has_ended_is_not_taken_again_for_the_same_days(home, offers):
    home.live(2)
    home.sign(offers[1], day(20))
    with pytest.raises(DocumentRefused, match="has ended"):
        home.sign(offers[0], day(0))
    home.sign(offers[0], day(30))


def test_a_bills_page_names_the_contract_that_it_is_of(home, offers):
    home.live(25)
    home.sign(offers[1], day(10))
    home.sign(offers[1], day(5))  # so that the one before holds on no day
    home.restart()
    first, none, last = accept_all(home)
    bills = {
        first: home.bill(first, day(0), day(5)),
        last: home.bill(last, day(5), day(20)),
    }
    home.kill()
    for contract, bill in bills.items():
        page = home.directory / f"{bill.statement}.html"
        arguments = ["bills", "--dir", str(home.directory), "--html", str(page)]
        CliRunner().invoke(edge, [*arguments, "--statement", bill.statement])
        text = page.read_text()
        named = [each for each in (first, none, last) if each.hex()[:SHORT_HASH] in text]
        assert named == [contract]


def test_a_bill_is_corrected_also_once_a_contract_begins_amid_its_days(home, offers):
    home.live(LIVED)
    request = home.request(offers[1], day(20))
    (first,) = accept_all(home)
    billed = home.bill(first, day(0), day(30))
    home.hand_in(request)
    home.restart()
    statement = bytes.fromhex(billed.statement)
    shown = backend_of(home.cloud.store, PROVIDER).statement(billed.statement)
    assert (shown.start, shown.end, shown.values > 0) == (day(0), day(30), True)
    correction = request_correction(home.cloud.store, PROVIDER, statement)
    for message in pending_statements(home.cloud.store, home.cloud.key, COLLECTIVITY).messages:
        home.chip.take(Arrived(message.topic, message.payload))
    home.exchange()
    (row,) = [row for row in home.vault.statements() if row.id == correction]
    assert read_judgement(row).verdict is Verdict.CORRECT
