"""Completes the commands in a text with the chip's directory, so that they can be typed as shown.

Texts name commands without `--dir`, as for the default directory. If the running command was given
another directory, each command that works on a chip's directory is shown with it.
"""

import re
from pathlib import Path

import click

from system.shell import quoted

# Commands of `volet edge` that do not work on a chip's directory.
WITHOUT_DIRECTORY = frozenset(
    {"backup-key", "decode", "noise", "serve-page", "simulate", "watch-clock"}
)

_KEY = "volet.directory"
_COMMAND = re.compile(r"`(?P<command>volet\s+edge\s+(?P<name>[a-z-]+)[^`]*)`")


def remember_directory(context: click.Context) -> None:
    """Remember the chip's directory that a command was given, if it is not the default."""
    for parameter in context.command.params:
        given = context.params.get(parameter.name or "")
        if parameter.name == "directory" and given != parameter.get_default(context):
            context.meta[_KEY] = given


def complete_commands(text: str) -> str:
    """Return a text with its commands completed by the running command's directory."""
    context = click.get_current_context(silent=True)
    directory: Path | None = None if context is None else context.meta.get(_KEY)
    return text if directory is None else in_directory(text, directory)


def in_directory(text: str, directory: Path) -> str:
    """Return a text whose commands name `directory`, unless they name one already."""

    def with_directory(match: "re.Match[str]") -> str:
        if match["name"] in WITHOUT_DIRECTORY or "--dir" in match["command"]:
            return match[0]
        return f"`{match['command']} --dir {quoted(directory)}`"

    return _COMMAND.sub(with_directory, text)
