"""Shared parts of commands: groups that import lazily, options, and what a change is told as."""

import functools
import importlib
import io
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
import msgspec

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Change:
    """What a command did: whether it changed anything, and facts that a program may need."""

    is_changed: bool
    facts: Mapping[str, object] = field(default_factory=dict)


def changing(command: Callable[..., Change | bool]) -> Callable[..., None]:
    """Add `--json` to a command that may change something, for programs that call it.

    The command prints sentences, and returns what it did. As JSON that is one object: `changed`, the
    sentences as `said`, and the facts.
    """

    @click.option("--json", "is_json", is_flag=True, help="Print JSON: what was done, and said.")
    @functools.wraps(command)
    def told(*arguments: Any, is_json: bool, **options: Any) -> None:
        if not is_json:
            command(*arguments, **options)
            return
        with redirect_stdout(io.StringIO()) as said:
            done = command(*arguments, **options)
        change = done if isinstance(done, Change) else Change(done)
        answer = {"changed": change.is_changed, "said": said.getvalue().splitlines()}
        click.echo(msgspec.json.encode(answer | dict(change.facts)))

    return told


def directory_option(
    default: Path, whose: str, *, name: str = "dir", parameter: str = "directory"
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return the option for the directory of a command; `whose` names its owner in the help."""
    return click.option(
        f"--{name}",
        parameter,
        # One that is closed to this user is told with whose it is, which click does not.
        type=click.Path(path_type=Path, file_okay=False, readable=False),
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
        """Return the names of the commands that are installed here."""
        return [name for name in self.targets if self._is_here(ctx, name)]

    def _is_here(self, ctx: click.Context, name: str) -> bool:
        try:
            self.get_command(ctx, name)
        except click.ClickException:
            return False
        return True

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
