"""`volet cloud broker-config`: write everything that the broker needs to one directory."""

from pathlib import Path

import click

from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY
from cloud.registry.broker import DEFAULT_NAME, user_of, write_broker
from cloud.registry.broker_process import is_running, start_command
from cloud.registry.broker_restart import restart_if_due
from cloud.registry.revoked import revoke_listed
from cloud.store.sqlite.store import FILE_NAME
from system.commands import changing, directory_option

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
@changing
def broker_config(directory: Path, out: Path | None, user: str | None) -> bool:
    """Write everything that the broker needs to one directory. Repeat it after each change.

    A broker that runs there reads its rules and its certificate at its start only. If they have
    changed, it is restarted where systemd runs it and root types this; else this says how.
    """
    broker = out or directory / DEFAULT_NAME
    is_changed = write_broker(directory, broker, user or user_of(broker))
    if (directory / FILE_NAME).exists():
        with open_store(directory) as store:
            if revoked := revoke_listed(directory, store):
                is_changed = True
                click.echo(f"Revoked again, as the broker's list names them: {', '.join(revoked)}.")
    if is_running(broker):
        is_restarted, restart = restart_if_due(broker)
        is_changed = is_changed or is_restarted
        told = restart or "The broker that runs there has read it."
    else:
        told = f"Start it: `{start_command(broker)}`."
    click.echo(f"Wrote {broker}. {told}")
    return is_changed
