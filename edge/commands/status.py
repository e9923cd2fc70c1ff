"""`volet edge status`: show the chip's state and what needs doing."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from edge.chip.config import load_config
from edge.chip.confirming import Confirmation
from edge.commands.household import HouseholdCommand, echo
from edge.language.choice import language
from edge.stage import DEFAULT_DIRECTORY
from edge.status.report import report
from edge.status.words import in_words
from system.commands import directory_option


@click.command(cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def status(directory: Path, *, is_json: bool) -> None:
    """Show the chip's state and what needs doing, for the household's own eyes."""
    now = datetime.now(UTC)
    config = load_config(directory)
    confirmed = Confirmation(directory).read()
    current = report(
        directory,
        config.area,
        now,
        confirmed,
        is_real_line_called_simulated=config.is_real_line_called_simulated,
    )
    if is_json:
        click.echo(msgspec.json.encode(current))
    else:
        echo(in_words(current, now, language()))
