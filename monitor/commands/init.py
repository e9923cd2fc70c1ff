"""`volet monitor init`: draw a monitor's key, and write the request to certify it."""

from pathlib import Path

import click

from monitor import directory as monitor_directory
from system.commands import changing, directory_option
from system.mqtt.identity import REQUEST
from system.shell import quoted

_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(monitor_directory.DEFAULT_DIRECTORY, "The monitor's")


@click.command()
@_dir
@click.option("--collectivity", required=True, help="The collectivity's name in topics.")
@click.option("--name", required=True, help="The name in the certificate, monitor-….")
@click.option("--broker-host", required=True)
@click.option("--broker-port", type=click.IntRange(1, 65535), default=8883, show_default=True)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8445,
    show_default=True,
    help="Where /metrics and /health are served, on 127.0.0.1.",
)
@click.option("--ca", type=_FILE, help="The collectivity's ca.pem.")
@changing
def init(
    directory: Path,
    collectivity: str,
    name: str,
    broker_host: str,
    broker_port: int,
    port: int,
    ca: Path | None,
) -> bool:
    """Draw a monitor's key, and write monitor.toml, and tls.csr for the collectivity."""
    config = monitor_directory.new_config(collectivity, name, broker_host, broker_port, port)
    is_new = monitor_directory.initialise(directory, config, ca)
    click.echo(
        f"{'Drew the key' if is_new else 'The key is there'} in {directory}. Next: give "
        f"{directory / REQUEST} to the collectivity; it issues a certificate (`volet cloud issue "
        f"{name} --request {quoted(REQUEST)}`) for `volet monitor install --dir {quoted(directory)}`."
    )
    return is_new
