"""`volet trustee confirm`: the first set of trustees, trusted by its fingerprint."""

from pathlib import Path

import click

from protocol.errors import DocumentRefused
from system.commands import directory_option
from trustee import directory as places
from trustee.core import confirm_first_set
from trustee.documents import WAITING
from trustee.log import TrusteeLog

_dir = directory_option(places.DEFAULT_DIRECTORY, "The trustee's")


@click.command()
@_dir
@click.argument("fingerprint")
def confirm(directory: Path, fingerprint: str) -> None:
    """Trust the first set of trustees that has this fingerprint."""
    places.load_config(directory)
    kept = TrusteeLog.open(directory)
    try:
        waiting = (kept.fact(WAITING) or b"").decode()
        if waiting and waiting != " ".join(fingerprint.upper().split()):
            raise DocumentRefused(
                f"The set that waits has another fingerprint, {waiting}: compare it again, sign by "
                "sign, and ask the collectivity if they differ."
            )
        confirm_first_set(kept, fingerprint)
    finally:
        kept.close()
    click.echo(
        "Confirmed; a running trustee takes the set within a minute."
        if waiting
        else "Confirmed; the set is taken when the collectivity sends it."
    )
