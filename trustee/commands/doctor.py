"""`volet trustee doctor`: name what is wrong with a trustee, and what mends it."""

from pathlib import Path

import click

from system.commands import directory_option
from system.findings import examine, tell
from trustee.commands.doctor_checks import CHECKS
from trustee.directory import CONFIG_NAME, DEFAULT_DIRECTORY, load_config


@click.command()
@directory_option(DEFAULT_DIRECTORY, "The trustee's")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def doctor(directory: Path, *, is_json: bool) -> None:
    """Name what is wrong with a trustee's files, certificate, log and machine, and what mends it.

    Changes nothing, and needs no running trustee. Exit codes: 0 nothing is wrong; 5 something is, or
    this is no trustee's directory.
    """
    if not (directory / CONFIG_NAME).exists():
        load_config(directory)  # says what is missing
    tell(examine(directory, CHECKS), is_json=is_json)
