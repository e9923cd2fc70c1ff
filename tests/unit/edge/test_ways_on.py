"""Where a person is needed, status and confirm say what was left, what waits and how to go on."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.chip.confirming import ORDER, Confirmation
from edge.chip.settings import ChipSettings
from edge.commands.confirm_words import MEANING, WAITS
from edge.commands.table import edge
from edge.contracts.words import NOTICES as STANDING
from edge.language.choice import Lang
from edge.language.french.help import HELP
from edge.metering.events import NoticeKind
from edge.metering.unconfirmed import Quarantine
from edge.status.advice_words import ADVICE
from edge.status.line import LineState
from edge.status.notice_words import NOTICES
from edge.status.report import Advice, advise
from protocol.errors import ConfigError
from tests.support.chip_bench import (
    PLATFORM_KEY,
    Bench,
    BenchMeter,
    OutboxSettings,
    instant,
    make_identity,
)
from tests.support.chip_cloud import FakeCloud
from tests.support.confirming import confirm, notice_kinds
from tests.support.french import plain
from tests.unit.edge.test_confirm_meter import NEW, plug_in
from tests.unit.edge.test_household_status import CERTIFICATE, NOW, presence

ROOT = Path(__file__).parents[3]
NOT_COUNTED = re.compile(
    r"nothing is counted|not counted until|until you answer|stops metering|counts nothing until"
    r"|rien n'est compté (d'ici|tant)|arrête le comptage",
    re.IGNORECASE,
)
NO = {Lang.EN: "n\n", Lang.FR: "n\n"}
TAKEN_BACK = {Lang.EN: "is taken back", Lang.FR: "est retirée"}
UNCHANGED = {Lang.EN: "Nothing was changed", Lang.FR: "Rien n'a changé"}


def in_quarantine(bench):
    low_wh, _ = bench.meter.registers_wh(bench.clock.at)
    bench.meter = BenchMeter(bench.clock.at)
    bench.meter.base_wh = (low_wh, 0)
    bench.run(8)


def with_another_meter(bench):
    plug_in(bench, BenchMeter(bench.clock.at, 5, NEW))


WAITING = pytest.mark.parametrize("happens", [in_quarantine, with_another_meter])


@pytest.fixture
def bench(tmp_path):
    directory, identity = tmp_path / "chip", make_identity()
    settings = ChipSettings(
        outbox=OutboxSettings(backlog_per_s=1_000.0, backlog_window=64),
        confirmation=Confirmation(directory),
    )
    start = instant(2026, 5, 5, 10)
    bench = Bench(directory, FakeCloud(identity, PLATFORM_KEY), identity, start, settings=settings)
    bench.begin()
    bench.run(8)
    yield bench
    bench.kill()


def status(bench, *options):
    arguments = ["status", "--dir", str(bench.directory), *options]
    done = CliRunner().invoke(edge, arguments)
    assert done.exit_code == 0, done.exception
    return done.output


@WAITING
@pytest.mark.parametrize("lang", Lang)
def test_answering_no_says_that_nothing_was_changed_and_what_waits(bench, happens, lang):
    happens(bench)
    said = plain(confirm(bench, "--lang", lang.value, answer=NO[lang]).output)
    assert UNCHANGED[lang] in said
    last = said.partition(UNCHANGED[lang])[2]
    assert {Lang.EN: "until", Lang.FR: "tant que"}[lang] in last
    assert not (bench.directory / ORDER.name).exists()


@WAITING
@pytest.mark.parametrize("lang", Lang)
def test_a_word_that_is_left_for_a_stopped_chip_is_told_and_not_asked_for_again(
    bench, happens, lang
):
    happens(bench)
    bench.kill()
    said = confirm(bench, "--yes", "--lang", lang.value).output
    assert "`volet edge status" in said
    assert "wait_for_what_was_confirmed" in json.loads(status(bench, "--json"))["advice"]
    shown = status(bench, "--lang", lang.value)
    assert "volet edge confirm" not in shown
    bench.clock.at += timedelta(minutes=1)
    bench.start()
    bench.run(3)
    assert notice_kinds(bench)[-1] in {NoticeKind.INDEX_BEGAN_ANEW, NoticeKind.METER_REPLACED}
    assert "wait_for_what_was_confirmed" not in json.loads(status(bench, "--json"))["advice"]


@WAITING
def test_a_word_that_is_left_is_taken_back_by_answering_no(bench, happens):
    happens(bench)
    bench.kill()
    assert confirm(bench, "--yes").exit_code == 0
    said = confirm(bench, "--lang", "en", answer="n\n").output
    assert "confirmed this already" in said
    assert not (bench.directory / ORDER.name).exists()
    bench.clock.at += timedelta(minutes=1)
    bench.start()
    bench.run(3)
    assert not {NoticeKind.INDEX_BEGAN_ANEW, NoticeKind.METER_REPLACED} & set(notice_kinds(bench))


@pytest.mark.parametrize("lang", Lang)
def test_another_calendar_than_the_contracts_names_the_command_to_go_on_with(lang):
    for text in (ADVICE[lang][Advice.TARIFF], NOTICES[lang][NoticeKind.CALENDAR_CHANGED]):
        offer = {Lang.EN: "OFFER", Lang.FR: "OFFRE"}[lang]
        assert f"`volet edge request --offer {offer}.json --from {{offer_from}}`" in plain(text)
    answer = {Lang.EN: "ENROLMENT", Lang.FR: "INSCRIPTION"}[lang]
    assert f"`volet edge enrol {answer}.json`" in plain(ADVICE[lang][Advice.TARIFF])
    bill = {Lang.EN: "bills are not marked correct", Lang.FR: "aucune facture n'est dite juste"}[
        lang
    ]
    assert bill in plain(STANDING[lang][NoticeKind.CALENDAR_DIFFERS])


@pytest.mark.parametrize("lang", Lang)
def test_why_a_time_is_asked_of_the_network_is_said_in_historique(lang):
    found = {}
    for mode in ("standard", "historique"):
        line = LineState(is_good=True, quality=1.0, mode=mode, is_time_known=False)
        (advice,) = advise(presence(line), CERTIFICATE, NOW, has_left=False)
        found[mode] = ADVICE[lang][advice]
    why = {Lang.EN: "in historique mode the meter sends no date", Lang.FR: "n'envoie pas la date"}
    assert why[lang] in found["historique"]
    assert why[lang] not in found["standard"]


@WAITING
@pytest.mark.parametrize("lang", Lang)
def test_whoever_takes_a_word_back_is_told_so(bench, happens, lang):
    happens(bench)
    bench.kill()
    assert confirm(bench, "--yes").exit_code == 0
    said = plain(confirm(bench, "--lang", lang.value, answer=NO[lang]).output)
    assert TAKEN_BACK[lang] in said
    assert UNCHANGED[lang] not in said
    again = plain(confirm(bench, "--lang", lang.value, answer=NO[lang]).output)
    assert TAKEN_BACK[lang] not in again
    assert UNCHANGED[lang] in again


def told_of_waiting():
    """Give each text that may speak of an index that waits, and where it stands."""
    for lang in Lang:
        tables = {"advice": ADVICE, "notices": NOTICES, "meaning": MEANING, "waits": WAITS}
        for name, table in tables.items():
            yield name, plain(" ".join(table[lang].values()))
    yield "help", " ".join(f"{english} {french}" for english, french in HELP.items())
    for path in (ROOT / "docs").rglob("*.md"):
        yield path.name, path.read_text("utf-8")


def test_nothing_says_that_waiting_for_an_answer_costs_what_is_counted():
    assert {name for name, text in told_of_waiting() if NOT_COUNTED.search(text)} == set()


@pytest.mark.parametrize("lang", Lang)
def test_an_index_that_waits_is_not_billed_and_not_lost(lang):
    billed = {Lang.EN: "Nothing is billed", Lang.FR: "Rien n'est facturé"}[lang]
    late = {Lang.EN: "late answer loses nothing", Lang.FR: "réponse tardive ne fait rien perdre"}
    for text in (ADVICE[lang][Advice.CONFIRM], WAITS[lang][Quarantine]):
        assert billed in plain(text)
        assert late[lang] in plain(text)


@pytest.mark.parametrize("lang", Lang)
@pytest.mark.parametrize("advice", [Advice.TIME, Advice.NETWORK_TIME])
def test_a_connected_machine_learns_to_turn_time_synchronisation_on(lang, advice):
    assert "`timedatectl`" in ADVICE[lang][advice]
    assert "`sudo timedatectl set-ntp true`" in ADVICE[lang][advice]


@pytest.mark.parametrize("command", ["confirm", "status", "bills", "request"])
@pytest.mark.parametrize("lang", Lang)
def test_a_directory_without_a_chip_is_asked_about_before_keys_are_drawn(tmp_path, command, lang):
    done = CliRunner().invoke(edge, ["--lang", lang.value, command, "--dir", str(tmp_path)])
    assert isinstance(done.exception, ConfigError)
    said = plain(str(done.exception))
    none, asked = {
        Lang.EN: ("there is no chip in this directory", "is it the right one (`--dir`)?"),
        Lang.FR: ("il n'y a pas de boîtier dans ce répertoire", "est-ce le bon (`--dir`) ?"),
    }[lang]
    assert said.index(none) < said.index(asked) < said.index("`volet edge init")
