"""A wrong meter was confirmed and the own one came back: refused with the reason, then billed right."""

from datetime import timedelta

import pytest
from click.testing import CliRunner

from edge.bills.judgement import Finding, Verdict
from edge.commands.table import edge
from edge.language.choice import Lang
from edge.language.numbers import number
from edge.metering.unconfirmed import unconfirmed_in
from protocol.calendar import day_start
from tests.support.chip_bench import BenchMeter
from tests.support.confirming import confirm, state_of
from tests.support.dwelling import HALF_A_DAY, NEW, OLD, accept_all, day, enrolled, make_offer

WRONG_FROM, BACK_ON, END = 12, 15, 28
MINUTES = timedelta(minutes=20)


@pytest.fixture(scope="module")
def offer():
    return make_offer()


@pytest.fixture
def home(tmp_path, offer):
    with enrolled(tmp_path, offer) as home:
        home.begin()
        home.own = home.meter
        yield home


def read_another(home, meter) -> None:
    """Have another meter read at noon, and some time pass."""
    home.pass_time(HALF_A_DAY)
    home.meter = meter
    for _ in range(2):
        home.frames(3)
        home.pass_time(MINUTES)


def to_midnight(home) -> None:
    home.pass_time(HALF_A_DAY - 2 * MINUTES)


def confirm_a_wrong_meter(home) -> None:
    home.live(WRONG_FROM)
    read_another(home, BenchMeter(home.clock.at, 9, NEW))
    assert confirm(home, "--yes").exit_code == 0
    home.frames(3)
    assert state_of(home).account.last.serial == NEW
    to_midnight(home)
    home.live(BACK_ON - WRONG_FROM - 1)


def bills(home, lang=Lang.EN):
    return CliRunner().invoke(edge, ["--lang", lang.value, "bills", "--dir", str(home.directory)])


def counted_kwh(home, first, end):
    """Return what each register of the own meter counted on the days [first, end)."""
    before, after = (home.own.registers_wh(day_start(day(number))) for number in (first, end))
    return [last // 1_000 - start // 1_000 for start, last in zip(before, after, strict=True)]


def own_quantities(judgement):
    return [line.own_quantity for line in judgement.opened[:2]]


def assert_billed_right(home, before, after) -> None:
    """Hold the bills around the wrong meter, and what is told of it, to the own meter's count."""
    for judgement, days in ((before, (0, WRONG_FROM)), (after, (BACK_ON + 1, END))):
        assert judgement.verdict is Verdict.CORRECT
        assert own_quantities(judgement) == counted_kwh(home, *days)
    apart = counted_kwh(home, WRONG_FROM, BACK_ON + 1)
    for lang in Lang:
        done = bills(home, lang)
        assert done.exit_code == 0
        for count in apart:
            assert f"{number(count, lang)} kWh" in done.output.replace("\u00a0", " ")
        assert NEW not in done.output
    whole = [
        sum(parts)
        for parts in zip(own_quantities(before), own_quantities(after), apart, strict=True)
    ]
    assert whole == counted_kwh(home, 0, END)


def test_the_own_meter_goes_on_at_once_and_every_kwh_of_it_can_be_billed(home):
    confirm_a_wrong_meter(home)
    read_another(home, home.own)
    assert state_of(home).account.last.serial == OLD
    to_midnight(home)
    home.live(END - BACK_ON)
    (contract,) = accept_all(home)
    refused = home.bill(contract, day(0), day(END))
    assert (refused.verdict, refused.findings) == (Verdict.REFUSED, (Finding.METER_DIFFERS,))
    assert bills(home).exit_code == 3
    for number_of_day in range(WRONG_FROM, BACK_ON + 1):
        alone = home.bill(contract, day(number_of_day), day(END))
        assert alone.findings == (Finding.METER_DIFFERS,)
    before = home.bill(contract, day(0), day(WRONG_FROM))
    after = home.bill(contract, day(BACK_ON + 1), day(END))
    assert_billed_right(home, before, after)


def test_with_a_contract_for_the_wrong_meter_the_own_one_is_confirmed_and_gets_a_new_one(
    home, offer
):
    confirm_a_wrong_meter(home)
    home.sign(offer, day(WRONG_FROM))
    home.restart()
    read_another(home, home.own)
    assert unconfirmed_in(state_of(home)).now.serial == OLD
    assert confirm(home, "--yes").exit_code == 0
    home.frames(3)
    assert state_of(home).account.last.serial == OLD
    to_midnight(home)
    home.sign(offer, day(BACK_ON + 1))
    home.restart()
    home.live(END - BACK_ON)
    first, wrong, last = accept_all(home)
    assert home.bill(wrong, day(WRONG_FROM), day(BACK_ON + 1)).verdict is Verdict.REFUSED
    before = home.bill(first, day(0), day(WRONG_FROM))
    after = home.bill(last, day(BACK_ON + 1), day(END))
    assert_billed_right(home, before, after)
