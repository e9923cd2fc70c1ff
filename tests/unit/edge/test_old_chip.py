"""A chip's directory that an older Volet wrote, its key in SEAL's form under TenSEAL 0.3.16."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import date

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from edge.contracts.signed import load_contract
from edge.identity.enrolment import load_identity
from edge.identity.key_form import rewrite_old_key
from edge.identity.keys import load_keys
from edge.moving.bundle import open_bundle, seal_bundle
from edge.moving.transfer import pack, take_in
from edge.vault.database import open_database
from edge.vault.reader import read_vault
from protocol.keys import SECRET_BYTES, HouseholdSecret, is_old_secret
from tests.support.broker import wait_until
from tests.support.chip_cloud import opened
from tests.support.written_before import PASSPHRASE, TENSEALS, Written, unpack_chip
from volet.main import volet

WRITTEN = Written("0.3.16")


@pytest.fixture
def directory(tmp_path):
    return unpack_chip(tmp_path / "chip")


@pytest.fixture
def upgraded(directory):
    """The directory once a chip of today has been started on it."""
    open_database(directory / "vault.db").conn.close()
    return directory


@pytest.fixture
def key(directory):
    return directory / "keys" / "household.key"


class VaultView:
    """What the vault keeps of what it sent, for `opened`."""

    def __init__(self, directory):
        with closing(sqlite3.connect(directory / "vault.db")) as db:
            self._headers = [row[0] for row in db.execute("SELECT payload FROM epochs")]
            self._blocks = [
                row[0] for row in db.execute("SELECT payload FROM blocks WHERE payload IS NOT NULL")
            ]
            rows = db.execute("SELECT day, j, energy_wh FROM intervals")
            self.intervals = {(day, j): energy_wh for day, j, energy_wh in rows}

    def payloads(self):
        return self._headers, self._blocks


# The key's file


def test_an_old_key_is_rewritten_once_and_stays_the_same_key(directory, key):
    old = key.read_bytes()
    with capture_logs() as logs:
        rewrite_old_key(directory)
        new = key.read_bytes()
        rewrite_old_key(directory)
    assert [each["event"] for each in logs] == ["household_key_rewritten"]
    assert is_old_secret(old)
    assert len(new) == SECRET_BYTES
    assert key.read_bytes() == new
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert [path.name for path in key.parent.iterdir() if path.name.startswith(".")] == []
    WRITTEN.check(load_keys(directory).household)
    WRITTEN.check(HouseholdSecret.from_bytes(old))


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
def test_a_rewriting_that_is_cut_short_leaves_a_key_that_opens(directory, key, monkeypatch, call):
    class Cut(BaseException):
        pass

    def cut(*_, **__):
        raise Cut

    place = {"open": os, "write": os, "fsync": os, "replace": type(key)}[call]
    name = "fdopen" if call == "write" else call
    with monkeypatch.context() as patch:
        patch.setattr(place, name, cut)
        with pytest.raises(Cut):
            rewrite_old_key(directory)
    WRITTEN.check(load_keys(directory).household)
    rewrite_old_key(directory)
    assert not is_old_secret(key.read_bytes())
    WRITTEN.check(load_keys(directory).household)


def test_a_key_that_systemd_gives_is_read_in_its_old_form_and_said(
    directory, key, tmp_path, monkeypatch
):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    given = credentials / "household.key"
    key.rename(given)
    old = given.read_bytes()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    with capture_logs() as logs:
        rewrite_old_key(directory)
    assert [each["event"] for each in logs] == ["household_key_of_old_form"]
    assert given.read_bytes() == old
    assert not key.exists()
    WRITTEN.check(load_keys(directory).household)


def test_a_card_that_takes_no_writes_stops_no_chip(directory, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with capture_logs() as logs:
        rewrite_old_key(directory)
    assert [each["event"] for each in logs] == ["household_key_of_old_form"]
    WRITTEN.check(load_keys(directory).household)


# The whole directory


def test_an_old_directory_is_read_by_every_command_of_the_household(upgraded):
    assert load_identity(upgraded).household_key.hex() == WRITTEN.facts["household_key"]
    assert load_contract(upgraded) is not None
    for command in (("status",), ("bills",), ("letters",), ("receipts",)):
        told = CliRunner().invoke(volet, ["edge", *command, "--dir", str(upgraded), "--json"])
        assert told.exit_code == 0, (command, told.output)


def test_what_an_old_chip_sent_opens_to_what_it_had_metered(directory):
    view = VaultView(directory)
    values = opened(view, load_identity(directory))
    day = date(2026, 2, 10)
    curve_wh = [values[day, j] for j in range(96)]
    assert sum(curve_wh) > 100_000
    assert len(view.intervals) >= 96
    kept_wh = [wh for (_, j), wh in sorted(view.intervals.items())][:96]
    assert curve_wh == kept_wh


def test_an_old_chip_starts_and_goes_on_as_a_process(directory, key, tmp_path):
    silent = tmp_path / "meter.bin"
    os.mkfifo(silent)
    writer = os.open(silent, os.O_RDWR)
    try:
        command = [sys.executable, "-m", "volet.main", "edge", "run", "--dir", str(directory)]
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen([*command, "--source", str(silent)], stderr=log)
        try:
            wait_until(lambda: not is_old_secret(key.read_bytes()), "the key rewritten")
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, (tmp_path / "log").read_text()
        finally:
            process.kill()
            process.wait()
    finally:
        os.close(writer)
    events = [json.loads(line)["event"] for line in (tmp_path / "log").read_text().splitlines()]
    assert "household_key_rewritten" in events
    assert "vault_damaged" not in events
    with read_vault(directory) as vault:
        assert vault.figures().blocks == 2
    WRITTEN.check(load_keys(directory).household)


# Bundles


def test_an_old_directory_moves_whole_into_a_chip_of_today(upgraded, tmp_path):
    bundle = open_bundle(seal_bundle(pack(upgraded), PASSPHRASE, log2_n=10), PASSPHRASE)
    taken = take_in(tmp_path / "new", bundle, date(2026, 11, 1))
    assert taken.has_ledger
    WRITTEN.check(load_keys(tmp_path / "new").household)
    assert VaultView(tmp_path / "new").intervals == VaultView(upgraded).intervals


@pytest.mark.parametrize("tenseal", TENSEALS)
def test_a_bundle_of_before_goes_into_a_chip_of_today(tenseal, tmp_path):
    written = Written(tenseal)
    taken = take_in(tmp_path / "new", written.bundle(), date(2026, 11, 1))
    assert taken.household_key.hex() == written.facts["household_key"]
    assert not is_old_secret((tmp_path / "new" / "keys" / "household.key").read_bytes())
    written.check(load_keys(tmp_path / "new").household)


@pytest.mark.parametrize("tenseal", TENSEALS)
def test_a_bundle_of_before_is_imported_by_the_command(tenseal, tmp_path):
    written, new = Written(tenseal), tmp_path / "new"
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE)
    passphrase.chmod(0o600)
    options = ("--dir", str(new), "--passphrase-file", str(passphrase))
    told = CliRunner().invoke(volet, ["edge", "import", str(written.path), *options])
    assert told.exit_code == 0, told.output
    written.check(load_keys(new).household)
