"""`volet provider offer`: sign tariffs as an offer."""

from pathlib import Path

import click
import msgspec

from provider.commands.options import FILE, provider_directory
from provider.service import load_key, load_sealing_key, make_offer, read_tariffs
from system.files import write_public


@click.command()
@provider_directory
@click.option("--out", type=FILE, required=True)
@click.argument("tariffs", nargs=-1, required=True, type=click.Path(path_type=Path))
def offer(directory: Path, out: Path, tariffs: tuple[Path, ...]) -> None:
    """Sign TARIFFS (JSON files) as an offer that households can take."""
    signed = make_offer(read_tariffs(tariffs), load_key(directory), load_sealing_key(directory))
    write_public(out, msgspec.json.encode(signed))
    click.echo(f"Signed offer {signed.hash.hex()[:16]}… in {out}.")
