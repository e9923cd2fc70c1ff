"""`volet monitor run`: run the program that watches."""

import asyncio
import signal
from pathlib import Path

import click

from monitor import directory as monitor_directory
from monitor.program import MonitorProgram
from system.commands import directory_option
from system.program import begin_program, run_program

_dir = directory_option(monitor_directory.DEFAULT_DIRECTORY, "The monitor's")


@click.command()
@_dir
def run(directory: Path) -> None:
    """Watch the fleet until stopped, and serve /metrics and /health on 127.0.0.1.

    SIGTERM or Ctrl-C ends it; after a kill it knows everything again from the broker. Exit codes:
    0 stopped, 2 wrong usage, 5 configuration.
    """
    begin_program()
    run_program(_serve(directory))


async def _serve(directory: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await MonitorProgram(directory).run(stop)
