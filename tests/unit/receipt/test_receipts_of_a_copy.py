"""A vault put back as it was some time ago gives no receipt for a day that may have one."""

import pytest
from click.testing import CliRunner

from edge.bills.judgement import Verdict
from edge.bills.word import say_word
from edge.cli import edge
from tests.support.chip_bench import BenchClock
from tests.support.dwelling import MIDNIGHT, OLD, Dwelling, accept_all, day, make_offer
from tests.support.moving_town import TownCloud

LIVED = 40


@pytest.fixture(scope="module")
def offer():
    return make_offer()


@pytest.fixture
def home(tmp_path, offer):
    cloud = TownCloud(tmp_path / "cloud", BenchClock(MIDNIGHT))
    home = Dwelling(tmp_path / "chip", cloud, MIDNIGHT, OLD)
    home.enrol(offer)
    (home.directory / "edge.toml").write_text("")
    home.begin()
    home.live(LIVED)
    yield home
    home.kill()
    cloud.store.close()


def settle(home) -> None:
    for _ in range(10):
        home.clock.seconds += 5
        home.pump()


def volet(*arguments) -> str:
    done = CliRunner().invoke(edge, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.xfail(
    strict=True, reason="a restored copy gives a second receipt for days that have one"
)
@pytest.mark.parametrize("options", [(), ("--database-only",)])
def test_a_restored_copy_gives_no_second_receipt_until_the_household_says_so(
    home, tmp_path, options
):
    (contract,) = accept_all(home)
    phrase = tmp_path / "phrase"
    phrase.write_text("une phrase que personne ne devine")
    phrase.chmod(0o600)
    by = ("--passphrase-file", phrase)
    say_word(home.directory)
    settle(home)
    volet("backup", "--dir", home.directory, "--out", tmp_path / "copy", *by)
    say_word(home.directory)
    settle(home)
    assert home.bill(contract, day(1), day(31)).verdict is Verdict.CORRECT
    assert len(home.cloud.store.receipts.of_contract(contract)) == 1

    home.kill()
    aside = tmp_path / "aside"
    aside.mkdir()
    lost = home.directory.glob("vault.db*") if options else [home.directory]
    for path in list(lost):
        path.rename(aside / path.name)
    said = volet("restore", "--dir", home.directory, tmp_path / "copy", *by, *options)
    assert "receipts --release" in said
    home.start()
    home.live(2)
    settle(home)
    assert home.bill(contract, day(1), day(30)).verdict is Verdict.CORRECT
    assert len(home.cloud.store.receipts.of_contract(contract)) == 1

    say_word(home.directory)
    settle(home)
    assert len(home.cloud.store.receipts.of_contract(contract)) == 2
