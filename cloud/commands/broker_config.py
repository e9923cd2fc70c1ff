"""`volet cloud broker-config`: all that the broker needs, in one directory."""

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
@click.option("--out", type=_FOLDER, help="The broker's directory; `broker` in the collectivity's.")
@click.option(
    "--user",
    help="Whom the broker runs as; as before, and at first mosquitto if root runs this, else yourself.",
)
def broker_config(directory: Path, out: Path | None, user: str | None) -> None:
    """Write everything the broker needs into one directory; again after each change.

    A broker that runs there reads its rules and certificates again; new ports take a restart.
    """
    broker = out or directory / DEFAULT_NAME
    is_told = write_broker(directory, broker, user or user_of(broker))
    if (directory / FILE_NAME).exists():
        with open_store(directory) as store:
            if revoked := revoke_listed(directory, store):
                click.echo(f"Revoked again, as the broker's list names them: {', '.join(revoked)}.")
    click.echo(
        f"Wrote {broker}. "
        + (
            "The broker that runs there has read it."
            if is_told
            else f"Start it: `{start_command(broker)}`."
        )
    )
