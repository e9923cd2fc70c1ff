"""`volet cloud revoke`: revoke a chip or a role."""

from datetime import UTC, datetime
from pathlib import Path

import click

from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY
from cloud.registry.broker import (
    DEFAULT_NAME,
)
from cloud.registry.revocation import revoke_everywhere
from protocol.ids import DeviceId
from system.commands import changing, directory_option

_FOLDER = click.Path(path_type=Path, file_okay=False)
_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")
_broker = click.option(
    "--broker",
    type=_FOLDER,
    help="The broker's directory. Default: `broker` in the collectivity's.",
)


@click.command()
@_dir
@click.argument("name", metavar="DEVICE|ROLE")
@_broker
@changing
def revoke(directory: Path, name: str, broker: Path | None) -> bool:
    """Revoke a chip, worker, monitor or trustee, and end its open session."""
    with open_store(directory) as store:
        known = store.devices([DeviceId(name)])
        revoke_everywhere(
            directory, store, name, broker or directory / DEFAULT_NAME, datetime.now(UTC)
        )
    click.echo(f"{name} is revoked; it has no session and gets none.")
    return not known or any(not device.is_revoked for device in known)
