"""Bundles and backups over New Year: each brings the keys that it has, and what it lacks is said."""

from datetime import date, timedelta

import msgspec
import pytest
from click.testing import CliRunner

from edge.bills.verifier import read_judgement
from edge.commands.table import edge
from edge.identity.keys import load_keys
from edge.metering.events import NoticeKind
from edge.moving.bundle import open_bundle, seal_bundle
from edge.moving.erasing import erase
from edge.moving.transfer import pack, take_in
from edge.vault.keyring import Keyring, files_in
from protocol.calendar import day_of_number, day_start, legal_day
from protocol.messages import Epoch
from tests.support.billing_home import ONE_DAY, BillingHome
from tests.support.chip_bench import BenchClock
from tests.support.chip_cloud import opened
from tests.support.moving_town import Home, TownCloud, View

FIRST = date(2026, 12, 10)
NEW_YEAR = date(2027, 1, 1)
DECEMBER = (NEW_YEAR - FIRST).days
PASSPHRASE = "une phrase que personne ne devine"


def name(number: int) -> bytes:
    return bytes([number]) * 16


@pytest.fixture
def home(tmp_path):
    made = BillingHome(tmp_path / "home", first=FIRST)
    made.begin()
    yield made
    made.kill()
    made.cloud.store.close()


def carried(directory):
    """The bundle of a household, through its file."""
    return open_bundle(seal_bundle(pack(directory), PASSPHRASE, log2_n=10), PASSPHRASE)


def replace_chip(home, bundle):
    """Let another chip take the household over at the same meter."""
    home.kill()
    home.directory = home.directory.with_name("other_chip")
    take_in(home.directory, bundle, legal_day(home.clock.at))
    home.enrol()
    home.begin()
    home.settle()


def judged(home, start, days, number):
    home.ask(start, start + days, name(number))
    (row,) = (row for row in home.vault.statements() if row.id == name(number))
    judgement = read_judgement(row)
    return judgement.verdict, [*judgement.findings]


def notices(home):
    return {notice.kind: notice.detail for notice in home.vault.values.notices()}


def test_a_bundle_carries_the_keys_of_both_years(home):
    home.live(DECEMBER + 10)
    replace_chip(home, carried(home.directory))
    home.live(22)
    assert Keyring.read(home.identity.household, home.directory / "keys").years == {2026, 2027}
    assert judged(home, 0, DECEMBER + 30, 1) == ("correct", [])
    assert NoticeKind.KEYS_LOST not in notices(home)


def test_a_bundle_from_before_new_year_keeps_what_it_has_and_says_what_it_lacks(home):
    home.live(DECEMBER - 3)
    bundle = carried(home.directory)
    home.live(8)
    replace_chip(home, bundle)
    assert notices(home)[NoticeKind.KEYS_LOST] == "2027-01-01 2027-01-05"
    home.live(30)
    assert judged(home, 0, DECEMBER, 1) == ("correct", [])
    assert judged(home, DECEMBER, 6, 2) == ("refused", ["keys_gone"])
    assert judged(home, DECEMBER + 6, 25, 3) == ("correct", ["never_billed"])


def test_new_keys_are_told_once_to_a_household_that_had_others(home):
    home.live(DECEMBER - 1)
    assert NoticeKind.KEYS_DRAWN not in notices(home)
    home.live(3)
    home.restart()
    told = [each for each in home.vault.values.notices() if each.kind is NoticeKind.KEYS_DRAWN]
    assert [(each.detail, each.at) for each in told] == [("2027", day_start(NEW_YEAR))]


def test_an_old_backup_is_restored_by_the_commands_and_the_chip_goes_on(home, tmp_path):
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE)
    passphrase.chmod(0o600)
    home.live(DECEMBER - 3)
    # Keys that are due, as in a backup of years ago.
    keyring = Keyring.read(home.identity.household, home.directory / "keys")
    keyring.of_year(2020)
    out = tmp_path / "chip.backup"
    options = ("--passphrase-file", str(passphrase))
    run("backup", "--dir", home.directory, "--out", out, *options)
    home.live(8)
    home.kill()
    home.directory.rename(tmp_path / "card_that_died")
    run("restore", out, "--dir", home.directory, *options)
    assert [path.name[:9] for path in files_in(home.directory / "keys")] == ["year-2026"]
    home.begin()
    home.settle()
    assert notices(home)[NoticeKind.KEYS_LOST] == "2027-01-01 2027-01-05"
    home.live(30)
    assert judged(home, 0, DECEMBER, 1) == ("correct", [])


def run(*arguments):
    done = CliRunner().invoke(edge, list(map(str, arguments)))
    assert done.exit_code == 0, done.output


def test_two_households_that_swap_homes_at_new_year_read_their_own_and_nothing_else(tmp_path):
    start = day_start(NEW_YEAR - 2 * ONE_DAY)
    cloud = TownCloud(tmp_path / "cloud", BenchClock(start))
    homes = [Home(tmp_path / f"home{n}", cloud, start, str(n)) for n in (1, 2)]
    for home in homes:
        home.enrol()
        home.begin()
    for _ in range(96 * 3):
        advance(homes)
    bundles = []
    for home in homes:
        home.move_out()
        home.settle()
        bundles.append(carried(home.directory))
        home.kill()
        erase(home.directory)
        assert not files_in(home.directory / "keys")
    today = legal_day(cloud.clock.at)
    for home, bundle in zip(homes, reversed(bundles), strict=True):
        take_in(home.directory, bundle, today)
        home.enrol()
        home.begin()
    for _ in range(96 * 2):
        advance(homes)
    for home in homes:
        home.settle()
    identities = [home.identity for home in homes]
    for own, other in (identities, identities[::-1]):
        view = View(cloud, own.household_key)
        days = {day for day, _ in opened(view, own)}
        assert {date(2026, 12, 30), NEW_YEAR, today + ONE_DAY} <= days
        headers = [epoch_in(payload) for payload in view.payloads()[0]]
        assert {day_of_number(each.month).year for each in headers} == {2026, 2027}
        assert not any(other.keyring.maker_of(each) for each in headers)
    for home in homes:
        assert Keyring.read(home.identity.household, home.directory / "keys").years >= {2026, 2027}
        home.kill()
    cloud.store.close()


def epoch_in(payload):
    return msgspec.msgpack.decode(msgspec.msgpack.decode(payload)[1], type=Epoch)


def advance(homes):
    """Let a quarter-hour pass for all; they share the clock."""
    first, *others = homes
    first.tick()
    first.pump()
    for home in others:
        home.frames(1)
        home.pump()


def test_an_import_over_another_that_was_cut_short_leaves_no_strangers_keys(tmp_path, home):
    home.live(2)
    bundle = carried(home.directory)
    home.kill()
    stranger = tmp_path / "stranger"
    take_in(stranger, bundle, FIRST + 3 * ONE_DAY)
    (stranger / "vault.db").unlink()  # the vault is moved to its place last
    other = BillingHome(tmp_path / "other", first=FIRST)
    other.begin()
    other.live(2)
    theirs = carried(other.directory)
    other.kill()
    other.cloud.store.close()
    take_in(stranger, theirs, FIRST + timedelta(days=3))
    keys = load_keys(stranger)
    assert keys.household.id == other.identity.household_key
    assert keys.keyring.years == {2026}
