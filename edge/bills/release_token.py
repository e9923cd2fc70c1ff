"""The household's release of receipts: a file beside the vault with a new token each time."""

import secrets
from pathlib import Path

from protocol.errors import ConfigError
from system.files import read_secret, write_secret
from system.watched import WatchedFile

FILE_NAME = "receipts.word"
TOKEN_BYTES = 16


def release_receipts(directory: Path) -> None:
    """Release receipts; a running chip notices within seconds, another one when it starts."""
    write_secret(directory / FILE_NAME, secrets.token_hex(TOKEN_BYTES).encode())


def read_release_tokens(*directories: Path) -> list[str]:
    """Return the tokens in `directories`. Raises ConfigError where one cannot be read."""
    paths = [directory / FILE_NAME for directory in directories]
    return [_read(path) for path in paths if path.exists()]


def watched_release_token(directory: Path) -> WatchedFile[str]:
    """Return a reader of the latest token, which is "" while there is none."""
    return WatchedFile(directory / FILE_NAME, _read, absent="", unreadable="")


def _read(path: Path) -> str:
    try:
        return read_secret(path, "say it again.").decode()
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path} is damaged; say it again.") from exc
