"""`volet cloud issue`: issue a certificate for a further role."""

from datetime import UTC, datetime
from pathlib import Path

import click

from cloud.config import DEFAULT_DIRECTORY
from cloud.registry import pki
from system.commands import changing, directory_option
from system.shell import quoted

_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")


@click.command()
@_dir
@click.argument("name", metavar="ROLE")
@changing
def issue(directory: Path, name: str) -> bool:
    """Issue a certificate for a further role, such as worker-2 or trustee-consumers."""
    path = pki.issue_role(directory, name, datetime.now(UTC))
    click.echo(
        f"Wrote {path} and {path.with_suffix('.key').name}. "
        f"Next: `volet cloud broker-config --dir {quoted(directory)}`, so that the broker lets it in."
    )
    return True
