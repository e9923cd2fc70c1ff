"""The collectivity's backup: complete, and no revocation is lost by putting one back."""

import json
import shutil
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from cloud.commands.directory import COLLECTIVITY
from cloud.commands.table import cloud
from cloud.registry.broker import current_user
from cloud.registry.key_files import revoked_serials
from cloud.registry.pki import issue_role
from cloud.registry.places import list_places, look_up
from cloud.store.sqlite.store import SqliteStore
from edge.commands.directory import CHIP
from protocol.errors import ConfigError, VoletError
from system.backup.listing import survey
from system.backup.restore import open_backup
from tests.support.broker import enrol_chip, make_cloud

PRM = "21500000000001"


@pytest.fixture
def key(tmp_path):
    run("backup-key", "--out", tmp_path / "backup.key")
    return tmp_path / "backup.key"


@pytest.fixture
def town(tmp_path):
    """A collectivity with two chips and its broker's directory."""
    directory = tmp_path / "cloud"
    make_cloud(directory)
    town = Town(directory, [enrol_chip(directory, tmp_path / name) for name in ("one", "two")])
    town.broker_config()
    return town


class Town:
    def __init__(self, directory, chips):
        self.directory = directory
        self.chips = [each.device for each in chips]

    def broker_config(self):
        return run("broker-config", "--dir", self.directory, "--user", current_user())

    def revoke(self, device):
        run("revoke", "--dir", self.directory, device)

    def revoked(self):
        store = SqliteStore.open(self.directory)
        try:
            return {each.device for each in store.devices() if each.is_revoked}
        finally:
            store.close()


def run(*arguments):
    """Run a command; returns what it said. Raises what it raised."""
    done = CliRunner().invoke(cloud, list(map(str, arguments)))
    if isinstance(done.exception, VoletError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def back_up(town, key, *options):
    out = key.with_name("cloud.backup")
    public = key.with_name("backup.key.pub")
    said = run("backup", "--dir", town.directory, "--out", out, "--to", public, "--json", *options)
    return out, json.loads(said)


def test_all_of_a_collectivity_comes_back(town, key, tmp_path):
    issue_role(town.directory, "worker-2", datetime.now(UTC))
    chip = tmp_path / "one"
    run(
        "enrol", "--dir", town.directory, chip / "request.json",
        "--out", tmp_path / "answer.json", "--prm", PRM,
    )  # fmt: skip
    (town.directory / "influx.token").write_text("a token")
    out, told = back_up(town, key)
    kept = survey(COLLECTIVITY, town.directory)
    assert told["not_in_it"] == list(kept.unknown) == []
    restored = tmp_path / "restored"
    run("restore", "--dir", restored, out, "--key", key, "--yes")
    for name in kept.kept:
        assert (restored / name).read_bytes() == (town.directory / name).read_bytes(), name
    store = SqliteStore.open(restored)
    try:
        assert len(list_places(store)) == 2
        (found,) = look_up(restored, store, PRM, ("me", "a test"), datetime.now(UTC))
        assert found.prm == PRM
    finally:
        store.close()
    assert not (restored / "broker").exists()
    assert "Wrote" in run("broker-config", "--dir", restored, "--user", current_user())


def test_the_machine_that_writes_backups_cannot_open_them(town, key):
    out, _ = back_up(town, key)
    with pytest.raises(ConfigError, match="not by a passphrase; name the private key's file"):
        run("restore", out, "--check")
    public = key.with_name("backup.key.pub")
    public.chmod(0o600)
    with pytest.raises(ConfigError, match="is the public half"):
        run("restore", out, "--check", "--key", public)
    assert "opens and is whole" in run("restore", out, "--check", "--key", key)


def test_yesterdays_store_alone_learns_who_was_revoked_since(town, key):
    """The list in pki/ is today's; the page used to ask for each revocation again, by hand."""
    out, _ = back_up(town, key)
    town.revoke(town.chips[0])
    assert "A restore would say" not in run("restore", out, "--check", "--key", key)
    for path in town.directory.glob("store.db*"):
        path.unlink()
    said = run("restore", "--dir", town.directory, out, "--key", key, "--yes", "--database-only")
    assert f"Revoked again, as the revocation list names them: {town.chips[0]}." in said
    assert town.revoked() == {town.chips[0]}


def test_yesterdays_store_says_who_enrolled_since(town, key, tmp_path):
    out, _ = back_up(town, key)
    since = enrol_chip(town.directory, tmp_path / "since").device
    for path in town.directory.glob("store.db*"):
        path.unlink()
    said = run("restore", "--dir", town.directory, out, "--key", key, "--yes", "--database-only")
    assert f"Not in this store, so enrol them again: {since}." in said


def test_a_chip_that_enrolled_since_keeps_its_id_by_the_old_directory(town, key, tmp_path):
    """As the page says: pki/issued is taken over before the chip enrols again."""
    out, _ = back_up(town, key)
    since = enrol_chip(town.directory, tmp_path / "since").device
    old = town.directory.rename(tmp_path / "old")
    said = run("restore", "--dir", town.directory, out, "--key", key, "--yes")
    assert "Take over pki/issued and pki/crl.pem of the directory moved aside" in said
    shutil.copytree(old / "pki" / "issued", town.directory / "pki" / "issued", dirs_exist_ok=True)
    request = tmp_path / "since" / "request.json"
    answer = tmp_path / "again.json"
    assert f"Enrolled {since}" in run("enrol", "--dir", town.directory, request, "--out", answer)


def test_a_whole_directory_put_back_learns_from_the_broker_who_was_revoked_since(
    town, key, tmp_path
):
    """Filling the broker's directory from an old one must not let a revoked chip in again."""
    out, _ = back_up(town, key)
    town.revoke(town.chips[1])
    shutil.move(town.directory / "broker", tmp_path / "broker")
    shutil.rmtree(town.directory)
    run("restore", "--dir", town.directory, out, "--key", key, "--yes")
    assert town.revoked() == set()
    shutil.move(tmp_path / "broker", town.directory / "broker")
    newer = revoked_serials(town.directory / "broker" / "crl.pem")
    said = town.broker_config()
    assert f"as the broker's list names them: {town.chips[1]}" in said
    assert town.revoked() == {town.chips[1]}
    assert revoked_serials(town.directory / "broker" / "crl.pem") == newer


def test_a_list_that_another_authority_signed_revokes_nobody(town, tmp_path):
    make_cloud(tmp_path / "other")
    other = Town(tmp_path / "other", [enrol_chip(tmp_path / "other", tmp_path / "three")])
    other.broker_config()
    other.revoke(other.chips[0])
    before = (town.directory / "pki" / "crl.pem").read_bytes()
    for forged in ((tmp_path / "other/pki/crl.pem").read_bytes(), b"junk"):
        (town.directory / "broker" / "crl.pem").write_bytes(forged)
        town.broker_config()
        assert (town.directory / "pki" / "crl.pem").read_bytes() == before
        assert (town.directory / "broker" / "crl.pem").read_bytes() == before
        assert town.revoked() == set()


def test_a_collectivitys_backup_is_no_chips(town, key):
    out, _ = back_up(town, key)
    with pytest.raises(ConfigError, match="backup of `volet cloud`, not of a chip"):
        open_backup(CHIP, out, lambda *_: b"")
