"""`volet trustee confirm`: trust the first trustee set by its fingerprint."""

from pathlib import Path

import click

from protocol.errors import DocumentRefused
from system.commands import changing, directory_option
from trustee import directory as trustee_directory
from trustee.documents import WAITING, confirm_first_set
from trustee.log import TrusteeLog

_dir = directory_option(trustee_directory.DEFAULT_DIRECTORY, "The trustee's")


@click.command()
@_dir
@click.argument("fingerprint")
@changing
def confirm(directory: Path, fingerprint: str) -> bool:
    """Trust the first trustee set if it has this fingerprint."""
    trustee_directory.load_config(directory)
    trustee_log = TrusteeLog.open(directory)
    try:
        waiting = (trustee_log.fact(WAITING) or b"").decode()
        if waiting and waiting != " ".join(fingerprint.upper().split()):
            raise DocumentRefused(
                f"The set that waits has another fingerprint, {waiting}: compare it again, sign by "
                "sign, and ask the collectivity if they differ."
            )
        is_new = confirm_first_set(trustee_log, fingerprint)
    finally:
        trustee_log.close()
    click.echo(
        "Confirmed; a running trustee takes the set within a minute."
        if waiting
        else "Confirmed; the set is taken when the collectivity sends it."
    )
    return is_new
