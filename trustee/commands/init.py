"""`volet trustee init`: a trustee's keys, and what the collectivity needs of them."""

from pathlib import Path

import click

from system.commands import directory_option
from system.shell import quoted
from trustee import directory as places

_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(places.DEFAULT_DIRECTORY, "The trustee's")


@click.command()
@_dir
@click.option("--collectivity", required=True, help="Its name in topics.")
@click.option("--name", required=True, help="trustee-…, the name in the certificate.")
@click.option("--title", required=True, help="What people call this trustee.")
@click.option("--broker-host", required=True)
@click.option("--broker-port", type=click.IntRange(1, 65535), default=8883, show_default=True)
@click.option("--ca", type=_FILE, help="The collectivity's ca.pem.")
def init(  # one option each
    directory: Path,
    collectivity: str,
    name: str,
    title: str,
    broker_host: str,
    broker_port: int,
    ca: Path | None,
) -> None:
    """Draw a trustee's keys, and write trustee.json, which the collectivity needs."""
    config = places.new_config(collectivity, name, title, broker_host, broker_port)
    is_new = places.initialise(directory, config, ca)
    click.echo(
        f"{'Drew keys' if is_new else 'The keys are there'} in {directory}. Next: give "
        f"{directory / places.PUBLIC_NAME} to the collectivity; it issues a certificate "
        f"(`volet cloud issue {name}`) for `volet trustee install --dir {quoted(directory)}`."
    )
