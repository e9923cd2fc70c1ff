"""Makes changes to files, each in one step, and keeps what was there before beside them."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from edge.tic.board.boot_files import with_uart, without_console
from edge.tic.board.line import Change
from edge.tic.board.machine import CMDLINE, CONFIG, Machine
from protocol.errors import ConfigError
from system.files import sync_dir

BACKUP_SUFFIX = ".before-volet"


def backup_of(path: Path) -> Path:
    """Return where a file is kept as it was before the first change."""
    return path.with_name(path.name + BACKUP_SUFFIX)


def apply(change: Change) -> None:
    """Make a change.

    Raises:
        ConfigError: it is not permitted, or the file is no longer what the change was made for.
    """
    path = change.path
    try:
        if change.after is None:
            path.unlink()
            return
        now = path.read_bytes().decode("utf-8") if path.exists() else None
        if now != change.before:
            raise ConfigError(f"{path} has changed meanwhile; run this again.")
        if now is not None and not backup_of(path).exists():
            # Not through a link: the chip's directory is its user's, and this may be root.
            _write(backup_of(path), now, like=path)
        _write(path, change.after)
    except PermissionError as exc:
        raise ConfigError(f"{path} may only be changed by root; put `sudo` before this.") from exc


def take_back(root: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Put a board's files back; return those put back, and those that were changed by others since.

    The latter are left as they are, and so is what is kept of them.
    """
    board = Machine.look(root).board
    back, left = [], []
    for name, change in ((CONFIG, with_uart), (CMDLINE, without_console)):
        path = root / name
        if not backup_of(path).exists():
            continue
        before = backup_of(path).read_bytes().decode("utf-8")
        if board is not None and change(before, board).encode() == path.read_bytes():
            _write(path, before)
            backup_of(path).unlink()
            back.append(path)
        else:
            left.append(path)
    return tuple(back), tuple(left)


def _write(path: Path, text: str, like: Path | None = None) -> None:
    """Write a file in one step, in the place of what is there; owner and mode are those of `like`."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    like = like or (path if path.exists() else path.parent)
    try:
        with beside.open("xb") as file:
            file.write(text.encode())
            file.flush()
            # What a memory card of the firmware's format does not know.
            with suppress(PermissionError):
                os.chown(file.fileno(), like.stat().st_uid, like.stat().st_gid)
            if like.is_file():
                with suppress(PermissionError):
                    beside.chmod(like.stat().st_mode)
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_dir(path.parent)
