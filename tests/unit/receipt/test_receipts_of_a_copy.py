"""A vault put back as it was some time ago gives no receipt for a day that may have one."""

import pytest
from click.testing import CliRunner

from edge.bills.judgement import Verdict
from edge.bills.release_token import read_release_tokens, release_receipts
from edge.commands.table import edge
from edge.moving.transfer import pack, take_in
from edge.vault.copies import put_back
from edge.vault.database import FILE_NAME
from edge.vault.reader import read_vault
from protocol.calendar import day_number
from tests.support.dwelling import accept_all, day, enrolled, make_offer
from tests.support.moving_town import Home

LIVED = 40


@pytest.fixture(scope="module")
def offer():
    return make_offer()


@pytest.fixture
def home(tmp_path, offer):
    with enrolled(tmp_path, offer) as home:
        (home.directory / "edge.toml").write_text("")
        home.begin()
        home.live(LIVED)
        yield home


def volet(*arguments) -> str:
    done = CliRunner().invoke(edge, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("options", [(), ("--database-only",)])
def test_a_restored_copy_gives_no_second_receipt_until_the_household_says_so(
    home, tmp_path, options
):
    (contract,) = accept_all(home)
    phrase = tmp_path / "phrase"
    phrase.write_text("une phrase que personne ne devine")
    phrase.chmod(0o600)
    by = ("--passphrase-file", phrase)
    release_receipts(home.directory)
    home.exchange()
    volet("backup", "--dir", home.directory, "--out", tmp_path / "copy", *by)
    release_receipts(home.directory)
    home.exchange()
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
    home.exchange()
    assert home.bill(contract, day(1), day(30)).verdict is Verdict.CORRECT
    assert len(home.cloud.store.receipts.of_contract(contract)) == 1

    release_receipts(home.directory)
    home.exchange()
    assert len(home.cloud.store.receipts.of_contract(contract)) == 2


def test_a_copy_takes_as_contributed_what_it_cannot_know(home):
    home.kill()
    put_back(home.directory / FILE_NAME, day(LIVED + 20), read_release_tokens(home.directory))
    with read_vault(home.directory) as vault:
        spent = [number for number in range(100) if vault.area.is_spent(day_number(day(number)))]
        covered = vault.receipts.covered()
    assert spent == list(range(LIVED - 1, LIVED + 20))
    assert covered == {day_number(day(number)): False for number in range(LIVED + 21)}


@pytest.mark.parametrize(("days_later", "is_in_doubt"), [(0, False), (1, True)])
def test_an_imported_vault_is_in_doubt_unless_it_was_made_for_the_move(
    home, tmp_path, days_later, is_in_doubt
):
    bundle = pack(home.directory)
    home.kill()
    new = Home(tmp_path / "new", home.cloud, home.clock.at, "1")
    take_in(new.directory, bundle, day(LIVED + days_later))
    with read_vault(new.directory) as vault:
        in_doubt = {
            day_of for day_of, is_certain in vault.receipts.covered().items() if not is_certain
        }
        spent = [n for n in range(100) if vault.area.is_spent(day_number(day(n)))]
    assert bool(in_doubt) is is_in_doubt
    assert spent == list(range(LIVED - 1, LIVED + days_later))
