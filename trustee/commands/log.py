"""`volet trustee log`: verify and show the log of answers."""

from pathlib import Path

import click
import msgspec

from system.commands import directory_option
from system.console import counted
from trustee import directory as trustee_directory
from trustee.words import check_chain

_dir = directory_option(trustee_directory.DEFAULT_DIRECTORY, "The trustee's")


@click.command("log")
@_dir
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object per line.")
def show_log(directory: Path, *, is_json: bool) -> None:
    """Verify the log's chain and signatures, and show the answers in it."""
    identity = trustee_directory.load_identity(directory)
    trustee_log = trustee_directory.open_existing_log(directory)
    try:
        entries = check_chain(trustee_log.entries(identity.name), identity)
    finally:
        trustee_log.close()
    for entry in entries:
        if is_json:
            click.echo(msgspec.json.encode(entry))
        else:
            asked = entry.summary
            click.echo(
                f"{entry.number} {asked.ask} {asked.measure} {asked.group} day {asked.day}: "
                f"{entry.households} households, request {asked.request.hex()[:16]}"
            )
    if not is_json:
        click.echo(f"The chain of {counted(len(entries), 'entry', 'entries')} is whole.")
