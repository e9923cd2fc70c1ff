"""`volet trustee install`: the certificate that the collectivity issued."""

from pathlib import Path

import click

from system.commands import directory_option
from system.shell import quoted
from trustee import directory as places

_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(places.DEFAULT_DIRECTORY, "The trustee's")


@click.command()
@_dir
@click.argument("certificate", type=_FILE)
@click.argument("key", type=_FILE)
@click.option("--ca", type=_FILE, help="The collectivity's ca.pem.")
def install(directory: Path, certificate: Path, key: Path, ca: Path | None) -> None:
    """Put the certificate and key in place that the collectivity issued."""
    places.install(directory, certificate, key, ca)
    places.link_settings(directory)
    click.echo(f"Installed. Next: `volet trustee run --dir {quoted(directory)}`.")
