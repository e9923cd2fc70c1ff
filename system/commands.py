"""Shared parts of commands: groups that import lazily, and the option for a directory."""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

P = ParamSpec("P")
R = TypeVar("R")


def directory_option(
    default: Path, whose: str, *, name: str = "dir", parameter: str = "directory"
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return the option for the directory of a command; `whose` names its owner in the help."""
    return click.option(
        f"--{name}",
        parameter,
        type=click.Path(path_type=Path, file_okay=False),
        default=default,
        show_default=True,
        help=f"{whose} directory.",
    )


class LazyGroup(click.Group):
    """A group that imports a command when it is named, so it needs no other command's packages."""

    def __init__(self, name: str, targets: Mapping[str, str], help_text: str) -> None:
        """Store the commands as {name: "module:attribute"}."""
        super().__init__(name, help=help_text)
        self.targets = dict(targets)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        del ctx
        return list(self.targets)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command `cmd_name`."""
        del ctx
        if cmd_name not in self.targets:
            return None
        module, attribute = self.targets[cmd_name].split(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as exc:
            ours = module.split(".", 1)[0]
            if (exc.name or "").split(".", 1)[0] == ours:
                raise click.ClickException(
                    f"`{cmd_name}` is no part of what is installed here; a checkout of Volet has it."
                ) from exc
            raise click.ClickException(
                f"`{cmd_name}` needs the Python package {exc.name}, which is not installed here; "
                f'`pip install "volet[{ours}]"` brings it.'
            ) from exc
        return command
