"""`volet provider publish`: signed documents listed in public."""

from pathlib import Path

import click

from protocol.contract import parse_signed
from provider.commands.options import FILE, ProviderContext, at_backend
from system.files import read_document


@click.command()
@at_backend
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=FILE)
def publish(at: ProviderContext, files: tuple[Path, ...]) -> None:
    """List signed offers, calendars or series in public. Nothing is taken off the list again."""
    for path in files:
        data = read_document(path, "`volet provider offer` writes one.")
        signed = parse_signed(data, str(path))
        entry = at.backend.list_document(signed)
        click.echo(f"{path}: entry {entry.number}, {entry.kind} {entry.hash}")
