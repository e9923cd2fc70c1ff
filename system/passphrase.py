"""Reads a passphrase from a file, systemd's credentials or the terminal, never from arguments."""

import getpass
import os
import warnings
from pathlib import Path
from typing import NamedTuple

import click

from protocol.errors import ConfigError
from system.files import read_document, read_secret

CREDENTIALS = "CREDENTIALS_DIRECTORY"


class Prompts(NamedTuple):
    """The prompt, its repetition, and the message if the two answers differ."""

    first: str
    again: str
    differ: str


PROMPTS = Prompts(
    "Passphrase:", "Repeat for confirmation:", "Error: the two passphrases are not the same."
)

passphrase_file_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read the passphrase from this file (mode 0600), or from /dev/fd/N.",
)


def ask_passphrase(
    path: Path | None,
    *,
    is_new: bool,
    credential: str = "",
    prompts: Prompts = PROMPTS,
) -> str:
    """Return a passphrase from `path`, else from a systemd credential, else from the terminal.

    The terminal asks twice for a new one, with `prompts`.

    Raises:
        ConfigError: the file is missing, open to others or not text, or there is no terminal.
    """
    if path is not None:
        return _text(read_secret(path, "write the passphrase into it, mode 0600."), path)
    folder = os.environ.get(CREDENTIALS)
    if credential and folder and (given := Path(folder) / credential).exists():
        # systemd protects its credentials whatever their mode.
        return _text(read_document(given, "name it in the unit."), given)
    try:
        with warnings.catch_warnings(action="error", category=getpass.GetPassWarning):
            return _ask(prompts, is_new=is_new)
    except getpass.GetPassWarning:  # there is no terminal
        raise ConfigError(
            "Nobody can be asked for a passphrase here; give --passphrase-file."
        ) from None


def _ask(prompts: Prompts, *, is_new: bool) -> str:
    while True:
        asked: str = click.prompt(prompts.first, prompt_suffix=" ", hide_input=True)
        if not is_new:
            return asked
        if asked == click.prompt(prompts.again, prompt_suffix=" ", hide_input=True):
            return asked
        click.echo(prompts.differ, err=True)


def _text(data: bytes, path: Path) -> str:
    try:
        return data.decode().split("\n", 1)[0]
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path} is no text; write the passphrase into it.") from exc
