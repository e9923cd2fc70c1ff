"""`volet cloud doctor`: name what is wrong with the collectivity's side, and what mends it."""

from pathlib import Path

import click

from cloud.commands.doctor_checks import CHECKS
from cloud.config import CONFIG_NAME, DEFAULT_DIRECTORY, load_config
from system.commands import directory_option
from system.findings import examine, tell


@click.command()
@directory_option(DEFAULT_DIRECTORY, "The cloud's")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def doctor(directory: Path, *, is_json: bool) -> None:
    """Name what is wrong with the collectivity's files, broker, store and machine, and what mends it.

    Changes nothing, and needs no running program. Root sees more: a broker's directory of another
    user. Exit codes: 0 nothing is wrong; 5 something is, or this is no collectivity's directory.
    """
    if not (directory / CONFIG_NAME).exists():
        load_config(directory)  # says what is missing
    tell(examine(directory, CHECKS), is_json=is_json)
