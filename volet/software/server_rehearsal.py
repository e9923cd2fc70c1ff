"""What a server's release does with itself before it is switched to.

It runs with the new release's code, as the directory's owner, beside the programs that go on.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import cloud.config
import monitor.directory
import trustee.directory
from cloud.registry.key_files import load_key_list, load_platform_key
from cloud.store.sqlite import schema as cloud_schema
from cloud.store.sqlite.store import FILE_NAME as CLOUD_STORE
from protocol.errors import StoreError
from system.read_only import open_read_only
from system.schema_version import is_usable
from trustee import database as trustee_database


def rehearse(directory: Path) -> None:
    """Read a server's configuration and keys, and see that its database is of a known version.

    A directory that no program of a server has set up passes.

    Raises:
        VoletError: the first of these that does not go as it should.
    """
    if (directory / cloud.config.CONFIG_NAME).exists():
        cloud.config.load_config(directory)
        cloud.config.load_metrics(directory)
        load_platform_key(directory)
        load_key_list(directory)
        _check_version(directory / CLOUD_STORE, cloud_schema.SCHEMA_VERSION)
    if (directory / trustee.directory.CONFIG_NAME).exists():
        trustee.directory.load_identity(directory)
        _check_version(directory / trustee_database.FILE_NAME, trustee_database.SCHEMA_VERSION)
    if (directory / monitor.directory.CONFIG_NAME).exists():
        monitor.directory.load_config(directory)
        monitor.directory.load_metrics(directory)


def _check_version(path: Path, known: int) -> None:
    if not path.exists():
        return
    try:
        with closing(open_read_only(path)) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as exc:
        raise StoreError(f"{path} cannot be read: {exc}.") from exc
    if not is_usable(version, known):
        raise StoreError(f"{path} is of version {version}, and this release knows {known}.")
