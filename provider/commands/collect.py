"""`volet provider collect`: collect sealed receipts into a directory."""

from pathlib import Path

import click
import msgspec

from provider.commands.options import ProviderContext, at_backend
from system.console import counted
from system.files import make_private_dir, write_secret

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@at_backend
@click.option("--out", type=_FOLDER, required=True, help="Directory for the sealed receipts.")
def collect(at: ProviderContext, out: Path) -> None:
    """Save sealed receipts to a directory, then acknowledge them. Repeat it for new ones."""
    make_private_dir(out)
    total = 0
    while (page := at.backend.receipts()).receipts:
        for item in page.receipts:
            write_secret(out / f"{item.statement}.json", msgspec.json.encode(item))
        total += at.backend.acknowledge([item.statement for item in page.receipts])
    click.echo(f"Collected {counted(total, 'receipt')} into {out}.")
