"""`volet edge erase`: prepare a chip for the next household when its own has left."""

from pathlib import Path

import click

from edge.commands.household import HouseholdCommand, confirm, echo
from edge.language.choice import language
from edge.moving.erasing import erase as erase_household
from edge.moving.transfer import departure_of
from edge.moving.words import (
    ERASE,
    ERASED,
    ERASING,
    NOT_MOVED,
)
from edge.stage import DEFAULT_DIRECTORY
from system.commands import directory_option
from system.shell import quoted

_dir = directory_option(DEFAULT_DIRECTORY, "The chip's")


@click.command(cls=HouseholdCommand)
@_dir
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(directory: Path, *, yes: bool) -> None:
    """Destroy the household's keys and vault on this chip, and generate new keys for the next one."""
    departure = departure_of(directory)
    if not yes:
        echo(ERASING[language()])
        if departure is None or not departure.is_told:
            echo(NOT_MOVED[language()])
        confirm(ERASE[language()])
    count = erase_household(directory)
    echo(ERASED[language()].format(count=count, directory=quoted(directory)))
