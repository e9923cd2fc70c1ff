"""Secrets have their mode from the first moment; files are whole or not there."""

import errno
import os
import re
import stat
from pathlib import Path

import pytest

from protocol.errors import ConfigError
from system import files
from system.files import (
    draw_secret,
    make_private_dir,
    read_document,
    read_secret,
    write_public,
    write_secret,
)


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o022, 0o000, 0o077])
def test_modes_do_not_depend_on_the_umask(tmp_path, umask):
    os.umask(umask)
    make_private_dir(tmp_path / "deep" / "private")
    write_secret(tmp_path / "written", b"s")
    draw_secret(tmp_path / "drawn", b"s")
    assert _mode(tmp_path / "deep" / "private") == 0o700
    assert _mode(tmp_path / "written") == _mode(tmp_path / "drawn") == 0o600


def test_a_directory_below_another_users_says_how_to_have_one(tmp_path, monkeypatch):
    def mkdir(*_args, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files.Path, "mkdir", mkdir)  # root may make it all the same
    path = tmp_path / "volet"
    with pytest.raises(ConfigError, match=re.escape(f'install -d -m 0700 -o "$USER" {path}`')):
        make_private_dir(path)


def test_secret_is_closed_before_its_first_byte_is_written(tmp_path, monkeypatch):
    modes = []

    def fsync(fd: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(fd).st_mode))

    monkeypatch.setattr(files.os, "fsync", fsync)
    monkeypatch.setattr(files.os, "chmod", lambda *_: pytest.fail("a mode was changed later"))
    write_secret(tmp_path / "key", b"s")
    assert modes[0] == 0o600


def test_secret_takes_the_place_of_an_open_file_and_is_closed(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_secret(path, b"new")
    assert (path.read_bytes(), _mode(path)) == (b"new", 0o600)


def test_interrupted_write_leaves_what_stood_there(tmp_path, monkeypatch):
    path = tmp_path / "key"
    write_secret(path, b"old")

    def fail(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(ConfigError, match="No space left"):
        write_secret(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_drawn_secret_never_replaces_one(tmp_path):
    path = tmp_path / "key"
    assert draw_secret(path, b"first")
    assert not draw_secret(path, b"second")
    assert path.read_bytes() == b"first"


def test_of_two_who_draw_at_once_one_wins_and_nothing_else_is_left(tmp_path, monkeypatch):
    path = tmp_path / "key"
    link = os.link

    def other_was_faster(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"theirs")
        link(source, target)

    monkeypatch.setattr(files.os, "link", other_was_faster)
    assert not draw_secret(path, b"ours")
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_secret_open_to_others_is_not_read(tmp_path, mode):
    path = tmp_path / "key"
    write_secret(path, b"s")
    path.chmod(mode)
    with pytest.raises(ConfigError, match=f"open to other users.*{mode:04o}.*chmod 600"):
        read_secret(path, "draw it.")


def test_missing_file_is_named_with_the_next_step(tmp_path):
    for read in (read_secret, read_document):
        with pytest.raises(ConfigError, match="gone is missing; draw it"):
            read(tmp_path / "gone", "draw it.")


def test_directory_in_place_of_a_file_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_document(tmp_path, "draw it.")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_public(tmp_path / "nowhere" / "file", b"")
