"""`volet monitor chips`: list chips as they last told of themselves."""

from pathlib import Path

import click
import msgspec

from monitor import directory as monitor_directory
from monitor.desk import ask_desk
from monitor.report import ChipRow
from protocol.errors import TransportError
from protocol.status import State
from system.commands import directory_option
from system.shell import quoted

_dir = directory_option(monitor_directory.DEFAULT_DIRECTORY, "The monitor's")


@click.command()
@_dir
@click.option(
    "--state",
    "states",
    type=click.Choice([str(state) for state in State]),
    multiple=True,
    help="Only chips in this state; repeat for more.",
)
@click.option("--silent", is_flag=True, help="Only chips without a session, or overdue.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def chips(directory: Path, states: tuple[str, ...], *, silent: bool, is_json: bool) -> None:
    """List chips, those not heard of for longest first.

    A chip reports once a day at a drawn minute, and after a change; times are whole hours, in UTC.
    """
    monitor_directory.load_config(directory)
    report = ask_desk(directory)
    if report is None:
        raise TransportError(
            f"No monitor runs in {directory}; start it: "
            f"`volet monitor run --dir {quoted(directory)}`."
        )
    rows = [
        chip
        for chip in report.chips
        if (not states or chip.state in states)
        and (not silent or chip.is_overdue or not chip.state.is_online)
    ]
    if is_json:
        click.echo(msgspec.json.encode({"chips": rows}))
        return
    if not rows:
        click.echo("There is no such chip.")
        return
    for row in rows:
        click.echo(_line(row))


def _line(row: ChipRow) -> str:
    parts = [f"{row.state}, overdue" if row.is_overdue else str(row.state)]
    if row.since:
        parts[0] += f" since {row.since:%Y-%m-%d %H:%M}"
    parts.append(f"heard {row.heard_at:%Y-%m-%d %H:%M}" if row.heard_at else "not heard yet")
    if row.software:
        parts.append(row.software)
    if row.software_rolled_back_from:
        parts.append(f"went back from {row.software_rolled_back_from}")
    if row.heard_at:
        parts.append(f"outbox {row.outbox_depth}")
    if row.line_quality is not None:
        parts.append(f"line {row.line_quality:.0%}")
    if row.not_after:
        parts.append(f"certificate until {row.not_after:%Y-%m-%d}")
    return f"{row.device}  {'; '.join(parts)}"
