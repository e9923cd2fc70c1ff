"""Options that commands of `volet software` share."""

from pathlib import Path

import click

from edge.stage import DEFAULT_DIRECTORY
from volet.software.places import ROOT

HOLD_S, PATIENCE_S = 120.0, 300.0

root_option = click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT,
    show_default=True,
    help="Where the releases lie.",
)
chip_option = click.option(
    "--dir",
    "directory",
    # Whoever only names it to others may not be allowed to read it.
    type=click.Path(path_type=Path, file_okay=False, readable=False),
    default=DEFAULT_DIRECTORY,
    show_default=True,
    help="The chip's directory.",
)
hold_option = click.option(
    "--hold", "hold_s", default=HOLD_S, show_default=True, help="Seconds to do well for."
)
patience_option = click.option(
    "--patience", "patience_s", default=PATIENCE_S, show_default=True, help="Within."
)
