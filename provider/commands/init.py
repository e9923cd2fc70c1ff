"""`volet provider init`: generate the provider's keys."""

from pathlib import Path

import click

from provider.commands.options import provider_directory
from provider.service import KEY, draw_key


@click.command()
@provider_directory
def init(directory: Path) -> None:
    """Generate the provider's signing key, and the key that opens receipts."""
    if draw_key(directory):
        click.echo(f"Drew {directory / KEY}; keep a copy where nobody else reads it.")
    else:
        click.echo(f"{directory / KEY} is there already; nothing was changed.")
