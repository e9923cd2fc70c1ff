"""`volet edge page`: the household's page in a browser, and who may look at it."""

from datetime import UTC, datetime
from pathlib import Path

import click

from edge.commands.household import HouseholdCommand, echo, echo_translated
from edge.household.call import call, door_in
from edge.household.requests import AskPairing
from edge.household.visitors import VisitorRole
from edge.language.choice import language
from edge.language.numbers import time_text
from edge.page.names import (
    CERTIFICATE,
    HTTPS_PORT,
    address_at,
    hosts_at,
    hosts_at_home,
    names_of_host,
    noted_port,
)
from edge.page.running import run_page
from edge.page.server import HTTP_PORT, own_socket
from edge.stage import (
    DEFAULT_DIRECTORY,
    PAGE_DIRECTORY,
    PAGE_HOME,
    Stage,
    next_step,
    stage,
    start_command,
)
from protocol.errors import ConfigError, TransportError
from system.commands import directory_option
from system.shell import quoted
from system.systemd import ports_of

PORT = 8443
_SOCKET_UNIT = "volet-edge-page.socket"


@click.command(cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option("--pair", is_flag=True, help="Let one visitor in: shows a code for the page.")
@click.option("--viewer", is_flag=True, help="With --pair: that visitor sees the curve only.")
@click.option("--show", is_flag=True, help="Show the page's addresses, and its fingerprint.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen on this address.")
@click.option(
    "--port",
    show_default=str(PORT),
    type=click.IntRange(1, 65_535),
    help="Listen there. With --show: the port to name, in the place of the one that is known.",
)
def page(
    directory: Path, host: str, port: int | None, *, pair: bool, viewer: bool, show: bool
) -> None:
    """Serve the household's page, or let somebody look at it.

    What the meter says, what left the home, and the chip's state, in a browser at home. Visitors of
    the home's own network alone are answered, once they are paired. The page speaks the language that
    a browser asks for, French or English, else that of --lang.
    """
    if pair and show:
        raise click.UsageError("Give one of --pair and --show.")
    if viewer and not pair:
        raise click.UsageError("--viewer goes with --pair.")
    if stage(directory) is Stage.EMPTY:
        raise ConfigError(f"{directory}: {next_step(directory)}")
    if pair:
        _pair(directory, VisitorRole.VIEWER if viewer else VisitorRole.OWNER)
    elif show:
        _show(directory, port)
    else:
        _serve(directory, host, port or PORT)


def _pair(directory: Path, role: VisitorRole) -> None:
    from edge.household.pairing import open_window  # noqa: PLC0415 - not while the page runs

    if not _answers(directory):
        raise ConfigError(
            "The chip does not run, and would let nobody in by a code: start the chip with "
            f"`{start_command(directory)}`; then ask for a code again."
        )
    order = open_window(directory, role, datetime.now(UTC))
    echo(f"{order.code[:4]} {order.code[4:]}")
    echo_translated(f"The page is at {', '.join(_places(directory))}.")
    echo_translated(f"Type this code on the page before {time_text(order.until, language())}.")


def _show(directory: Path, port: int | None) -> None:
    from edge.page.tls import fingerprint  # noqa: PLC0415 - not while the page runs

    files, places = _files(directory), _places(directory, port)
    if not (files / CERTIFICATE).exists():
        raise ConfigError(
            "The page has no certificate yet, since nobody has opened it: open it in a browser at "
            f"{', '.join(places)}, then type this again."
            if files == PAGE_HOME
            else "The page has no certificate yet, since it never ran: start it with "
            f"`volet edge page --dir {quoted(directory)}`, then type this again."
        )
    for place in places:
        echo(place)
    echo(f"SHA-256 {fingerprint(files)}")


def _files(directory: Path) -> Path:
    """Return where the page of a chip keeps its certificate; an installed one has a place of its own."""
    if directory != DEFAULT_DIRECTORY:
        return directory / PAGE_DIRECTORY
    # Its directory is made at the first visit.
    is_installed = PAGE_HOME.is_dir() or bool(ports_of(_SOCKET_UNIT))
    return PAGE_HOME if is_installed else directory / PAGE_DIRECTORY


def _places(directory: Path, port: int | None = None) -> list[str]:
    """Return the addresses of the page, at `port` or at the one that is known."""
    files, hosts = _files(directory), names_of_host()[-2:]
    if port is None and files == PAGE_HOME:
        port = next((each for each in ports_of(_SOCKET_UNIT) if each != HTTP_PORT), HTTPS_PORT)
        hosts = hosts_at_home()  # where the unit listens
    return [address_at(host, port or noted_port(files) or PORT) for host in hosts]


def _serve(directory: Path, host: str, port: int) -> None:
    _warn_without_chip(directory)
    places = ", ".join(address_at(name, port) for name in hosts_at(host))
    run_page(
        door_in(directory),
        directory / PAGE_DIRECTORY,
        [own_socket(host, port)],
        lang=language(),
        on_start=lambda: echo_translated(f"The page is at {places}."),
    )


def _warn_without_chip(directory: Path) -> None:
    """Say so where no chip answers, for the page alone lets nobody in."""
    if not _answers(directory):
        echo_translated(
            "The chip does not answer, and nobody is let in until it does. If you have not started it: "
            f"`{start_command(directory)}`.",
            err=True,
        )


def _answers(directory: Path) -> bool:
    try:
        call(door_in(directory), AskPairing())
    except TransportError:
        return False
    return True
