"""`volet edge init`: generate the chip's keys."""

from pathlib import Path

import click

from edge.commands.household import HouseholdCommand, echo_translated
from edge.contracts.enrolling import (
    draw_keys,
)
from edge.stage import DEFAULT_DIRECTORY, page_step
from system.commands import changing, directory_option
from system.shell import quoted

_dir = directory_option(DEFAULT_DIRECTORY, "The chip's")


@click.command(cls=HouseholdCommand)
@_dir
@changing
def init(directory: Path) -> bool:
    """Generate the chip's TLS, signing and household keys. Existing keys are never overwritten."""
    is_new = draw_keys(directory)
    if is_new:
        kept = f"Drew the keys in {directory / 'keys'}; keep a copy where nobody else reads it."
        step = page_step(directory) or f"`volet edge request --dir {quoted(directory)}`."
        echo_translated(kept)
        echo_translated(f"Next: {step}")
    else:
        echo_translated(
            f"All keys are in {directory / 'keys'} already; nothing was changed. "
            "To begin anew, name a new directory."
        )
    return is_new
