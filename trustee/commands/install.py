"""`volet trustee install`: install the certificate that the collectivity issued."""

from pathlib import Path

import click

from system.commands import changing, directory_option
from system.shell import quoted
from trustee import directory as trustee_directory

_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(trustee_directory.DEFAULT_DIRECTORY, "The trustee's")


@click.command()
@_dir
@click.argument("certificate", type=_FILE)
@click.option("--ca", type=_FILE, help="The collectivity's ca.pem.")
@changing
def install(directory: Path, certificate: Path, ca: Path | None) -> bool:
    """Install the certificate that the collectivity issued for this trustee's key."""
    is_new = trustee_directory.install(directory, certificate, ca)
    trustee_directory.link_settings(directory)
    click.echo(f"Installed. Next: `volet trustee run --dir {quoted(directory)}`.")
    return is_new
