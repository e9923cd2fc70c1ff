"""`volet trustee init`: generate a trustee's keys, and a file with the public ones."""

from pathlib import Path

import click

from system.commands import changing, directory_option
from system.mqtt.identity import REQUEST
from system.shell import quoted
from trustee import directory as trustee_directory

_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(trustee_directory.DEFAULT_DIRECTORY, "The trustee's")


@click.command()
@_dir
@click.option("--collectivity", required=True, help="The collectivity's name in topics.")
@click.option("--name", required=True, help="The name in the certificate, trustee-….")
@click.option("--title", required=True, help="The trustee's name for people.")
@click.option("--broker-host", required=True)
@click.option("--broker-port", type=click.IntRange(1, 65535), default=8883, show_default=True)
@click.option("--ca", type=_FILE, help="The collectivity's ca.pem.")
@changing
def init(
    directory: Path,
    collectivity: str,
    name: str,
    title: str,
    broker_host: str,
    broker_port: int,
    ca: Path | None,
) -> bool:
    """Generate a trustee's keys, and write trustee.json and tls.csr for the collectivity."""
    config = trustee_directory.new_config(collectivity, name, title, broker_host, broker_port)
    is_new = trustee_directory.initialise(directory, config, ca)
    click.echo(
        f"{'Drew keys' if is_new else 'The keys are there'} in {directory}. Next: give "
        f"{directory / trustee_directory.PUBLIC_NAME} and {REQUEST} to the "
        f"collectivity; it issues a certificate (`volet cloud issue {name} --request "
        f"{quoted(REQUEST)}`) for `volet trustee install --dir {quoted(directory)}`."
    )
    return is_new
