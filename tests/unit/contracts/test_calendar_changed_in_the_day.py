"""The supplier changes the calendar in the afternoon: the advised day makes every day billable."""

import re
from datetime import timedelta

import pytest
from click.testing import CliRunner

from edge.bills.judgement import Finding, Verdict
from edge.bills.remarks import remarks
from edge.commands.table import edge
from edge.language.choice import Lang
from edge.tic.frame import InformationGroup
from protocol.contract import Offer, sign_document
from protocol.hpke import SealingKey
from tests.support.chip_bench import BenchMeter
from tests.support.dwelling import (
    MIDNIGHT,
    OLD,
    PROVIDER,
    accept_all,
    day,
    enrolled,
    make_offer,
)
from tests.support.tariffs import simple_tariff

CHANGED, END = 12, 24
TWENTY_PAST_FOUR = timedelta(hours=16, minutes=20)
MINUTES = timedelta(minutes=20)
ADVISED = re.compile(r"`volet edge request --offer OFF(?:ER|RE)\.json --from (\d{4}-\d\d-\d\d)")


class ChangingMeter(BenchMeter):
    """A meter whose calendar can be set; its registers go on."""

    calendar = "H PLEINE/CREUSE"

    def frame(self, at):
        frame = super().frame(at)
        frame.groups["NGTF"] = InformationGroup(f"{self.calendar:^16}")
        return frame


@pytest.fixture
def home(tmp_path):
    with enrolled(tmp_path, make_offer()) as home:
        home.meter = ChangingMeter(MIDNIGHT, 0, OLD)
        home.begin()
        yield home


def make_new_offer():
    tariff = simple_tariff(name="Tempo 2026", calendar="TEMPO")
    public, sealing = PROVIDER.public_key().public_bytes_raw(), SealingKey.generate().public_bytes
    return sign_document(Offer(tariff.provider, public, sealing, "n", (tariff,)), PROVIDER)


def change(home, at=TWENTY_PAST_FOUR) -> None:
    """Have the calendar changed at `at` on a day, and read some time before and after that."""
    home.live(CHANGED)
    if at:
        home.pass_time(at - MINUTES)
        home.pass_time(MINUTES)
    home.meter.calendar = "TEMPO"
    for _ in range(2):
        home.frames(3)
        home.pass_time(MINUTES)


def end_the_day(home, at=TWENTY_PAST_FOUR) -> None:
    home.pass_time(timedelta(days=1) - at - 2 * MINUTES)


def advised(home, lang=Lang.EN) -> set[str]:
    arguments = ["--lang", lang.value, "status", "--dir", str(home.directory)]
    done = CliRunner().invoke(edge, arguments)
    assert done.exit_code == 0, done.output
    return set(ADVISED.findall(done.output))


@pytest.mark.parametrize("lang", Lang)
@pytest.mark.parametrize("days_later", [0, 1, 5])
def test_the_advised_day_taken_literally_makes_both_days_billable(home, lang, days_later):
    change(home)
    if days_later:
        end_the_day(home)
        home.live(days_later - 1)
    (typed,) = advised(home, lang)
    assert typed == day(CHANGED + 1).isoformat()
    home.sign(make_new_offer(), day(CHANGED + 1))
    home.restart()
    if not days_later:
        end_the_day(home)
    home.live(END + 1 - CHANGED - max(days_later, 1))
    former, renewed = accept_all(home)
    before = home.bill(former, day(0), day(CHANGED + 1))
    after = home.bill(renewed, day(CHANGED + 1), day(END))
    assert (before.verdict, after.verdict) == (Verdict.CORRECT, Verdict.CORRECT)


def test_a_refused_bill_names_the_same_day(home):
    change(home)
    end_the_day(home)
    home.live(END - CHANGED)
    (former,) = accept_all(home)
    refused = home.bill(former, day(0), day(END))
    assert refused.findings == (Finding.CALENDAR_DIFFERS,)
    for lang in Lang:
        assert ADVISED.findall(remarks(refused, lang)[0]) == [day(CHANGED + 1).isoformat()]


def test_a_calendar_that_takes_over_before_the_first_kwh_has_the_day(home):
    change(home, timedelta())
    assert advised(home) == {day(CHANGED).isoformat()}
    end_the_day(home, timedelta())
    home.live(2)
    assert advised(home) == {day(CHANGED).isoformat()}


def test_a_contract_from_the_day_of_the_change_on_is_told_the_way_back(home):
    change(home)
    home.sign(make_new_offer(), day(CHANGED))
    home.restart()
    end_the_day(home)
    home.live(END - CHANGED)
    _, renewed = accept_all(home)
    refused = home.bill(renewed, day(CHANGED), day(END))
    assert refused.findings == (Finding.CALENDAR_DIFFERS,)
    kwh = sum(home.vault.values.days(day(CHANGED), day(CHANGED + 1))[0][0].register_steps_kwh)
    for lang in Lang:
        (told, *_) = remarks(refused, lang)
        assert ADVISED.findall(told) == [day(CHANGED + 1).isoformat()]
        assert f"{kwh} kWh" in told.replace("\u00a0", " ")
    home.sign(make_offer(), day(CHANGED - 5))
    home.sign(make_new_offer(), day(CHANGED + 1))
    home.restart()
    first, _, again, renewed = accept_all(home)
    for contract, start, end in (
        (first, 0, CHANGED - 5),
        (again, CHANGED - 5, CHANGED + 1),
        (renewed, CHANGED + 1, END),
    ):
        assert home.bill(contract, day(start), day(end)).verdict is Verdict.CORRECT
