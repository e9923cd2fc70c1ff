"""`volet edge run`: run the chip."""

import os
from pathlib import Path

import click
import msgspec
import structlog

from edge.chip.agent import Agent, StopSignal, stop_on_signals
from edge.chip.config import EdgeConfig, load_config
from edge.chip.first_run import FirstRun
from edge.chip.panel_pins import panel_pins
from edge.commands.household import HouseholdCommand, echo_translated
from edge.contracts.agreement import load_agreement
from edge.home.forgetting import forget_before_erasure
from edge.identity.enrolment import load_identity
from edge.moving.erasing import carry_out_erasure
from edge.stage import DEFAULT_DIRECTORY, Stage, next_step, stage
from edge.status.panel import Panel
from protocol.errors import ConfigError
from system.commands import directory_option
from system.program import begin_anew, begin_program

_directory = directory_option(DEFAULT_DIRECTORY, "The chip's")
_DEVICES = Path("/dev")

log = structlog.get_logger()


@click.command(cls=HouseholdCommand)
@_directory
@click.option(
    "--source",
    help="The meter: a serial device, a pty, a capture file, or - for standard input.",
)
def run(directory: Path, source: str | None) -> None:
    """Read the meter, encrypt, send, and check what comes back, until stopped.

    A chip whose keys are drawn and which is not enrolled yet looks at the line and answers its page,
    meters nothing, and goes on as soon as it is enrolled. A device that is not plugged in yet is
    waited for. At the end of a capture file or of standard input, the chip stops once the cloud has
    acknowledged everything.
    Exit codes: 0 stopped, 5 configuration, 6 the vault cannot continue (start again).
    """
    begin_program()
    if source is not None:
        _check_exists(source)
    with stop_on_signals() as stop:
        begins_anew = run_chip(directory, source, stop)
    if begins_anew:
        begin_anew()


def run_chip(directory: Path, source: str | None, stop: StopSignal) -> bool:
    """Run the chip in `directory` until `stop` is set, from its first run on if it is not enrolled.

    `source` is in the place of the configured one. A household that is to be erased is erased first.
    Return whether the program is to begin anew for that.

    Raises:
        ConfigError: the operator must correct something.
        StoreError: the vault cannot continue; start the program again.
    """
    carry_out_erasure(directory, lambda: _forget_home(directory))
    config = _config(directory, source)
    with panel_pins() as pins:
        if _is_first_run(directory, config):
            if not _first_run(directory, config, pins.wired(config.panel), stop):
                return False
            config = _config(directory, source)  # whoever set the chip up may have changed it
        identity = load_identity(directory)
        agreement = load_agreement(directory)
        panel = pins.wired(config.panel)
        with Agent.open(directory, identity, config, agreement=agreement, pins=panel) as agent:
            return agent.run(stop)


def _forget_home(directory: Path) -> None:
    retained = forget_before_erasure(directory, lambda: load_config(directory).home)
    if retained is not None:
        log.warning("home_not_forgotten", why=retained.why, times=1)


def _config(directory: Path, source: str | None) -> EdgeConfig:
    config = load_config(directory)
    return config if source is None else msgspec.structs.replace(config, source=source)


def _is_first_run(directory: Path, config: EdgeConfig) -> bool:
    """Return whether the chip can wait for its enrolment; a recording would go by meanwhile."""
    has_keys = stage(directory) in {Stage.KEYS_DRAWN, Stage.REQUESTED}
    return has_keys and not config.is_recording and not Path(config.source).is_dir()


def _first_run(directory: Path, config: EdgeConfig, pins: Panel | None, stop: StopSignal) -> bool:
    """Wait for the enrolment; return whether it has come."""
    with FirstRun.open(directory, config, pins=pins) as first_run:
        echo_translated(
            "This chip is not enrolled yet. It meters nothing, and goes on by itself once it is "
            "enrolled: on its page (`volet edge page --pair`), or at a console, where the next step "
            f"is: {next_step(directory)}",
            err=True,
        )
        return first_run.run(stop)


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
