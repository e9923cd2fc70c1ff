"""`volet cloud new-store`: begin anew where the store and its backups are lost."""

from pathlib import Path

import click

from cloud.config import DEFAULT_DIRECTORY, load_config
from cloud.store.sqlite.store import SqliteStore
from system.commands import directory_option
from system.shell import quoted

_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")


@click.command("new-store")
@_dir
def new_store(directory: Path) -> None:
    """Begin with an empty store, where the old one and all backups of it are lost.

    Each chip must enrol again with the request that it handed in; it keeps its id, and sends again
    what it still has. No store is ever overwritten.
    """
    load_config(directory)
    SqliteStore.make_empty(directory)
    click.echo(
        f"The store in {directory} is empty. Next: enrol each chip again, `volet cloud enrol "
        f"--dir {quoted(directory)} request.json`, then `volet cloud run --dir {quoted(directory)}`."
    )
