"""The household's word that receipts may go again: a file beside the vault, named anew each time."""

import secrets
from pathlib import Path

from protocol.errors import ConfigError
from system.files import read_secret, write_secret
from system.watched import WatchedFile

FILE_NAME = "receipts.word"
TOKEN_BYTES = 16


def release_receipts(directory: Path) -> None:
    """Let receipts go again; the chip hears it within seconds, whether it runs or is started."""
    write_secret(directory / FILE_NAME, secrets.token_hex(TOKEN_BYTES).encode())


def read_release_tokens(*directories: Path) -> list[str]:
    """Return the words that lie in directories. Raises ConfigError where one cannot be read."""
    paths = [directory / FILE_NAME for directory in directories]
    return [_read(path) for path in paths if path.exists()]


def watched_release_token(directory: Path) -> WatchedFile[str]:
    """Return what reads the latest word, "" while none has been said."""
    return WatchedFile(directory / FILE_NAME, _read, absent="", unreadable="")


def _read(path: Path) -> str:
    try:
        return read_secret(path, "say it again.").decode()
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path} is damaged; say it again.") from exc
