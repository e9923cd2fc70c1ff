"""`volet edge doctor`: name what is wrong with this chip, and the command that mends it."""

from functools import partial
from pathlib import Path

import click

from edge.commands.doctor_checks import CHECKS
from edge.commands.household import HouseholdCommand
from edge.language.choice import language
from edge.language.french.looking_up import sentence_in
from edge.stage import DEFAULT_DIRECTORY, ENROLMENT, Stage, next_step, stage
from protocol.errors import ConfigError
from system.commands import directory_option
from system.findings import examine, tell


@click.command(cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def doctor(directory: Path, *, is_json: bool) -> None:
    """Name what is wrong with this chip's files, settings, line and machine, and what mends it.

    Changes nothing, and needs no running chip. Exit codes: 0 nothing is wrong; 5 something is, or
    there is no chip in this directory.
    """
    is_chips = (directory / ENROLMENT).exists() or (directory / "keys").is_dir()
    if stage(directory) is Stage.EMPTY and not is_chips:
        raise ConfigError(f"{directory}: {next_step(directory)}")
    tell(examine(directory, CHECKS), is_json=is_json, say=partial(sentence_in, language()))
