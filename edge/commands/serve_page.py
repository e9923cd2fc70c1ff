"""`volet edge serve-page`: the household's page, as its unit runs it."""

import click

from edge.commands.household import HouseholdCommand
from edge.household.call import door_in, short_door
from edge.language.choice import language
from edge.page.running import run_page
from edge.stage import DOOR_DIRECTORY, PAGE_HOME
from protocol.errors import ConfigError
from system.answering import call_nobody
from system.clock import SystemClock
from system.systemd import Notifier, given_sockets

IDLE_S = 600.0
IDLE_MAX_S = 86_400.0


@click.command(cls=HouseholdCommand, hidden=True)
@click.option(
    "--idle",
    "idle_max_s",
    default=IDLE_S,
    show_default=True,
    type=click.FloatRange(1.0, IDLE_MAX_S),
    help="Seconds without a visit after which it ends.",
)
def serve_page(idle_max_s: float) -> None:
    """Serve the household's page on the sockets that systemd opened; a unit runs this."""
    sockets = given_sockets()
    if not sockets:
        raise ConfigError(
            "systemd has opened no socket for the page; start it by its socket, with "
            "`sudo systemctl enable --now volet-edge-page.socket`."
        )
    door = short_door(door_in(DOOR_DIRECTORY), PAGE_HOME)
    call_nobody()
    notifier = Notifier(SystemClock())
    run_page(
        door,
        PAGE_HOME,
        sockets,
        lang=language(),
        idle_max_s=idle_max_s,
        on_start=notifier.ready,
        on_round=notifier.progress,
    )
    notifier.stopping()
