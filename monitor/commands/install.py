"""`volet monitor install`: install the certificate that the collectivity issued."""

from pathlib import Path

import click

from monitor import directory as monitor_directory
from system.commands import changing, directory_option
from system.shell import quoted

_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(monitor_directory.DEFAULT_DIRECTORY, "The monitor's")


@click.command()
@_dir
@click.argument("certificate", type=_FILE)
@click.option("--ca", type=_FILE, help="The collectivity's ca.pem.")
@changing
def install(directory: Path, certificate: Path, ca: Path | None) -> bool:
    """Install the certificate that the collectivity issued for this monitor's key."""
    is_new = monitor_directory.install(directory, certificate, ca)
    monitor_directory.link_settings(directory)
    click.echo(f"Installed. Next: `volet monitor run --dir {quoted(directory)}`.")
    return is_new
