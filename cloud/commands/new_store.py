"""`volet cloud new-store`: start with an empty store when the old one is lost."""

from pathlib import Path

import click

from cloud.config import DEFAULT_DIRECTORY, load_config
from cloud.store.sqlite.store import SqliteStore
from system.commands import changing, directory_option
from system.shell import quoted

_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")


@click.command("new-store")
@_dir
@changing
def new_store(directory: Path) -> bool:
    """Create an empty store when the old one and all its backups are lost.

    Each chip must then be enrolled again with its old request. It keeps its id and sends again what
    it still has. An existing store is never overwritten.
    """
    load_config(directory)
    SqliteStore.make_empty(directory)
    click.echo(
        f"The store in {directory} is empty. Next: enrol each chip again, `volet cloud enrol "
        f"--dir {quoted(directory)} request.json`, then `volet cloud run --dir {quoted(directory)}`."
    )
    return True
