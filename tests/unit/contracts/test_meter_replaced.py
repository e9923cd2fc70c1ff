"""The grid operator replaces a meter: the one documented way to go on, from line to receipts."""

import msgspec
import pytest

from edge.bills.judgement import Finding, Verdict
from edge.contracts.former import read_former
from edge.contracts.serial import meter_for
from edge.language.choice import Lang
from protocol.errors import DocumentRefused
from tests.support.dwelling import (
    CONFIG,
    HALF_A_DAY,
    NEW,
    OLD,
    ONE_DAY,
    accept_all,
    day,
    enrolled,
    make_offer,
)

REPLACED = 30

LINE = (CONFIG.source, CONFIG.speeds)


@pytest.fixture(scope="module")
def offer():
    return make_offer()


@pytest.fixture
def home(tmp_path, offer):
    with enrolled(tmp_path, offer) as home:
        home.begin()
        yield home


def test_a_new_contract_for_the_new_meter_lets_both_be_billed_and_receipted(home, offer):
    home.live(REPLACED)
    home.replace_meter()
    home.live(29)
    (former,) = accept_all(home)
    refused = home.bill(former, day(REPLACED), day(58))
    assert (refused.verdict, refused.findings) == (Verdict.REFUSED, (Finding.METER_DIFFERS,))
    assert refused.other_meter == day(REPLACED + 1)

    home.sign(offer, day(REPLACED))
    home.restart()
    assert [each.contract.hash for each in read_former(home.directory)] == [former]
    (_, renewed) = accept_all(home)
    assert home.cloud.store.contract(former).end == day(REPLACED)
    before, after = (
        home.bill(former, day(0), day(REPLACED)),
        home.bill(renewed, day(REPLACED), day(58)),
    )
    assert (before.verdict, before.findings) == (Verdict.CORRECT, ())
    assert (after.verdict, after.findings) == (Verdict.CORRECT, ())
    assert [span.serial for span in after.meters] == [OLD, NEW]
    for contract in (former, renewed):
        assert len(home.cloud.store.receipts.of_contract(contract)) == 1
    with pytest.raises(DocumentRefused, match="ask for days within"):
        home.bill(former, day(20), day(40))


def test_an_older_request_that_is_handed_in_again_ends_no_contract(home, offer):
    home.pass_time(ONE_DAY)
    again = msgspec.json.decode((home.directory / "request.json").read_bytes(), type=type(offer))
    home.sign(offer, day(1))
    home.cloud.enrol(again)
    former, renewed = home.cloud.store.contracts()
    assert (former.end, renewed.end) == (day(1), None)


def test_the_chip_names_its_meter_itself_and_takes_no_other(home):
    home.frames(3)
    home.pass_time(HALF_A_DAY)
    assert meter_for(home.directory, *LINE, None, Lang.EN).serial == OLD
    assert meter_for(home.directory, *LINE, OLD, Lang.EN).serial == OLD
    for lang, word in ((Lang.EN, "not the meter"), (Lang.FR, "n'est pas le compteur")):
        with pytest.raises(DocumentRefused, match=word) as told:
            meter_for(home.directory, *LINE, NEW, lang)
        assert OLD not in str(told.value)
    home.meter.serial = "XXXXXXXXXXXX"
    home.frames(3)
    home.pass_time(HALF_A_DAY)
    with pytest.raises(DocumentRefused, match="masks"):
        meter_for(home.directory, *LINE, OLD, Lang.EN)
