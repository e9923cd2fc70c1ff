"""`volet cloud broker-config`: write everything that the broker needs to one directory."""

from pathlib import Path

import click

from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY
from cloud.registry.broker import (
    DEFAULT_NAME,
    start_command,
    user_of,
    write_broker,
)
from cloud.registry.revoked import revoke_listed
from cloud.store.sqlite.store import FILE_NAME
from system.commands import directory_option

_FOLDER = click.Path(path_type=Path, file_okay=False)
_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")


@click.command("broker-config")
@_dir
@click.option(
    "--out", type=_FOLDER, help="The broker's directory. Default: `broker` in the collectivity's."
)
@click.option(
    "--user",
    help="User that the broker runs as. Default: as before; at first mosquitto if you are root, else you.",
)
def broker_config(directory: Path, out: Path | None, user: str | None) -> None:
    """Write everything that the broker needs to one directory. Repeat it after each change.

    A broker running there reloads its rules and certificates. New ports need a restart.
    """
    broker = out or directory / DEFAULT_NAME
    is_reloaded = write_broker(directory, broker, user or user_of(broker))
    if (directory / FILE_NAME).exists():
        with open_store(directory) as store:
            if revoked := revoke_listed(directory, store):
                click.echo(f"Revoked again, as the broker's list names them: {', '.join(revoked)}.")
    click.echo(
        f"Wrote {broker}. "
        + (
            "The broker that runs there has read it."
            if is_reloaded
            else f"Start it: `{start_command(broker)}`."
        )
    )
