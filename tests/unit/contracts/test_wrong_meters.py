"""A meter that is not the contract's is billed by no way round: a lost vault, no frame, turns."""

from datetime import timedelta

import pytest
from click.testing import CliRunner

from edge.bills.judgement import Finding, Verdict
from edge.bills.verifier import read_judgement
from edge.commands.table import edge
from protocol.calendar import day_start
from tests.support.chip_bench import BenchMeter
from tests.support.dwelling import (
    MIDNIGHT,
    NEW,
    OLD,
    ONE_DAY,
    accept_all,
    day,
    enrolled,
    make_offer,
)

METERS = pytest.mark.parametrize("serial", [OLD, NEW])


@pytest.fixture(scope="module")
def offer():
    return make_offer()


@pytest.fixture
def home(tmp_path, offer):
    with enrolled(tmp_path, offer) as home:
        yield home


def lose_the_vault(home, serial) -> None:
    """Live a month with a meter, then lose the vault; nothing comes from the line until `connect`."""
    home.meter = BenchMeter(MIDNIGHT, 7, serial)
    home.begin()
    home.live(30)
    home.exchange()
    home.kill()
    for path in home.directory.glob("vault.db*"):
        path.unlink()


@METERS
def test_days_that_came_back_are_judged_by_the_meter_that_counted_them(home, serial):
    lose_the_vault(home, serial)
    home.meter = BenchMeter(home.clock.at, 7, OLD)
    home.start()
    home.exchange()
    home.live(3)
    (contract,) = accept_all(home)
    judgement = home.bill(contract, day(1), day(28))
    is_right = serial == OLD
    assert judgement.verdict is (Verdict.CORRECT if is_right else Verdict.REFUSED)
    assert (judgement.findings == (Finding.METER_DIFFERS,)) is not is_right


@METERS
def test_a_statement_that_comes_before_the_first_frame_is_judged_after_it(
    home, serial, monkeypatch
):
    lose_the_vault(home, serial)
    monkeypatch.setattr(home, "frames", lambda _: None)
    home.start()
    home.exchange()
    (contract,) = accept_all(home)
    assert home.bill(contract, day(1), day(28)) is None
    assert not home.vault.billed()
    told = CliRunner().invoke(edge, ["bills", "--dir", str(home.directory)]).output
    assert "correct" not in told
    assert "not checked yet: 1" in told

    home.restart()
    home.exchange()
    assert not home.vault.billed()
    monkeypatch.undo()
    home.frames(3)
    home.live(2)
    home.exchange()
    (row,) = home.vault.statements()
    judgement = read_judgement(row)
    assert judgement.verdict is (Verdict.CORRECT if serial == OLD else Verdict.REFUSED)
    assert len(home.vault.billed()) == (serial == OLD)
    assert not home.cloud.store.receipts.of_contract(contract)


def test_of_the_contracts_meter_for_ten_minutes_a_day_all_that_it_counted_is_billed(home):
    home.begin()
    right, wrong = home.meter, BenchMeter(home.clock.at, 7, NEW)
    home.pass_time(ONE_DAY)
    for _ in range(29):
        home.meter = right
        home.frames(3)
        home.pass_time(timedelta(minutes=10))
        home.meter = wrong
        home.clock.at += timedelta(seconds=10)
        home.frames(3)
        home.pass_time(timedelta(hours=23, minutes=49, seconds=50))
    (contract,) = accept_all(home)
    judgement = home.bill(contract, day(2), day(28))
    assert (judgement.verdict, judgement.findings) == (Verdict.CORRECT, ())
    before, after = (right.registers_wh(day_start(day(number))) for number in (2, 28))
    risen_kwh = [last // 1_000 - first // 1_000 for first, last in zip(before, after, strict=True)]
    assert [line.own_quantity for line in judgement.opened[:2]] == risen_kwh


def test_after_a_day_of_another_meter_its_days_fit_the_contract_no_more(home):
    home.begin()
    home.pass_time(ONE_DAY)
    home.meter = BenchMeter(home.clock.at, 7, NEW)
    home.frames(3)
    home.live(29)
    (contract,) = accept_all(home)
    judgement = home.bill(contract, day(2), day(28))
    assert (judgement.verdict, judgement.findings) == (Verdict.REFUSED, (Finding.METER_DIFFERS,))
    assert not home.cloud.store.receipts.of_contract(contract)
