"""`volet cloud …`: the collectivity's commands, each imported when it is named."""

import importlib

import click

COMMANDS = {
    "broker-config": "cloud.registry.cli:broker_config",
    "enrol": "cloud.registry.cli:enrol",
    "init": "cloud.registry.cli:init",
    "issue": "cloud.registry.cli:issue",
    "renew": "cloud.registry.cli:renew",
    "revoke": "cloud.registry.cli:revoke",
    "run": "cloud.worker_cli:run",
    "status": "cloud.status_cli:status",
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
def cloud() -> None:
    """The collectivity's side: broker, workers, store."""
