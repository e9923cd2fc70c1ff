"""The `volet` command: groups, exit codes, errors as one sentence.

Exit codes: 0 done; 1 refused or failed, the sentence on standard error says what and what next;
2 wrong usage; 3 a bill does not agree; 4 network or broker away, trying again is right;
5 configuration; 6 a store is damaged or of another version.
"""

import importlib
import os
import sys

import click

from protocol.errors import ConfigError, StoreError, TransportError, VoletError

GROUPS = {
    "edge": "edge.cli:edge",
    "cloud": "cloud.cli:cloud",
    "provider": "cloud.provider_cli:provider",
}


class LazyGroup(click.Group):
    """Loads a side's commands when they are named, so that a chip needs no cloud package."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the groups, installed or not."""
        del ctx
        return list(GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the group behind `cmd_name`."""
        del ctx
        if cmd_name not in GROUPS:
            return None
        module, attribute = GROUPS[cmd_name].split(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as exc:
            raise click.ClickException(
                f"`volet {cmd_name}` needs the package {exc.name}; "
                f'install it with `pip install "volet[{module.split(".", 1)[0]}]"`.'
            ) from exc
        return command


@click.command(cls=LazyGroup)
@click.version_option(package_name="volet")
def volet() -> None:
    """Smart metering whose load curve never leaves the home."""


def exit_code(error: VoletError) -> int:
    """Give the documented exit code of an error."""
    for kind, code in ((TransportError, 4), (ConfigError, 5), (StoreError, 6)):
        if isinstance(error, kind):
            return code
    return 1


def main() -> None:
    """Run the command; every `VoletError` becomes one sentence on standard error."""
    try:
        volet.main(prog_name="volet")
    except VoletError as exc:
        click.echo(f"volet: {exc}", err=True)
        sys.exit(exit_code(exc))
    except BrokenPipeError:  # `volet … | head` is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
