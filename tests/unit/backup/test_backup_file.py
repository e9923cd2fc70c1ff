"""A backup's file: all of it back or nothing written, and one sentence for whatever is wrong."""

import os
import stat
import threading
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import backup as format_
from protocol.backup import lock_by_key, open_by_key, read_public_key
from protocol.errors import ConfigError, StoreError
from protocol.hpke import SealingKey
from system.backup import database, write
from system.backup import restore as restoring
from system.backup.cli import commands
from system.backup.listing import CHECKING, STAGING, ListedFile, survey
from system.backup.restore import open_backup, rehearse
from system.backup.restore import restore as put_back
from system.backup.write import write_backup
from tests.support.backups import (
    PASSPHRASE,
    SECRET,
    SHOP,
    back_up,
    contents,
    make_shop,
    open_database,
    restore,
    unlock,
)


@pytest.fixture
def shop(tmp_path):
    return make_shop(tmp_path / "shop")


@pytest.fixture
def made(shop, tmp_path):
    path = tmp_path / "shop.backup"
    back_up(shop, path)
    return path


@pytest.fixture
def memory(tmp_path, monkeypatch):
    path = tmp_path / "memory"
    path.mkdir()
    monkeypatch.setattr("system.backup.restore.MEMORY", path)
    return path


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sealed")
    back_up(make_shop(folder / "shop"), folder / "shop.backup")
    return (folder / "shop.backup").read_bytes()


def sales(directory):
    with closing(open_database(directory)) as found:
        return found.execute("SELECT count(*), sum(eur) FROM sale").fetchone()


def test_all_that_the_list_keeps_comes_back_with_its_modes(shop, made, tmp_path):
    restored = tmp_path / "restored"
    done = restore(made, restored)
    names = {"own.key", "shop.toml", "notes/0.txt", "notes/1.txt", "notes/2.txt", "shop.db"}
    assert {each.name for each in done.files} == set(contents(restored)) == names
    for name in names - {"shop.db"}:
        assert (restored / name).read_bytes() == (shop / name).read_bytes()
    assert sales(restored) == sales(shop) == (100, 4950)
    modes = {name: stat.S_IMODE((restored / name).stat().st_mode) for name in (".", *names)}
    assert modes["."] == 0o700
    assert modes["own.key"] == modes["shop.db"] == 0o600
    assert modes["shop.toml"] == modes["notes/1.txt"] == 0o644


def test_the_file_is_for_its_owner_alone_and_says_nothing_in_clear(made):
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    for told in (SECRET, b"own.key", b"SQLite", b"a shop"):
        assert told not in made.read_bytes()


@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
@settings(max_examples=300)
def test_any_byte_changed_is_refused_and_nothing_is_written(
    sealed, tmp_path_factory, place, change
):
    altered = bytearray(sealed)
    altered[int(place * len(sealed))] ^= change
    folder = tmp_path_factory.mktemp("altered")
    (folder / "x.backup").write_bytes(altered)
    with pytest.raises(ConfigError) as told:
        restore(folder / "x.backup", folder / "restored")
    assert "\n" not in str(told.value)
    assert not (folder / "restored").exists()


@given(length=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused(sealed, tmp_path_factory, length):
    folder = tmp_path_factory.mktemp("cut")
    (folder / "x.backup").write_bytes(sealed[: int(length * len(sealed))])
    with pytest.raises(ConfigError, match=r"no backup|cut short|damaged"):
        restore(folder / "x.backup", folder / "restored")
    assert not (folder / "restored").exists()


def test_each_thing_that_is_wrong_has_its_sentence(sealed, tmp_path):
    def refused(data, match, party=SHOP, unlock=unlock):
        path = tmp_path / "wrong.backup"
        path.write_bytes(data)
        with pytest.raises(ConfigError, match=match):
            put_back(open_backup(party, path, unlock), tmp_path / "restored")
        assert not (tmp_path / "restored").exists()

    refused(sealed + b"x", "cut short or has grown")
    refused(b"volet bundle" + sealed[12:], "no backup of Volet")
    refused(sealed[:12] + b"\x02" + sealed[13:], "format 2, this Volet reads 1; install a newer")
    refused(sealed, "of `volet edge`, not of a stall", replace(SHOP, name="cloud", title="a stall"))
    refused(sealed, "passphrase does not open", unlock=lambda *x: unlock(*x, "une autre phrase"))
    less = replace(SHOP, files=tuple(f for f in SHOP.files if f.pattern != "notes/*.txt"))
    refused(sealed, "notes/0.txt, which this Volet does not know; install the newer", less)
    key = SealingKey.generate()
    refused(sealed, "by a passphrase, not by a key", unlock=lambda *x: open_by_key(x[0], key, x[1]))
    with pytest.raises(ConfigError, match=r"missing.backup is missing; name the file"):
        restore(tmp_path / "missing.backup", tmp_path / "restored")


def test_a_key_locks_for_its_private_half_alone(shop, tmp_path):
    key, other = SealingKey.generate(), SealingKey.generate()
    out = tmp_path / "k.backup"
    write_backup(SHOP, shop, out, lock_by_key(key.public_bytes))
    opened = open_backup(SHOP, out, lambda lock, name: open_by_key(lock, key, name))
    put_back(opened, tmp_path / "restored")
    assert sales(tmp_path / "restored") == (100, 4950)
    with pytest.raises(ConfigError, match=r"is locked by the key .*, this one is"):
        open_backup(SHOP, out, lambda lock, name: open_by_key(lock, other, name))
    with pytest.raises(ConfigError, match=r"by the key .*, not by a passphrase; .* with --key"):
        open_backup(SHOP, out, unlock)


def test_the_halves_of_a_key_are_told_apart():
    key = SealingKey.generate()
    text = format_.public_key_text(key.public_bytes)
    assert read_public_key(text, "k.pub") == key.public_bytes
    private = format_.private_key_text(key)
    assert format_.read_private_key(private, "k").to_bytes() == key.to_bytes()
    with pytest.raises(ConfigError, match=r"the private half of a backup key; .* \.pub"):
        read_public_key(private, "k")
    with pytest.raises(ConfigError, match="k is the public half"):
        format_.read_private_key(text, "k")


# Nothing is overwritten, and nothing half is left.


def test_a_backup_never_takes_the_place_of_a_file(shop, made, monkeypatch):
    before = made.read_bytes()
    with pytest.raises(ConfigError, match="is there already; name another file"):
        back_up(shop, made)

    def no_links(*_args, **_more):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)  # as on a USB stick with FAT
    back_up(shop, made.with_name("second.backup"))
    assert made.read_bytes() == before
    assert len(list(made.parent.glob("*.backup"))) == 2


def test_a_restore_takes_an_empty_directory_only_and_names_what_is_there(made, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"full is not empty \(mine.txt\); name an empty"):
        restore(made, full)
    assert contents(full) == {"mine.txt": b"mine"}
    empty = tmp_path / "empty"
    empty.mkdir(mode=0o755)
    restore(made, empty)
    assert stat.S_IMODE(empty.stat().st_mode) == 0o700


def test_what_does_not_pass_its_own_check_is_not_put_back(made, tmp_path):
    def doubt(_directory):
        raise ConfigError("own.key is of another shop.")

    with pytest.raises(ConfigError, match="another shop"):
        restore(made, tmp_path / "restored", replace(SHOP, check=doubt))
    assert not (tmp_path / "restored").exists()


def test_what_reads_back_otherwise_is_removed_and_said(shop, tmp_path, monkeypatch):
    seal = write.seal_chunks

    def worn_out(key, parts):
        for chunk in seal(key, parts):
            yield bytes([chunk[0] ^ 1]) + chunk[1:]

    monkeypatch.setattr(write, "seal_chunks", worn_out)
    with pytest.raises(StoreError, match="reads back otherwise; it was removed"):
        back_up(shop, tmp_path / "x.backup")
    assert not [path for path in tmp_path.iterdir() if "backup" in path.name]


# The directory lives on meanwhile.


@pytest.mark.parametrize("in_memory_max_bytes", [1 << 26, 0])
def test_a_database_is_copied_as_it_stood_at_one_instant(
    shop, tmp_path, monkeypatch, in_memory_max_bytes
):
    """A thread books each sale and its opposite in one transaction; no copy has half of it."""
    monkeypatch.setattr(database, "IN_MEMORY_MAX_BYTES", in_memory_max_bytes)
    stop, sold = threading.Event(), threading.Event()

    def sell():
        with closing(open_database(shop)) as own:
            while not stop.is_set():
                own.execute("BEGIN IMMEDIATE")
                own.execute("INSERT INTO sale (eur) VALUES (7)")
                own.execute("INSERT INTO sale (eur) VALUES (-7)")
                own.execute("COMMIT")
                sold.set()

    seller = threading.Thread(target=sell)
    seller.start()
    try:
        sold.wait(30)
        for number in range(5):
            back_up(shop, tmp_path / f"{number}.backup")
    finally:
        stop.set()
        seller.join(30)
    for number in range(5):
        restore(tmp_path / f"{number}.backup", tmp_path / str(number))
        count, total = sales(tmp_path / str(number))
        assert count > 100
        assert (count % 2, total) == (0, 4950)
    assert not list(shop.glob(f"{STAGING}*"))


def test_files_that_change_while_they_are_read_are_read_again(shop, tmp_path):
    changes = []

    def changing(directory):
        if len(changes) < 2:
            changes.append((directory / "shop.toml").write_text(f"name = '{len(changes)}'\n"))
        return "a shop"

    party = replace(SHOP, check=changing)
    back_up(shop, tmp_path / "x.backup", party)
    restore(tmp_path / "x.backup", tmp_path / "restored", party)
    assert (tmp_path / "restored" / "shop.toml").read_text() == "name = '1'\n"

    def never_still(directory):
        (directory / "shop.toml").write_text(f"name = '{os.urandom(9).hex()}'\n")
        return "a shop"

    with pytest.raises(ConfigError, match="keep changing"):
        back_up(shop, tmp_path / "y.backup", replace(SHOP, check=never_still))


def test_a_damaged_database_is_said_and_can_be_left_out(shop, tmp_path):
    damaged = bytearray((shop / "shop.db").read_bytes())
    damaged[4096:8192] = os.urandom(4096)
    (shop / "shop.db").write_bytes(damaged)
    with pytest.raises(StoreError, match="--keys-only leaves the database out"):
        back_up(shop, tmp_path / "x.backup")
    back_up(shop, tmp_path / "x.backup", keys_only=True)
    restore(tmp_path / "x.backup", tmp_path / "restored")
    assert "shop.db" not in contents(tmp_path / "restored")


def test_what_no_list_knows_is_named_and_what_a_kill_left_is_cleared(shop, tmp_path):
    (shop / "mine.txt").write_text("mine")
    (shop / f".shop.toml.{'a' * 16}").write_text("half")
    (shop / f"{STAGING}{'b' * 16}").mkdir()
    assert back_up(shop, tmp_path / "x.backup").unknown == ("mine.txt",)
    assert not list(shop.glob(f"{STAGING}*"))
    assert f".shop.toml.{'a' * 16}" in survey(SHOP, shop).left_out


# What a restore would say.


def test_a_rehearsal_says_what_a_restore_says_and_leaves_nothing_in_memory(made, memory):
    (memory / f"{CHECKING}{'a' * 16}" / "notes").mkdir(parents=True)

    def settle(restored, directory):
        assert (restored, restored.parent) == (directory, memory)
        assert sales(restored) == (100, 4950)
        (restored / "shop.toml").unlink()
        return "Count the sales in {directory}."

    opened = open_backup(replace(SHOP, settle=settle), made, unlock)
    assert rehearse(opened) == "Count the sales in {directory}."
    assert not list(memory.iterdir())


def test_a_rehearsal_refuses_what_a_restore_refuses(made, memory):
    def check(_):
        raise ConfigError("This shop has closed.")

    with pytest.raises(ConfigError, match="has closed"):
        rehearse(open_backup(replace(SHOP, check=check), made, unlock))
    assert not list(memory.iterdir())


def test_what_memory_has_no_room_for_is_not_rehearsed_and_says_so(made, memory, monkeypatch):
    opened = open_backup(SHOP, made, unlock)
    monkeypatch.setattr(restoring.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    assert rehearse(opened) is None
    passphrase = memory.parent / "passphrase"
    passphrase.write_text(PASSPHRASE)
    passphrase.chmod(0o600)
    arguments = [str(made), "--check", "--passphrase-file", str(passphrase)]
    done = CliRunner().invoke(commands(SHOP).restore, arguments)
    assert "What a restore would say of it was not tried" in done.output


# The database alone.


def test_the_database_alone_goes_into_the_directory_that_lost_it(shop, made):
    with pytest.raises(ConfigError, match=r"shop.db is there; stop the program"):
        restore(made, shop, database_only=True)
    (shop / "shop.toml").write_text("name = 'newer'\n")
    for path in shop.glob("shop.db*"):
        path.unlink()
    done = restore(made, shop, database_only=True)
    assert [each.name for each in done.files] == ["shop.db"]
    assert sales(shop) == (100, 4950)
    assert (shop / "shop.toml").read_text() == "name = 'newer'\n"


def test_the_database_alone_does_not_go_where_it_does_not_belong(shop, made, tmp_path):
    for path in shop.glob("shop.db*"):
        path.unlink()
    other = replace(SHOP, check=lambda _: "another shop")
    with pytest.raises(ConfigError, match=r"is of a shop, .* of another shop"):
        restore(made, shop, other, database_only=True)
    (shop / "own.key").write_bytes(b"other")
    with pytest.raises(ConfigError, match="has lost more than its database"):
        restore(made, shop, database_only=True)
    back_up_keys = tmp_path / "keys.backup"
    (shop / "own.key").write_bytes(SECRET)
    back_up(shop, back_up_keys, keys_only=True)
    with pytest.raises(ConfigError, match=r"No database is in .*: it was made with --keys-only"):
        restore(back_up_keys, shop, database_only=True)


def test_a_pattern_holds_what_it_should():
    assert ListedFile("pki/*.pem", "").holds("pki/ca.pem")
    assert not ListedFile("pki/*.pem", "").holds("pki/issued/ca.pem")
    assert ListedFile("broker/**", "").holds("broker/data/mosquitto.db")
    assert not ListedFile("broker/**", "").holds("broker")
