"""`volet edge …`: the chip's commands, each imported when it is named."""

import importlib

import click

COMMANDS = {
    "decode": "edge.tic.cli:decode",
    "simulate": "edge.simulate.cli:simulate",
}


class LazyCommands(click.Group):
    """A group whose commands live beside what they command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command `cmd_name`."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=LazyCommands)
def edge() -> None:
    """The chip in the home."""
