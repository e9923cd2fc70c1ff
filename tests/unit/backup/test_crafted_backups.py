"""Backups and directories made to do harm: refused with a sentence, before anything is written."""

import os
from contextlib import suppress

import msgspec
import pytest
from click.testing import CliRunner

from protocol.backup import MAGIC, Header, Manifest, lock_by_passphrase
from protocol.errors import ConfigError, VoletError
from system.backup import write
from system.backup.cli import commands
from system.backup.listing import survey
from tests.support.backups import PASSPHRASE, QUICK, SHOP, back_up, make_shop, restore

LOCK = lock_by_passphrase(PASSPHRASE, log2_n=QUICK)[1]
ENCODE = msgspec.msgpack.encode
HOSTILE = ("notes/a\0.txt", "notes/a\n.txt", "notes/a\x1b[2J.txt", "", "notes/" + "a" * 5_000)


@pytest.fixture
def shop(tmp_path):
    return make_shop(tmp_path / "shop")


def crafted(shop, path, monkeypatch, **changed):
    """Write a backup by somebody who has the public half of its key, with what they changed."""

    def encode(value):
        if isinstance(value, Manifest) and "name" in changed:
            renamed = (msgspec.structs.replace(value.files[0], name=changed["name"]),)
            value = msgspec.structs.replace(value, files=renamed + value.files[1:])
        if isinstance(value, Manifest) and "owner" in changed:
            value = msgspec.structs.replace(value, owner=changed["owner"])
        return ENCODE(value)

    with monkeypatch.context() as patched, suppress(VoletError):
        patched.setattr(write, "_read_back", lambda *_: None)
        patched.setattr(write.msgspec.msgpack, "encode", encode)
        if "made_at_s" in changed:
            patched.setattr(write, "now_s", lambda: changed["made_at_s"])
        back_up(shop, path)
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_no_file_has_is_refused_and_nothing_is_written(
    shop, tmp_path, monkeypatch, name
):
    path = crafted(shop, tmp_path / "crafted.backup", monkeypatch, name=name)
    with pytest.raises(ConfigError) as refused:
        restore(path, tmp_path / "restored")
    assert str(refused.value).isprintable()
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize("made_at_s", [2**62, -1, 2**63])
def test_a_time_that_no_calendar_has_is_refused_and_nothing_is_written(
    shop, tmp_path, monkeypatch, made_at_s
):
    path = crafted(shop, tmp_path / "crafted.backup", monkeypatch, made_at_s=made_at_s)
    with pytest.raises(ConfigError, match="damaged"):
        restore(path, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_what_is_printed_of_a_backup_holds_no_control_characters(shop, tmp_path, monkeypatch):
    path = crafted(shop, tmp_path / "crafted.backup", monkeypatch, owner="me\x1b]0;you\x07")
    with pytest.raises(ConfigError, match="damaged"):
        restore(path, tmp_path / "restored")
    head = msgspec.msgpack.encode(Header("ed\nge", 0, LOCK, 0))
    path.write_bytes(MAGIC + b"\x01" + len(head).to_bytes(2, "big") + head)
    with pytest.raises(ConfigError, match="damaged"):
        restore(path, tmp_path / "restored")


@pytest.mark.parametrize("name", ["own.key", "shop.toml", "shop.db"])
def test_what_is_no_file_is_named_before_anything_is_read(shop, tmp_path, name):
    (shop / name).unlink()
    os.mkfifo(shop / name)
    with pytest.raises(ConfigError, match=f"{name} is no regular file"):
        survey(SHOP, shop)
    assert not (tmp_path / "out.backup").exists()


@pytest.mark.parametrize("name", [b"notes/a\nb.txt", b"notes/\xff.txt"])
def test_a_file_whose_name_cannot_be_printed_is_unknown(shop, tmp_path, name):
    (shop / os.fsdecode(name)).touch()
    written = back_up(shop, tmp_path / "out.backup")
    assert len(written.unknown) == 1
    assert written.unknown[0].isprintable()
    assert restore(tmp_path / "out.backup", tmp_path / "restored").owner == "a shop"


def test_the_public_half_of_a_key_is_told_when_a_backup_is_opened(tmp_path):
    key = tmp_path / "backup.key"
    shop = commands(SHOP)
    runner = CliRunner()
    runner.invoke(shop.backup_key, ["--out", str(key)])
    sealed = tmp_path / "some.backup"
    back_up(make_shop(tmp_path / "shop"), sealed)
    done = runner.invoke(shop.restore, [str(sealed), "--check", "--key", f"{key}.pub"])
    assert f"{key}.pub is the public half" in str(done.exception)


def test_what_anybody_can_have_made_is_shown_before_it_is_put_back(tmp_path):
    key, out, there = tmp_path / "backup.key", tmp_path / "some.backup", tmp_path / "there"
    shop, runner, made = commands(SHOP), CliRunner(), make_shop(tmp_path / "shop")
    runner.invoke(shop.backup_key, ["--out", str(key)])
    runner.invoke(shop.backup, ["--dir", str(made), "--out", str(out), "--to", f"{key}.pub"])
    command = ["--dir", str(there), str(out), "--key", str(key)]
    for answer in ("", "n\n"):
        done = runner.invoke(shop.restore, command, input=answer)
        assert "This is a backup of a shop, made at 20" in done.output
        assert not there.exists()
    assert runner.invoke(shop.restore, command, input="y\n").exit_code == 0
    assert there.exists()
