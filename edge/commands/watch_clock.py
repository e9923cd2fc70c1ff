"""`volet edge watch-clock`: ask the kernel about its clock for a chip that may not do so itself."""

import click

from edge.commands.household import HouseholdCommand
from system.kernel_clock import keep_marked


@click.command(cls=HouseholdCommand, hidden=True)
def watch_clock() -> None:
    """Let the chip know whether its clock is right; a unit beside the chip's runs this."""
    keep_marked()
