"""`volet edge repeat-line`: serves the line of a chip that repeats it; a unit runs this."""

import os
import socket
from pathlib import Path

import click

from edge.commands.household import HouseholdCommand, check_is_usable
from edge.stage import DEFAULT_DIRECTORY, Stage, next_step, stage
from edge.tic.repeater.channel import KIND, SOCKET_NAME
from edge.tic.repeater.serving import LineServer
from protocol.errors import ConfigError
from system.clock import SystemClock
from system.files import SECRET_MODE, opened_directory
from system.logs import configure_logs
from system.systemd import Notifier, given_sockets


@click.command(cls=HouseholdCommand, hidden=True)
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, readable=False),
    show_default=str(DEFAULT_DIRECTORY),
    help="The chip's directory.",
)
def repeat_line(directory: Path | None) -> None:
    """Serve a chip's line to the home network, for as long as its household has it repeated.

    A unit runs this on the socket by which the chip calls it. Without one it waits in the chip's
    directory, until it is stopped.
    """
    configure_logs()
    given = given_sockets()
    notifier = Notifier(SystemClock())
    if given:
        notifier.ready()
        _serve(given[0], notifier)
        notifier.stopping()
        return
    # A unit may not see it.
    directory = directory or DEFAULT_DIRECTORY
    check_is_usable(directory)
    if stage(directory) is not Stage.ENROLLED:
        raise ConfigError(f"{directory}: {next_step(directory)}")
    path = directory / SOCKET_NAME
    with listening_at(path) as listening:
        try:
            while True:
                _serve(listening, notifier)
        finally:
            path.unlink(missing_ok=True)


def _serve(listening: socket.socket, notifier: Notifier) -> None:
    channel, _ = listening.accept()
    with channel:
        LineServer(channel, notifier.progress).serve()


def listening_at(path: Path) -> socket.socket:
    """Return a socket by which the chip's own user can call.

    Raises:
        ConfigError: it cannot be made.
    """
    listening = socket.socket(socket.AF_UNIX, KIND)
    mask = os.umask(0o777 & ~SECRET_MODE)
    try:
        path.unlink(missing_ok=True)
        with opened_directory(path.parent) as place:
            listening.bind(f"{place}/{path.name}")
        listening.listen(1)
    except OSError as exc:
        listening.close()
        raise ConfigError(f"{path} cannot be made: {exc.strerror}.") from exc
    finally:
        os.umask(mask)
    return listening
