"""`volet cloud init`: create the collectivity's keys, first certificates and empty store."""

from datetime import UTC, datetime
from pathlib import Path

import click

from cloud.config import DEFAULT_DIRECTORY, CloudConfig, check_config
from cloud.registry import pki
from cloud.registry.key_files import ROOT
from cloud.store.sqlite.store import SqliteStore
from system.commands import changing, directory_option
from system.shell import quoted

_PORT = click.IntRange(1, 65535)
_MOVE = "Move that directory to two sticks"
_COPY = "If that is a stick, copy the directory to a second one"
_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")


@click.command()
@_dir
@click.option("--collectivity", required=True, help="Its name in topics: a-z, 0-9 and '-'.")
@click.option("--broker-host", required=True, help="Broker's name or address, for chips.")
@click.option("--broker-port", type=_PORT, default=8883, show_default=True)
@click.option("--bind", default="", help="Address that the broker listens on. Default: all.")
@click.option("--also", multiple=True, help="Another name for its certificate, e.g. localhost.")
@click.option("--operator-port", type=_PORT, default=8884, show_default=True)
@click.option("--api-port", type=_PORT, default=8443, show_default=True)
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory for the root's key, best on a stick. Default: `root` in the collectivity's.",
)
@changing
def init(  # noqa: PLR0913 - one parameter an option
    *,
    directory: Path,
    collectivity: str,
    broker_host: str,
    broker_port: int,
    bind: str,
    also: tuple[str, ...],
    operator_port: int,
    api_port: int,
    root: Path | None,
) -> bool:
    """Generate the collectivity's keys and first certificates. Existing ones are kept."""
    config = CloudConfig(
        collectivity, broker_host, broker_port, bind, also, operator_port, api_port
    )
    check_config(config, "volet cloud init")
    is_new = pki.initialise(directory, config, datetime.now(UTC), root)
    SqliteStore.open(directory).close()
    if is_new:
        click.echo(
            f"Made the authority of {collectivity} in {directory}; keep a copy of it where nobody "
            f"else reads it.\nThe root's key is in {root or directory / ROOT}: it is needed once a "
            f"year, to replace keys. {_MOVE if root is None else _COPY}, and keep them apart.\n"
            f"Next: `volet cloud broker-config --dir {quoted(directory)}`."
        )
    else:
        click.echo(f"{directory} is {collectivity}'s already; nothing was changed.")
    return is_new
