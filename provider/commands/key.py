"""`volet provider key`: print the provider's public key."""

from pathlib import Path

import click

from protocol.ids import public_key_text
from provider.commands.options import provider_directory
from provider.service import load_key


@click.command("key")
@provider_directory
def show_key(directory: Path) -> None:
    """Print the public key, with which the collectivity registers the provider."""
    click.echo(public_key_text(load_key(directory).public_key().public_bytes_raw()))
