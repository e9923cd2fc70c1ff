"""`volet cloud name`: name the place of a chip."""

from pathlib import Path

import click

from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY
from cloud.registry.places import seal_name
from protocol.errors import DocumentRefused
from protocol.ids import DeviceId
from system.commands import changing, directory_option

_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")


@click.command()
@_dir
@click.argument("device", metavar="DEVICE")
@click.argument("place", metavar="NAME")
@changing
def name(directory: Path, device: str, place: str) -> bool:
    """Name the place of a chip, for `volet cloud devices`; "" removes the name.

    The store keeps the name encrypted, like the numbers of delivery points.
    """
    with open_store(directory) as store:
        sealed = seal_name(directory, DeviceId(device), place) if place else None
        if not store.fleet.name(DeviceId(device), sealed):
            raise DocumentRefused(
                f"No chip {device} is enrolled; `volet cloud devices` lists those that are."
            )
    click.echo(f"{device} is {place}." if place else f"{device} has no name any more.")
    return True
