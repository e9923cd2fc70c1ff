"""The household's word that receipts may go again: a file beside the vault, named anew each time."""

import secrets
from collections.abc import Callable
from pathlib import Path

from system.files import read_secret, write_secret

FILE_NAME = "receipts.word"
WORD_BYTES = 16


def say_word(directory: Path) -> None:
    """Let receipts go again; the chip hears it within seconds, whether it runs or is started."""
    write_secret(directory / FILE_NAME, secrets.token_hex(WORD_BYTES).encode())


def word_in(directory: Path) -> Callable[[], str]:
    """Return what reads the latest word, "" while none has been said."""
    path = directory / FILE_NAME

    def word() -> str:
        return read_secret(path, "say it again.").decode() if path.exists() else ""

    return word
