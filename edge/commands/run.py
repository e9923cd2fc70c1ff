"""`volet edge run`: run the chip."""

from pathlib import Path

import click
import msgspec

from edge.chip.agent import Agent, stop_on_signals
from edge.chip.config import load_config
from edge.commands.household import HouseholdCommand
from edge.contracts.agreement import load_agreement
from edge.identity.enrolment import load_identity
from edge.stage import DEFAULT_DIRECTORY
from protocol.errors import ConfigError
from system.commands import directory_option
from system.program import begin_program

_directory = directory_option(DEFAULT_DIRECTORY, "The chip's")


@click.command(cls=HouseholdCommand)
@_directory
@click.option(
    "--source",
    help="The meter: a serial device, a pty, a capture file, or - for standard input.",
)
def run(directory: Path, source: str | None) -> None:
    """Read the meter, encrypt, send, and check what comes back, until stopped.

    At the end of a capture file or of standard input, the chip stops once the cloud has
    acknowledged everything.
    Exit codes: 0 stopped, 5 configuration, 6 the vault cannot continue (start again).
    """
    begin_program()
    config = load_config(directory)
    if source is not None:
        _check_exists(source)
        config = msgspec.structs.replace(config, source=source)
    identity = load_identity(directory)
    agreement = load_agreement(directory)
    with (
        stop_on_signals() as stop,
        Agent.open(directory, identity, config, agreement=agreement) as agent,
    ):
        agent.run(stop)


def _check_exists(source: str) -> None:
    """Refuse a missing source from the command line; one from edge.toml may appear later."""
    if source != "-" and not Path(source).exists():
        raise ConfigError(
            f"{source}: no such device or file; look for the adapter under /dev/serial/by-id."
        )
