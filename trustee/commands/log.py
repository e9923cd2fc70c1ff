"""`volet trustee log`: what was answered, with its chain and signatures verified."""

from pathlib import Path

import click
import msgspec

from system.commands import directory_option
from trustee import directory as places
from trustee.words import check_chain

_dir = directory_option(places.DEFAULT_DIRECTORY, "The trustee's")


@click.command("log")
@_dir
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object a line.")
def show_log(directory: Path, *, is_json: bool) -> None:
    """Verify the log's chain and signatures, and show what was answered."""
    identity = places.load_identity(directory)
    kept = places.open_existing_log(directory)
    try:
        entries = check_chain(kept.entries(identity.name), identity)
    finally:
        kept.close()
    for entry in entries:
        if is_json:
            click.echo(msgspec.json.encode(entry))
        else:
            click.echo(
                f"{entry.number} {entry.ask} {entry.measure} {entry.group} day {entry.day}: "
                f"{entry.households} households, request {entry.request.hex()[:16]}"
            )
    if not is_json:
        click.echo(f"The chain of {len(entries)} entries is whole.")
