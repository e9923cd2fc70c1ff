"""`volet monitor status`: show how the monitor and the fleet do, in counts."""

from collections import Counter
from pathlib import Path

import click
import msgspec
from rich.table import Table

from monitor import directory as monitor_directory
from monitor.desk import ask_desk
from protocol.calendar import Instant
from system.certificates import Lifetime
from system.commands import directory_option
from system.console import plain_console
from system.set_aside import FILE_NAME as SET_ASIDE
from system.set_aside import read_set_aside

_dir = directory_option(monitor_directory.DEFAULT_DIRECTORY, "The monitor's")


class MonitorStatus(msgspec.Struct, frozen=True):
    """The output of `volet monitor status`: counts only.

    `connected_since` is since when there is a session at the broker; None without one, or if no
    monitor runs here. `states` and `softwares` count chips; `refused` counts messages.
    """

    name: str
    collectivity: str
    is_running: bool
    connected_since: Instant | None
    chips: int
    overdue: int
    dropped: int
    states: dict[str, int]
    softwares: dict[str, int]
    refused: dict[str, int]
    set_aside: int
    certificates: tuple[Lifetime, ...]


@click.command()
@_dir
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def status(directory: Path, *, is_json: bool) -> None:
    """Show whether the monitor runs and hears the broker, and how many chips are in which state."""
    report = read_status(directory)
    if is_json:
        click.echo(msgspec.json.encode(report))
        return
    table = Table(title=f"{report.name} of {report.collectivity}", show_header=False)
    since = report.connected_since
    table.add_row("runs", "yes" if report.is_running else "no: `volet monitor run`")
    table.add_row("hears the broker", f"since {since:%Y-%m-%d %H:%M}" if since else "no")
    table.add_row("chips", str(report.chips))
    for state, count in sorted(report.states.items()):
        table.add_row(f"chips {state}", str(count))
    table.add_row("chips overdue", str(report.overdue))
    for software, count in sorted(report.softwares.items()):
        table.add_row(f"chips with {software}", str(count))
    table.add_row("chips dropped", str(report.dropped))
    for reason, count in sorted(report.refused.items()):
        table.add_row(f"messages refused {reason}", str(count))
    table.add_row("messages set aside", str(report.set_aside))
    for lifetime in report.certificates:
        table.add_row(f"certificate {lifetime.name} ends", f"{lifetime.not_after:%Y-%m-%d}")
    plain_console().print(table)


def read_status(directory: Path) -> MonitorStatus:
    """Return how a monitor does, by its directory and what it tells if it runs.

    Raises:
        ConfigError: the directory lacks a file.
        TransportError: the monitor runs and does not answer.
    """
    config = monitor_directory.load_config(directory)
    report = ask_desk(directory)
    chips = () if report is None else report.chips
    return MonitorStatus(
        name=config.name,
        collectivity=config.collectivity,
        is_running=report is not None,
        connected_since=None if report is None else report.connected_since,
        chips=len(chips),
        overdue=sum(chip.is_overdue for chip in chips),
        dropped=0 if report is None else report.dropped,
        states=dict(Counter(str(chip.state) for chip in chips)),
        softwares=dict(Counter(chip.software for chip in chips)),
        refused={} if report is None else report.refused,
        set_aside=len(read_set_aside(directory / SET_ASIDE)),
        certificates=monitor_directory.lifetimes(directory),
    )
