"""A chip's backup: what comes back starts, and opens the bills of the days before."""

import json
import os
import shutil
import stat
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from click.testing import CliRunner

from cloud.billing.pending import pending_statements
from edge.area.settings import AreaChoices, save_choices
from edge.bills.release_token import release_receipts
from edge.bills.verifier import StatementVerifier
from edge.chip.agent import Agent
from edge.chip.config import EdgeConfig
from edge.commands.directory import CHIP
from edge.commands.table import edge
from edge.contracts.agreement import load_agreement
from edge.contracts.former import agreements_of
from edge.contracts.listed import Contracts
from edge.contracts.signed import read_agreement
from edge.identity.enrolment import load_identity, signer_of
from edge.identity.keys import load_keys
from edge.moving.departure import ORDER, leave_order
from edge.moving.transfer import departure_of, pack, take_in
from edge.stage import IMPORTING
from edge.vault.kept_curve import KeptCurve, save_kept_curve
from edge.vault.vault import Vault
from protocol.envelope import Address, open_message
from protocol.errors import ConfigError, StoreError, VoletError
from protocol.messages import Statement
from protocol.topics import Kind
from provider import service as provider
from system.backup.listing import RESTORING, survey
from tests.support.broker import COLLECTIVITY
from tests.support.chip_bench import BenchClock
from tests.support.french import plain
from tests.support.moving_town import Home, TownCloud
from tests.support.provider_side import accept, request_statement
from tests.support.tariffs import simple_tariff

START = datetime(2026, 2, 9, 23, tzinfo=UTC)  # midnight in Paris
DAY = date(2026, 2, 10)
PASSPHRASE = "une phrase que personne ne devine"


@pytest.fixture
def cloud(tmp_path):
    cloud = TownCloud(tmp_path / "cloud", BenchClock(START))
    yield cloud
    cloud.store.close()


@pytest.fixture
def provider_key(tmp_path):
    provider.draw_key(tmp_path / "provider")
    return provider.load_key(tmp_path / "provider")


@pytest.fixture
def offer(tmp_path, provider_key):
    sealing_key = provider.load_sealing_key(tmp_path / "provider")
    return provider.make_offer([simple_tariff()], provider_key, sealing_key)


@pytest.fixture
def passphrase(tmp_path):
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE)
    path.chmod(0o600)
    return path


@pytest.fixture
def old(tmp_path, cloud, offer):
    """A chip that has metered a day and a half, under a contract."""
    home = Home(tmp_path / "old", cloud, START, "1")
    home.enrol(offer)
    home.begin()
    home.run(140)
    home.settle()
    yield home
    home.kill()


@pytest.fixture
def taken_over(tmp_path, cloud, old):
    """The directory of a chip that took over that household, its contract running on."""
    bundle = pack(old.directory)
    old.kill()
    new = Home(tmp_path / "new", cloud, cloud.clock.at, "1")
    take_in(new.directory, bundle, DAY + timedelta(days=2))
    new.enrol()
    return new.directory


def run(*arguments):
    """Run a command; returns what it said. Raises what it raised."""
    done = CliRunner().invoke(edge, list(map(str, arguments)))
    if isinstance(done.exception, VoletError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return plain(done.output)


def back_up_and_restore(directory, restored, passphrase, *options):
    """Do what the page says."""
    out = restored.with_suffix(".backup")
    by = ("--passphrase-file", passphrase)
    said = run("backup", "--dir", directory, "--out", out, *by, *options, "--json")
    run("restore", "--dir", restored, out, *by)
    return json.loads(said)


def start(directory):
    """Start and end the chip's program."""
    config = EdgeConfig(source="/dev/null")
    agreement = load_agreement(directory)
    with Agent.open(directory, load_identity(directory), config, agreement=agreement):
        pass


def bill_of_the_first_day(directory, cloud, provider_key):
    """Ask for the statement of the first day, and have the chip judge it."""
    (contract,) = cloud.store.contracts()
    accept(cloud.store, provider_key, contract.hash)
    end = DAY + timedelta(days=1)
    request_statement(cloud.store, provider_key, contract.hash, DAY, end)
    (message,) = pending_statements(cloud.store, cloud.key, COLLECTIVITY).messages
    identity = load_identity(directory)
    address = Address(COLLECTIVITY, identity.device, Kind.STATEMENT)
    statement = open_message(address, message.payload, identity.platform_key, Statement)
    vault = Vault.open(directory, signer_of(identity))
    try:
        agreements = agreements_of(directory, load_agreement(directory))
        contracts = Contracts(agreements, load_keys(directory).meter_salt)
        verifier = StatementVerifier(vault, identity.household, identity.keyring, contracts)
        return json.loads(verifier.judge(statement))
    finally:
        vault.close()


def test_a_chip_that_took_over_a_household_starts_from_its_backup(
    taken_over, tmp_path, cloud, provider_key, passphrase
):
    restored = tmp_path / "restored"
    back_up_and_restore(taken_over, restored, passphrase)
    start(restored)
    bill = bill_of_the_first_day(restored, cloud, provider_key)
    assert (bill["verdict"], bill["start"]) == ("correct", str(DAY))


def test_the_ledger_of_billed_statements_comes_back(old, tmp_path, cloud, provider_key, passphrase):
    old.kill()
    assert bill_of_the_first_day(old.directory, cloud, provider_key)["verdict"] == "correct"
    restored = tmp_path / "restored"
    back_up_and_restore(old.directory, restored, passphrase)
    vault = Vault.open(restored, signer_of(load_identity(restored)))
    billed = vault.billed()
    vault.close()
    assert len(billed) == 1


def test_a_backup_without_the_vault_is_small_and_starts(old, tmp_path, passphrase):
    old.kill()
    restored = tmp_path / "restored"
    told = back_up_and_restore(old.directory, restored, passphrase, "--keys-only")
    assert not (restored / "vault.db").exists()
    assert told["bytes"] < 60_000
    start(restored)


def test_a_backup_of_a_running_chip_starts_after_the_chip_has_gone_on(
    old, tmp_path, passphrase, cloud
):
    """An old image put back: it asks first, fetches what it forgot, and loses no energy."""
    out = tmp_path / "chip.backup"
    by = ("--passphrase-file", passphrase)
    run("backup", "--dir", old.directory, "--out", out, *by)
    old.run(96)
    old.settle()
    old.kill()
    shutil.rmtree(old.directory)
    run("restore", "--dir", old.directory, out, *by)
    old.identity = load_identity(old.directory)
    old.start()
    old.run(96)
    old.settle()
    assert not [each for each in cloud.store.dead_letters() if each.reason != "no_epoch"]


def test_every_file_of_a_household_comes_back_as_it_was(taken_over, tmp_path, passphrase):
    save_choices(taken_over, AreaChoices(is_on=False))
    save_kept_curve(taken_over, KeptCurve(12))
    release_receipts(taken_over)
    leave_order(taken_over, START)
    restored = tmp_path / "restored"
    told = back_up_and_restore(taken_over, restored, passphrase)
    kept = set(survey(CHIP, taken_over).kept)
    assert {"former.json", "area.json", "curve.json", "receipts.word", "move-out.json"} < kept
    for name in kept - {"move-out.json"}:
        assert (restored / name).read_bytes() == (taken_over / name).read_bytes(), name
        mode = stat.S_IMODE((restored / name).stat().st_mode)
        assert mode == (0o600 if CHIP.listed(name).private else 0o644), name
    assert told["not_in_it"] == ["answer.json"]


@pytest.mark.parametrize("choice", [(), ("--keys-only",)])
def test_an_order_to_move_out_does_not_come_back_unasked(old, tmp_path, passphrase, choice):
    leave_order(old.directory, START)
    old.kill()
    restored = tmp_path / "restored"
    out, by = tmp_path / "chip.backup", ("--passphrase-file", passphrase)
    run("backup", "--dir", old.directory, "--out", out, *by, *choice)
    checked = run("restore", "--check", "--dir", old.directory, out, *by)
    assert "A restore would say: A move-out was ordered" in checked
    assert f"`volet edge move-out --dir {old.directory}`" in checked
    assert ORDER.read(old.directory) is not None
    said = run("restore", "--dir", restored, out, *by)
    assert f"order it again, if you still want it: `volet edge move-out --dir {restored}`" in said
    assert ORDER.read(restored) is None
    old.directory, old.identity = restored, load_identity(restored)
    old.start()
    old.run(4)
    assert old.vault.departures.get() is None


def test_a_household_that_had_moved_out_stays_moved_out_after_a_restore(old, tmp_path, passphrase):
    old.move_out()
    old.settle()
    old.kill()
    restored = tmp_path / "restored"
    out, by = tmp_path / "chip.backup", ("--passphrase-file", passphrase)
    run("backup", "--dir", old.directory, "--out", out, *by)
    assert "order it again" not in run("restore", "--dir", restored, out, *by)
    assert departure_of(restored).is_told


def test_an_older_vault_put_back_alone_moves_nobody_out_again(old, tmp_path, passphrase):
    out, by = tmp_path / "chip.backup", ("--passphrase-file", passphrase)
    old.kill()
    run("backup", "--dir", old.directory, "--out", out, *by)
    old.start()
    old.move_out()
    old.settle()
    old.kill()
    for file in old.directory.glob("vault.db*"):
        file.unlink()
    assert "If you have left already" in run(
        "restore", "--dir", old.directory, "--database-only", out, *by
    )
    assert ORDER.read(old.directory) is None


def test_keys_that_systemd_keeps_are_in_the_backup(taken_over, tmp_path, passphrase, monkeypatch):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for name in ("household.key", "meter.salt"):
        (taken_over / "keys" / name).rename(credentials / name)
    with pytest.raises(ConfigError, match=r"household\.key is missing"):
        back_up_and_restore(taken_over, tmp_path / "x", passphrase)
    out, by = tmp_path / "chip.backup", ("--passphrase-file", passphrase)
    with monkeypatch.context() as unit:
        unit.setenv("CREDENTIALS_DIRECTORY", str(credentials))
        run("backup", "--dir", taken_over, "--out", out, *by)
    run("restore", "--dir", tmp_path / "restored", out, *by)
    salt = (credentials / "meter.salt").read_bytes()
    assert load_keys(tmp_path / "restored").meter_salt == salt


def test_a_passphrase_can_come_from_systemd(old, tmp_path, monkeypatch):
    old.kill()
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "backup.passphrase").write_text(PASSPHRASE)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    run("backup", "--dir", old.directory, "--out", tmp_path)
    (out,) = tmp_path.glob("volet-edge-*.backup")
    assert "is whole" in run("restore", out, "--check")


def test_what_stands_in_the_way_is_said_and_nothing_is_written(old, tmp_path, passphrase):
    old.kill()
    out, by = tmp_path / "chip.backup", ("--passphrase-file", passphrase)
    (old.directory / IMPORTING).touch()
    with pytest.raises(ConfigError, match="was interrupted; run `volet edge import"):
        run("backup", "--dir", old.directory, "--out", out, *by)
    (old.directory / IMPORTING).unlink()
    (old.directory / "vault.db").write_bytes(os.urandom(8192))
    with pytest.raises(StoreError, match="--keys-only leaves the database out"):
        run("backup", "--dir", old.directory, "--out", out, *by)
    taken = read_agreement(old.directory)
    for name in ("offer.json", "contract.json"):
        (old.directory / name).write_bytes(msgspec.json.encode(taken.offer))
    with pytest.raises(ConfigError, match=r"contract\.json"):
        run("backup", "--dir", old.directory, "--out", out, *by, "--keys-only")
    assert not out.exists()


def test_an_erasure_takes_what_a_killed_restore_left(old):
    old.kill()
    left = old.directory / f"{RESTORING}{'a' * 16}" / "keys"
    left.mkdir(parents=True)
    shutil.copy(old.directory / "keys" / "household.key", left)
    run("erase", "--dir", old.directory, "--yes")
    assert not list(left.iterdir())


def test_a_household_reads_of_its_backup_in_its_language(old, tmp_path, passphrase):
    old.kill()
    out, by = tmp_path / "chip.backup", ("--passphrase-file", passphrase)
    said = run("backup", "--lang", "fr", "--dir", old.directory, "--out", out, *by)
    assert "relu, rien ne manque" in said
    assert "N'y sont pas, car Volet ne les connaît pas : answer.json." in said
    said = run("restore", "--lang", "fr", out, "--check", *by)
    assert "s'ouvre et est entier" in said
    assert "Une restauration dirait : Les reçus attendent" in said
    said = run("restore", "--lang", "fr", "--dir", tmp_path / "x", out, *by)
    assert "Ne faites jamais tourner deux boîtiers à partir d'une même sauvegarde" in said
    assert "Restored chip" in run("restore", "--lang", "en", "--dir", tmp_path / "y", out, *by)
