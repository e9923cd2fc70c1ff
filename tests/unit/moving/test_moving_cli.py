"""The commands of people who move, and the sheet of paper that goes with the bundle."""

import stat
import threading
from datetime import UTC, date, datetime

import msgspec
import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.contracts.enrolling import sign_contract
from edge.contracts.signed import CONTRACT, SignedAgreement
from edge.identity.keys import load_keys
from edge.moving.bundle import open_bundle
from edge.moving.departure import ORDER
from edge.moving.sheet import LINE, Sheet, fingerprint_of, render, sheet_html, sheet_text
from edge.status.presence import StatusFile, StatusRecord
from protocol.errors import ConfigError, VoletError
from system.files import write_secret
from tests.support.chip_bench import BenchClock
from tests.support.dwelling import make_offer
from tests.support.french import plain
from tests.support.moving_town import Home, TownCloud

START = datetime(2026, 2, 9, 23, tzinfo=UTC)
PASSPHRASE = "une phrase que personne ne devine"


@pytest.fixture
def cloud(tmp_path):
    cloud = TownCloud(tmp_path / "cloud", BenchClock(START))
    yield cloud
    cloud.store.close()


@pytest.fixture
def home(tmp_path, cloud):
    home = Home(tmp_path / "chip", cloud, START, "1")
    home.enrol()
    home.begin()
    home.run(4)
    yield home
    home.kill()


@pytest.fixture
def passphrase(tmp_path):
    path = tmp_path / "passphrase"
    path.write_text(f"{PASSPHRASE}\n")
    path.chmod(0o600)
    return path


def run(*arguments, given=None):
    """Run a command; returns what it said. Raises what it raised."""
    done = CliRunner().invoke(edge, list(map(str, arguments)), input=given)
    if isinstance(done.exception, VoletError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return plain(done.output)


def test_the_order_is_left_for_the_running_chip_and_the_command_waits_for_it(home):
    """The command runs in a thread, as the vault it reads is written by the chip meanwhile."""
    said = []
    command = threading.Thread(
        target=lambda: said.append(
            run("move-out", "--yes", "--dir", home.directory, "--wait", "60")
        )
    )
    command.start()
    try:
        while command.is_alive():
            if (home.directory / ORDER.name).exists():
                home.clock.seconds += 2
                home.frames(1)
                home.pump()
            command.join(0.01)
    finally:
        command.join(60)
    assert "your last day here is 2026-02-10" in said[0]
    assert run("move-out", "--dir", home.directory) in said[0]


def test_a_revoked_chip_does_not_move_a_household_out(home):
    home.kill()
    StatusFile(home.directory).write(StatusRecord(revoked_at=START))
    with pytest.raises(ConfigError, match=r"volet edge export"):
        run("--lang", "en", "move-out", "--yes", "--dir", home.directory, "--wait", "0")
    assert not (home.directory / ORDER.name).exists()


def test_who_moves_out_before_the_contract_begins_is_told_that_there_is_no_bill(home):
    keys, offer = load_keys(home.directory), make_offer()
    agreement = SignedAgreement(offer, sign_contract(keys, offer, "041961234567", date(2035, 3, 1)))
    write_secret(home.directory / CONTRACT, msgspec.json.encode(agreement))
    typed = ["--lang", "en", "move-out", "--yes", "--dir", str(home.directory), "--wait", "0"]
    said = CliRunner().invoke(edge, typed).output
    assert "Your contract begins on 2035-03-01" in said
    home.move_out()
    home.settle()
    said = run("--lang", "en", "move-out", "--dir", home.directory)
    assert "your last day here is" in said
    assert "last bill" not in said


def test_a_command_that_waits_in_vain_says_what_is_missing(home):
    with pytest.raises(ConfigError, match="no good reading") as told:
        run("move-out", "--yes", "--dir", home.directory, "--wait", "0")
    assert "does not run" not in str(told.value)
    home.kill()
    with pytest.raises(ConfigError, match="The chip does not run: start it"):
        run("move-out", "--yes", "--dir", home.directory, "--wait", "0")
    home.start()
    home.drop = lambda message: hasattr(message, "retain") and "leave" in message.topic
    home.pump()
    home.clock.seconds += 2
    home.frames(2)
    with pytest.raises(ConfigError, match="not everything has reached the cloud"):
        run("move-out", "--yes", "--dir", home.directory, "--wait", "0")


def test_moving_out_is_asked_for_and_told_and_can_be_taken_back(home):
    """An order that waits is no secret; once the day is closed it cannot be taken back."""
    at = ("--dir", str(home.directory))
    done = CliRunner().invoke(edge, ["move-out", *at, "--wait", "0"], input="n\n")
    assert done.exit_code != 0
    assert "for good" in done.output
    assert not (home.directory / ORDER.name).exists()
    assert "No move-out is ordered" in run("move-out", *at, "--cancel")

    home.kill()
    with pytest.raises(ConfigError, match="The order stands"):
        run("move-out", *at, "--wait", "0", given="y\n")
    for lang, words in (("en", ("ordered on", "--cancel")), ("fr", ("demandé le", "--cancel"))):
        said = run("status", "--lang", lang, *at)
        assert all(word in said for word in words)
    assert "taken back" in run("move-out", *at, "--cancel")
    assert "ordered on" not in run("status", *at)
    home.start()
    home.pump()
    home.clock.seconds += 2
    home.frames(2)
    assert home.vault.departures.get() is None, "the chip goes on"

    home.drop = lambda message: hasattr(message, "retain") and "leave" in message.topic
    home.move_out()
    assert "Leave the chip on" in run("status", *at)
    with pytest.raises(ConfigError, match="cannot be taken back"):
        run("move-out", *at, "--cancel")
    assert (home.directory / ORDER.name).exists()
    home.drop = lambda _: False
    home.settle()
    said = run("status", *at)
    assert "volet edge export" in said
    assert "Start the chip" not in said


def test_export_and_import_by_their_commands(home, tmp_path, passphrase):
    bundle, sheet = tmp_path / "foyer.volet", tmp_path / "fiche.txt"
    said = run(
        "export", "--dir", home.directory, "--out", bundle,
        "--passphrase-file", passphrase, "--sheet", sheet,
    )  # fmt: skip
    assert fingerprint_of(bundle.read_bytes()) in said
    for path in (bundle, sheet):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert PASSPHRASE not in sheet.read_text()
    assert LINE in sheet.read_text()
    other = tmp_path / "other"
    run("init", "--dir", other)
    said = run("import", "--dir", other, bundle, given=f"{PASSPHRASE}\n")
    assert PASSPHRASE not in said
    assert load_keys(other).household.id == home.identity.household_key
    assert (other / "request.json").exists()
    assert "ledger" not in said


def test_a_drawn_passphrase_is_shown_once_and_stands_on_the_sheet(home, tmp_path):
    bundle, sheet = tmp_path / "foyer.volet", tmp_path / "fiche.html"
    said = run(
        "export", "--dir", home.directory, "--out", bundle, "--sheet", sheet, "--draw",
        "--keys-only",
    )  # fmt: skip
    drawn = said.split("Passphrase: ")[1].split("\n")[0]
    assert open_bundle(bundle.read_bytes(), drawn).vault is None
    assert sheet.read_text().count(drawn) == 2
    assert "le budget de vie privée de l&#x27;année comptera comme dépensé" in sheet.read_text()
    other = tmp_path / "other"
    said = run("import", "--dir", other, bundle, given=f"{drawn}\n")
    assert "this year's privacy budget counts as spent" in said


def test_a_short_passphrase_and_one_given_twice_differently_are_refused(home, tmp_path):
    out = tmp_path / "foyer.volet"
    with pytest.raises(ConfigError, match="at least 12"):
        run("export", "--dir", home.directory, "--out", out, given="short\nshort\n")
    done = CliRunner().invoke(
        edge,
        ["export", "--dir", str(home.directory), "--out", str(out)],
        input="une longue phrase\nune autre phrase\n",
    )
    assert done.exit_code != 0
    assert not out.exists()


@pytest.mark.parametrize("taken", ["--out", "--sheet"])
def test_no_file_gives_its_place_to_an_export(home, tmp_path, passphrase, taken):
    files = {"--out": tmp_path / "foyer.volet", "--sheet": tmp_path / "fiche.txt"}
    files[taken].write_text("what the household cannot get again")
    with pytest.raises(ConfigError, match="is there already; name another file, nothing is"):
        run(
            *("export", "--dir", home.directory, "--passphrase-file", passphrase),
            *(each for option in files.items() for each in option),
        )
    assert files.pop(taken).read_text() == "what the household cannot get again"
    assert not any(each.exists() for each in files.values())


def test_bundle_and_sheet_are_two_files(home, tmp_path, passphrase):
    out = tmp_path / "foyer.volet"
    files = ("--out", out, "--sheet", out, "--passphrase-file", passphrase)
    done = CliRunner().invoke(edge, ["export", "--dir", str(home.directory), *map(str, files)])
    assert done.exit_code == 2
    assert not out.exists()


def test_a_passphrase_is_asked_for_in_the_household_s_language(home, tmp_path):
    export = ("--lang", "fr", "export", "--dir", home.directory, "--out", tmp_path / "foyer.volet")
    said = run(*export, given=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert said.startswith("Phrase secrète : ")
    assert "Répétez-la : " in said
    assert "Passphrase" not in said


def test_a_passphrase_file_that_others_may_read_is_refused(home, tmp_path, passphrase):
    passphrase.chmod(0o644)
    with pytest.raises(ConfigError, match="open to other users"):
        run(
            "export", "--dir", home.directory, "--out", tmp_path / "foyer.volet",
            "--passphrase-file", passphrase,
        )  # fmt: skip


def test_erasure_asks_says_what_it_did_and_warns(home):
    home.kill()
    done = CliRunner().invoke(edge, ["erase", "--dir", str(home.directory)], input="n\n")
    assert done.exit_code != 0
    assert "has not moved out" in done.output
    command = ["--lang", "fr", "erase", "--dir", str(home.directory)]
    assert "n'a pas déménagé" in CliRunner().invoke(edge, command, input="n\n").output
    assert "Nobody will be able" in done.output.replace("nobody", "Nobody")
    assert load_keys(home.directory).household.id == home.identity.household_key
    said = run("erase", "--dir", home.directory, given="y\n")
    assert "The former household's keys are destroyed" in said
    assert "SD card may keep old cells" in said
    assert load_keys(home.directory).household.id != home.identity.household_key


SHEET = Sheet(
    made_on=date(2026, 7, 1),
    file="foyer <1>.volet",
    fingerprint="0123 4567",
    device="a" * 26,
    has_ledger=True,
)


def test_the_sheet_says_what_it_is_in_french_and_english():
    text = sheet_text(SHEET)
    assert "01/07/2026" in text.partition("This sheet")[0]
    assert "2026-07-01" in text.partition("This sheet")[2]
    for expected in (
        "FICHE DE SECOURS",
        "RECOVERY SHEET",
        "0123 4567",
        "a" * 26,
        "volet edge import",
        "compte de votre budget de vie privée",
        "account of your privacy budget",
    ):
        assert expected in text
    assert text.count(LINE) == 4  # where the file is, and the passphrase, in both languages


def test_the_page_to_print_is_one_whatever_the_file_is_called(tmp_path):
    page = sheet_html(SHEET)
    assert "foyer &lt;1&gt;.volet" in page
    assert "<1>" not in page
    assert render(SHEET, tmp_path / "x.HTML") == page.encode()
    assert render(SHEET, tmp_path / "x.txt") == sheet_text(SHEET).encode()
