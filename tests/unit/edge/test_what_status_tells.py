"""What `volet edge status` and its neighbours tell a household: whole, in the right tense, once."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from edge.area.settings import AreaChoices, save_choices
from edge.bills.release_token import release_receipts
from edge.chip.config import load_config
from edge.commands.table import edge
from edge.contracts.enrolling import draw_keys, make_request, write_request
from edge.identity.keys import load_keys
from edge.language.choice import Lang
from edge.language.numbers import time_text
from edge.metering.events import Notice, NoticeKind
from edge.mqtt.message import Absence, Connected, Unreachable
from edge.stage import REQUEST
from edge.status.notice_words import notices_in_words
from edge.vault.vault import Vault
from protocol.contract import Consent
from protocol.registers import names_of
from tests.support.billing_home import BillingHome
from tests.support.chip_bench import BenchClock, make_identity, signer_of
from tests.support.french import plain
from tests.support.moving_town import TownCloud

NOW = datetime(2026, 5, 5, 10, tzinfo=UTC)
STATEMENT = b"s" * 16


def volet(command, directory, lang="en"):
    arguments = ["--lang", lang, *command.split(), "--dir", str(directory)]
    done = CliRunner().invoke(edge, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.output


def rows(said: str, label: str) -> list[str]:
    return [row[len(label) :].strip() for row in said.splitlines() if row.startswith(label)]


@pytest.fixture
def make_home(tmp_path):
    """Make a household with a contract whose chip has begun to meter; ends it."""
    made = []

    def make(consent=Consent.TOTAL):
        home = BillingHome(tmp_path / f"home{len(made)}", consent)
        made.append(home)
        home.begin()
        return home

    yield make
    for home in made:
        home.kill()


def keep(home) -> None:
    """Let the chip keep how it is."""
    home.clock.seconds += 5
    home.chip.outgoing()


def test_status_names_the_chip_and_where_it_listens(make_home):
    home = make_home()
    keep(home)
    source = load_config(home.directory).source
    for lang, device, listens in (("en", "Chip's id", "Listens on"), ("fr", "Identifiant", "Port")):
        said = volet("status", home.directory, lang)
        assert rows(said, device) == [str(home.identity.device)]
        assert rows(said, listens) == [source]
    told = json.loads(volet("status --json", home.directory))
    assert told["device"] == home.identity.device
    assert told["presence"]["source"] == source


def test_a_revocation_is_remembered_until_the_city_takes_the_chip_again(make_home, monkeypatch):
    home = make_home()
    home.chip.take(Unreachable(Absence.REVOKED))
    home.chip.goodbye()  # the chip ends within seconds
    home.is_online = False
    home.restart()
    home.chip.take(Unreachable(Absence.NETWORK))
    keep(home)
    assert "enrol_again" in json.loads(volet("status --json", home.directory))["advice"]
    monkeypatch.setattr("edge.status.report.is_running", lambda _: False)
    for lang, word, export in (
        ("en", "has revoked this chip", "volet edge export"),
        ("fr", "a révoqué ce boîtier", "volet edge export"),
    ):
        said = volet("status", home.directory, lang)
        assert word in said
        assert export in said
    home.chip.take(Connected())
    keep(home)
    assert "enrol_again" not in json.loads(volet("status --json", home.directory))["advice"]


def test_a_vault_that_was_rebuilt_from_the_cloud_is_told(make_home):
    home = make_home()
    home.live(3)
    home.kill()
    for path in home.directory.glob("vault.db*"):
        path.unlink()
    home.clock.at += timedelta(minutes=1)
    at = home.clock.at
    home.start()
    home.settle()
    assert home.vault.figures().days >= 3
    (told,) = [each for each in home.vault.values.notices() if each.kind == "vault_rebuilt"]
    assert abs(told.at - at) < timedelta(hours=5)
    assert "Nothing is to be done" in volet("status", home.directory)
    assert "il n'y a rien à faire" in volet("status", home.directory, "fr")


def test_what_is_past_is_told_as_past(tmp_path):
    identity = make_identity()
    vault = Vault.open(tmp_path, signer_of(identity))
    at = datetime.now(UTC) - timedelta(days=1)
    told = [
        Notice(NoticeKind.METER_DIFFERS, at),
        Notice(NoticeKind.CONTRACT_FITS, at + timedelta(hours=1)),
        Notice(NoticeKind.POWER_DIFFERS, at + timedelta(hours=2)),
    ]
    with vault._transaction():
        for notice in told:
            vault.values.put_notice(notice)
    vault.close()
    english, french = (volet("status", tmp_path, lang) for lang in ("en", "fr"))
    assert "The meter on the line was not the one" in english
    assert "The meter on the line is not" not in english
    assert "Your meter is set to another subscribed power" in english
    assert "Le compteur branché n'était pas celui" in french
    assert "Le compteur branché n'est pas" not in french
    assert "n'est pas celle du tarif" in french
    assert english.count(f"{time_text(at, Lang.EN)}  ") == 1


@pytest.mark.parametrize(
    ("choices", "config", "english"),
    [
        (AreaChoices(), "", "you have not confirmed the trustees"),
        (AreaChoices(is_on=False), "", "you have turned it off"),
        (AreaChoices(trustees="00" * 32), "[area]\nenabled = false\n", "edge.toml"),
        (AreaChoices(trustees="00" * 32, year_cap_rho=0.0), "", "year's privacy budget is spent"),
        (
            AreaChoices(trustees="00" * 32),
            "[area]\nmonth_cap_rho = 0\n",
            "month's privacy budget is spent",
        ),
        (AreaChoices(trustees="00" * 32), "", "you take part"),
    ],
)
def test_status_area_and_budget_say_the_same(tmp_path, choices, config, english):
    Vault.open(tmp_path, signer_of(make_identity())).close()
    save_choices(tmp_path, choices)
    (tmp_path / "edge.toml").write_text(config)
    for lang, label in (("en", "Neighbourhood"), ("fr", "Quartier")):
        said = {
            rows(volet(command, tmp_path, lang), label)[0].partition(";")[0].strip()
            for command in ("status", "area", "budget")
        }
        assert len(said) == 1
        if lang == "en":
            assert english in said.pop()


@pytest.mark.parametrize("is_running", [False, True])
def test_enrol_says_to_start_a_chip_that_does_not_run(tmp_path, is_running):
    town, chip = TownCloud(tmp_path / "cloud", BenchClock(NOW)), tmp_path / "chip"
    draw_keys(chip)
    request = make_request(load_keys(chip), None, None)
    write_request(chip, chip / REQUEST, request)
    answer = tmp_path / "answer.json"
    answer.write_bytes(town.enrol(request))
    vault = Vault.open(chip, signer_of(make_identity())) if is_running else None
    said = {lang: volet(f"enrol {answer}", chip, lang) for lang in ("en", "fr")}
    if vault is not None:
        vault.close()
    command = f"`volet edge run --dir {chip}`"
    assert (f"Next: start the chip with {command}" in said["en"]) is not is_running
    assert (f"démarrez le boîtier avec {command}" in said["fr"]) is not is_running


@pytest.mark.parametrize("command", ["bills", "receipts"])
def test_why_there_is_no_receipt_is_said(make_home, command):
    silent = make_home(Consent.NOTHING)
    silent.live(32)
    silent.ask(0, 31, STATEMENT)
    assert "consent `nothing`" in volet(command, silent.directory)
    assert "consentement `nothing`" in volet(command, silent.directory, "fr")


def test_the_reason_follows_what_holds_a_receipt_back(make_home):
    home = make_home()
    home.live(33)
    home.ask(0, 7, STATEMENT)
    assert "fewer than 25 days" in volet("bills", home.directory)
    with home.vault.receipt_change() as receipts:
        receipts.presume([1])
    home.ask(7, 32, b"t" * 16)
    told = json.loads(volet("receipts --json", home.directory))["statements"]
    assert [each["held"] for each in told] == ["lost", "lost"]
    assert "volet edge receipts --release" in volet("bills", home.directory)
    release_receipts(home.directory)
    home.wait()
    told = json.loads(volet("receipts --json", home.directory))["statements"]
    assert [each["held"] for each in told] == ["too_short", None]
    assert "receipt delivered" in volet("bills", home.directory)


def test_a_vault_without_its_keys_says_no_reason(make_home):
    home = make_home(Consent.NOTHING)
    home.live(32)
    home.ask(0, 31, STATEMENT)
    (home.directory / "enrolment.json").unlink()
    told = json.loads(volet("receipts --json", home.directory))["statements"]
    assert [(each["receipt"], each["held"]) for each in told] == [(None, None)]
    assert json.loads(volet("bills --json", home.directory))["bills"]


def in_words(kind, detail, lang):
    ((_, text),) = notices_in_words([Notice(kind, NOW, detail)], (), "2026-07-17", lang)
    return plain(text)


@pytest.mark.parametrize("lang", Lang)
@pytest.mark.parametrize(
    ("detail", "mode"),
    [
        ("H PLEINE/CREUSE to HC", "historique"),
        ("HC to H PLEINE/CREUSE", "standard"),
        ("TEMPO to BBR", "historique"),
        ("BBR to TEMPO", "standard"),
        ("BASE to BASE", None),
        ("EJP to EJP", None),
    ],
)
def test_a_switch_of_the_tic_mode_is_no_change_of_tariff(lang, detail, mode):
    said = in_words(NoticeKind.CALENDAR_CHANGED, detail, lang)
    assert "volet edge request" not in said
    assert {Lang.EN: "The tariff is the same", Lang.FR: "Le tarif est le même"}[lang] in said
    if mode is not None:
        assert mode in said
        assert {"historique": "standard", "standard": "historique"}[mode] not in said


@pytest.mark.parametrize("lang", Lang)
@pytest.mark.parametrize("names", [("HC", "BASE"), ("H PLEINE/CREUSE", "BBR"), ("unknown", "HC")])
def test_another_calendar_is_a_change_of_tariff_in_either_mode(lang, names):
    for before in names_of(names[0]):
        for after in names_of(names[1]):
            said = in_words(NoticeKind.CALENDAR_CHANGED, f"{before} to {after}", lang)
            assert "volet edge request" in said


@pytest.mark.parametrize("lang", Lang)
@pytest.mark.parametrize("kind", [NoticeKind.INDEX_QUARANTINED, NoticeKind.OTHER_METER])
def test_what_was_set_aside_is_told_so_that_it_holds_before_and_after(lang, kind):
    said = in_words(kind, "", lang)
    assert {Lang.EN: "was set aside", Lang.FR: "a été mis de côté"}[lang] in said
    assert not any(f" {word} " in said for word in ("is", "shows", "est", "montre"))
