"""`volet edge run`: run the chip."""

import os
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
_DEVICES = Path("/dev")


@click.command(cls=HouseholdCommand)
@_directory
@click.option(
    "--source",
    help="The meter: a serial device, a pty, a capture file, or - for standard input.",
)
def run(directory: Path, source: str | None) -> None:
    """Read the meter, encrypt, send, and check what comes back, until stopped.

    A device that is not plugged in yet is waited for. At the end of a capture file or of standard
    input, the chip stops once the cloud has acknowledged everything.
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
    """Refuse a missing source from the command line that is no device which may be plugged in yet.

    One from edge.toml may be any: the chip starts before it where the machine boots.
    """
    if source != "-" and not Path(source).exists() and not _may_be_plugged_in(source):
        raise ConfigError(
            f"{source}: no such device or file; look for the adapter under /dev/serial/by-id."
        )


def _may_be_plugged_in(source: str) -> bool:
    path = Path(os.path.abspath(source))  # noqa: PTH100 - resolve() would follow links
    return path.is_relative_to(_DEVICES) and not path.is_relative_to(_DEVICES / "shm")
