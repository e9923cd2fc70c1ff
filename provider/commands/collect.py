"""`volet provider collect`: sealed receipts, kept in a directory."""

from pathlib import Path

import click
import msgspec

from provider.commands.options import ProviderContext, at_backend
from system.files import make_private_dir, write_secret

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@at_backend
@click.option("--out", type=_FOLDER, required=True, help="Where sealed receipts are kept.")
def collect(at: ProviderContext, out: Path) -> None:
    """Collect sealed receipts into a directory, then acknowledge them; again for those that come."""
    make_private_dir(out)
    total = 0
    while (page := at.backend.receipts()).receipts:
        for item in page.receipts:
            write_secret(out / f"{item.statement}.json", msgspec.json.encode(item))
        total += at.backend.acknowledge([item.statement for item in page.receipts])
    click.echo(f"Collected {total} receipts into {out}.")
