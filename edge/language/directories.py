"""Commands in a text that are typed as they stand, for a chip in whatever directory.

Texts name commands without a directory, as they are typed for the usual one. Where the command
that runs was given another, each command that works on a chip's directory is shown with it.
"""

import re
from pathlib import Path

import click

from system.shell import quoted

# Those of `volet edge` that work on no chip's directory.
WITHOUT_DIRECTORY = frozenset({"backup-key", "decode", "noise", "simulate"})

_KEY = "volet.directory"
_COMMAND = re.compile(r"`(?P<command>volet\s+edge\s+(?P<name>[a-z-]+)[^`]*)`")


def note_directory(context: click.Context) -> None:
    """Remember the chip's directory that a command was given, if it is not the usual one."""
    for parameter in context.command.params:
        given = context.params.get(parameter.name or "")
        if parameter.name == "directory" and given != parameter.get_default(context):
            context.meta[_KEY] = given


def typable(text: str) -> str:
    """Return a text whose commands reach the directory of the command that runs."""
    context = click.get_current_context(silent=True)
    directory: Path | None = None if context is None else context.meta.get(_KEY)
    return text if directory is None else in_directory(text, directory)


def in_directory(text: str, directory: Path) -> str:
    """Return a text whose commands name `directory`, where they name none yet."""

    def with_directory(found: "re.Match[str]") -> str:
        if found["name"] in WITHOUT_DIRECTORY or "--dir" in found["command"]:
            return found[0]
        return f"`{found['command']} --dir {quoted(directory)}`"

    return _COMMAND.sub(with_directory, text)
