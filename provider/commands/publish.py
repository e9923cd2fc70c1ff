"""`volet provider publish`: add signed documents to the transparency log."""

from pathlib import Path

import click

from protocol.contract import parse_signed
from provider.commands.options import FILE, ProviderContext, at_backend
from system.files import read_document


@click.command()
@at_backend
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=FILE)
def publish(at: ProviderContext, files: tuple[Path, ...]) -> None:
    """Add signed offers, calendars or series to the public log, from which nothing is removed."""
    for path in files:
        data = read_document(path, "`volet provider offer` writes one.")
        signed = parse_signed(data, str(path))
        entry = at.backend.list_document(signed)
        click.echo(f"{path}: entry {entry.number}, {entry.kind} {entry.hash}")
