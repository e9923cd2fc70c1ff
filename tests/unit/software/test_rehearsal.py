"""A release that cannot do a chip's work, or read its vault, is refused before it is switched to."""

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import date

import pytest
from click.testing import CliRunner

from edge.vault import rehearsal as vault_rehearsal
from edge.vault.database import SCHEMA_VERSION, open_database
from edge.vault.rehearsal import rehearse
from protocol.errors import ConfigError, DocumentRefused, StoreError, VoletError
from system.backup.listing import TRYING
from tests.support.environments import ROOT
from tests.support.later_schema import add_later_schema
from tests.unit.software.test_switching import UNIT, made
from volet.software import cli, rehearsal, trying
from volet.software.capture import READ
from volet.software.checking import check_release


@pytest.fixture
def chip(tmp_path):
    """Return the directory of a chip whose vault is open, with three closed days."""
    directory = tmp_path / "chip"
    directory.mkdir(mode=0o700)
    database = open_database(directory / "vault.db")
    for day in range(3):
        database.execute("INSERT INTO notices VALUES (?, 0, 'gap', '')", (day,))
        database.execute("INSERT INTO intervals VALUES (?, 0, 100, 0, 1)", (day,))
    yield directory
    database.close()


def everything(directory):
    """Return the files but SQLite's index of the log, where a reader leaves its mark."""
    return {
        path.name: path.read_bytes()
        for path in directory.iterdir()
        if path.is_file() and not path.name.endswith("-shm")
    }


def changed(directory, *statements):
    with closing(sqlite3.connect(directory / "vault.db")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def test_a_vault_is_opened_as_a_copy_and_nothing_of_it_remains(chip, monkeypatch):
    seen = []
    opened = vault_rehearsal._opened

    def look(copy):
        found = opened(copy)
        seen.extend(stat.S_IMODE(path.stat().st_mode) for path in copy.parent.iterdir())
        assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
        assert copy.stat().st_dev == chip.stat().st_dev
        return found

    monkeypatch.setattr(vault_rehearsal, "_opened", look)
    before = everything(chip)
    figures = rehearse(chip)
    assert figures.intervals == 3
    assert seen
    assert set(seen) == {0o600}
    assert everything(chip) == before
    assert not list(chip.glob(f"{TRYING}*"))


def test_where_there_is_no_vault_there_is_nothing_to_read(tmp_path):
    assert rehearse(tmp_path) is None


def test_what_a_kill_leaves_is_removed_at_the_next_check_and_by_nobody_else_meanwhile(chip):
    program = (
        "import os, signal, sys; from pathlib import Path; from edge.vault import rehearsal\n"
        "rehearsal._opened = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "rehearsal.rehearse(Path(sys.argv[1]))"
    )
    subprocess.run((sys.executable, "-c", program, chip), check=False, cwd=ROOT)
    (left,) = chip.glob(f"{TRYING}*")
    assert (left / "vault.db").stat().st_size
    rehearse(chip)
    assert not list(chip.glob(f"{TRYING}*"))


def test_an_older_vault_is_upgraded_in_the_copy_alone(chip):
    changed(chip, "DROP TABLE epoch_keys", "PRAGMA user_version = 9")
    assert rehearse(chip).intervals == 3
    with closing(sqlite3.connect(chip / "vault.db")) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (9,)


def test_a_vault_of_a_later_release_that_only_added_is_read(chip):
    add_later_schema(chip / "vault.db")
    assert rehearse(chip).intervals == 3


@pytest.mark.parametrize(
    "statements",
    [
        (f"PRAGMA user_version = {SCHEMA_VERSION + 100}",),
        ("DROP TABLE intervals",),
        ("ALTER TABLE notices DROP COLUMN kind",),
        ("PRAGMA application_id = 1",),
    ],
)
def test_a_vault_that_cannot_be_used_is_refused(chip, statements):
    changed(chip, "DROP INDEX IF EXISTS intervals_to_encrypt", *statements)
    with pytest.raises(StoreError):
        rehearse(chip)
    assert not list(chip.glob(f"{TRYING}*"))


def test_a_release_that_would_lose_rows_is_refused(chip, monkeypatch):
    def careless(path):
        database = open_database(path)
        database.execute("DELETE FROM notices WHERE id = 0")
        return database

    monkeypatch.setattr(vault_rehearsal, "open_database", careless)
    with pytest.raises(StoreError, match="would be lost: notices"):
        rehearse(chip)


def test_a_release_does_a_chips_work(chip):
    assert CliRunner().invoke(cli.software, ["rehearse", "--dir", str(chip)]).exit_code == 0


def test_a_frame_that_is_not_decoded_is_found():
    sent, count, values = READ[0]
    for frame in ((sent, count + 1, values), (sent, count, {"EAST": "1"}), (b"", count, values)):
        with pytest.raises(VoletError, match="not decoded"):
            rehearsal.check_decoding((frame,))


def test_a_sum_that_does_not_open_is_found(monkeypatch):
    monkeypatch.setattr(rehearsal, "open_sum", lambda *_: 7)
    with pytest.raises(VoletError, match="opens as 7"):
        rehearsal.check_cipher()


def test_noise_that_is_none_is_found(monkeypatch):
    monkeypatch.setattr(rehearsal, "draw_noise", lambda slots, _: 0 * rehearsal.np.arange(slots))
    with pytest.raises(VoletError, match="is none"):
        rehearsal.check_noise()


def test_a_chips_own_files_are_read(chip):
    (chip / "edge.toml").write_text("no_such_setting = 1\n")
    with pytest.raises(ConfigError):
        rehearsal.rehearse(chip)


@pytest.fixture
def machine(places, monkeypatch):
    return made(places, monkeypatch)


def own_program(machine, version, script):
    program = machine.places.program(version)
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_a_release_that_fails_its_check_is_refused_and_nothing_is_switched(
    machine, monkeypatch, chip
):
    own_program(machine, "0.2.0", "echo 'volet: the vault is of version 1100.' >&2; exit 6")
    monkeypatch.setattr(cli, "running_unit", lambda: UNIT)
    monkeypatch.setattr(trying.subprocess, "run", lambda *_, **__: pytest.fail("it was tried"))
    state = machine.places.state()
    given = ["0.2.0", "--root", str(machine.places.root), "--dir", str(chip)]
    for command in ("check", "activate"):
        with monkeypatch.context() as patched:
            patched.setattr(trying.subprocess, "run", subprocess_run)
            result = CliRunner().invoke(cli.software, [command, *given])
        assert isinstance(result.exception, DocumentRefused)
        assert str(result.exception).endswith("check: the vault is of version 1100.")
    assert machine.places.linked("current") == "0.1.0"
    assert machine.places.state() == state
    assert machine.places.trial() is None


subprocess_run = subprocess.run


def test_a_release_that_passes_its_check_is_given_the_chips_directory(machine, chip):
    own_program(machine, "0.2.0", f'[ "$*" = "software rehearse --dir {chip}" ]')
    check_release(machine.places, "0.2.0", chip)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_the_check_runs_as_the_chips_user(machine, chip):
    own_program(machine, "0.2.0", "id -u >&2; exit 1")
    for path in (machine.places.root, *machine.places.root.parents):
        if path.stat().st_uid == os.getuid() and path.is_relative_to(chip.parent):
            path.chmod(0o755)
    os.chown(chip, 65534, 65534)
    with pytest.raises(DocumentRefused, match=r"65534|ermission"):
        check_release(machine.places, "0.2.0", chip)


def test_the_day_that_is_rehearsed_is_one_of_a_frame():
    assert date(2026, 1, 15) == rehearsal._DAY
