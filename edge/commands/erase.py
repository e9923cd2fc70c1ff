"""`volet edge erase`: prepare a chip for the next household when its own has left."""

from pathlib import Path

import click

from edge.chip.config import load_config
from edge.commands.household import HouseholdCommand, confirm, echo, echo_translated
from edge.home.forgetting import forget_before_erasure
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
    count = erase_household(directory, lambda: _forget_home(directory))
    echo(ERASED[language()].format(count=count, directory=quoted(directory)))


def _forget_home(directory: Path) -> None:
    """Have the home's broker forget the household, or say what it retains."""
    retained = forget_before_erasure(directory, lambda: load_config(directory).home)
    if retained is None:
        return
    echo_translated(
        f"The home's broker does not forget this household: {retained.why} It retains these topics until "
        "somebody removes them there:"
    )
    echo("\n".join(retained.topics))
