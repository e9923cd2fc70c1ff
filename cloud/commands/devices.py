"""`volet cloud devices`: list the chips for the people who maintain them."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
import msgspec
from rich.table import Table

from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY
from cloud.registry.pki import issued_certificates
from cloud.registry.places import open_name
from cloud.store.fleet import FleetDevice
from protocol.errors import ConfigError
from protocol.ids import DeviceId
from protocol.status import State
from system.commands import directory_option
from system.console import plain_console

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SPAN = re.compile(r"([1-9][0-9]{0,3})([hdw])")
NEVER = "never"
UNREAD = "cannot be read"
_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")


def _span(ctx: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    """Parse a duration such as 36h, 2d or 3w."""
    if value is None:
        return None
    match = _SPAN.fullmatch(value)
    if match is None:
        raise click.BadParameter(f"{value!r} is no time; say 36h, 2d or 3w.", ctx, param)
    return int(match[1]) * _UNITS[match[2]]


class DeviceReport(msgspec.Struct, frozen=True):
    """A chip as its operator sees it.

    Attributes:
        name: the name of its place, or "".
        state: its last reported state, or None if it has never reported.
        heard_at: the hour of its last report.
        last_day: the last day for which anything is stored.
        not_after: the end of its certificate.
        unread: a sentence for each part that cannot be read.
    """

    device: str
    name: str
    state: str | None
    heard_at: datetime | None
    software: str | None
    last_day: date | None
    not_after: datetime | None
    is_revoked: bool
    unread: tuple[str, ...] = ()


@click.command()
@_dir
@click.option("--silent-for", callback=_span, help="Only chips silent for so long: 36h, 2d, 3w.")
@click.option("--software", help="Only chips that run this version.")
@click.option(
    "--state", type=click.Choice([str(state) for state in State]), help="Only chips in this state."
)
@click.option("--revoked", "is_for_revoked", is_flag=True, help="Only revoked chips.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def devices(
    directory: Path,
    silent_for: timedelta | None,
    software: str | None,
    state: str | None,
    *,
    is_for_revoked: bool,
    is_json: bool,
) -> None:
    """List chips: last reported state, hour, version, last stored day, end of the certificate.

    Nothing here depends on what a household uses. Chips report once a day, and a worker records the
    reports.
    """
    now = datetime.now(UTC)
    with open_store(directory) as store:
        chips = store.fleet.devices()
    reports = [
        _report(directory, chip)
        for chip in chips
        if chip.is_revoked is is_for_revoked
        and software in {None, chip.last_heard.software}
        and state in {None, chip.last_heard.state}
        and (silent_for is None or _is_silent(chip, now - silent_for))
    ]
    if is_json:
        click.echo(msgspec.json.encode({"devices": reports}))
        return
    table = Table(
        "Chip", "place", "state", "heard (UTC)", "software", "last day", "certificate ends"
    )
    for report in reports:
        table.add_row(*_cells(report))
    plain_console(width=None if plain_console().is_terminal else 140).print(table)
    click.echo(_total(reports, chips, is_for_revoked=is_for_revoked))
    for problem in dict.fromkeys(problem for report in reports for problem in report.unread):
        click.echo(problem)


def _total(
    reports: Sequence[DeviceReport], chips: Sequence[FleetDevice], *, is_for_revoked: bool
) -> str:
    """Return how many chips are shown, and how to show the revoked ones."""
    hidden = 0 if is_for_revoked else sum(chip.is_revoked for chip in chips)
    more = f"; {hidden} revoked: --revoked" if hidden else ""
    return f"{len(reports)} of {len(chips)} chips{more}."


def _is_silent(chip: FleetDevice, since: datetime) -> bool:
    return chip.last_heard.heard_at is None or chip.last_heard.heard_at < since


def _report(directory: Path, chip: FleetDevice) -> DeviceReport:
    last_heard, unread = chip.last_heard, list[str]()
    if chip.is_damaged:
        unread.append(
            f"The store's row of chip {chip.device} cannot be read; the chip's next status report "
            "repairs it."
        )
    name, not_after = "", last_heard.not_after
    try:
        if chip.sealed_name is not None:
            name = open_name(directory, chip.device, chip.sealed_name)
    except ConfigError as exc:
        unread.append(f"Names are left out: {exc}")
    try:
        not_after = not_after or _issued_until(directory, chip.device)
    except ConfigError as exc:
        unread.append(str(exc))
    return DeviceReport(
        chip.device,
        name,
        last_heard.state,
        last_heard.heard_at,
        last_heard.software,
        chip.last_day,
        not_after,
        chip.is_revoked,
        tuple(unread),
    )


def _issued_until(directory: Path, device: DeviceId) -> datetime | None:
    """Return the end of the chip's latest certificate, for a chip that has not reported it."""
    issued = issued_certificates(directory, device)
    return max((certificate.not_valid_after_utc for certificate in issued), default=None)


def _cells(report: DeviceReport) -> tuple[str, ...]:
    if (
        report.unread
        and report.state is None
        and report.heard_at is None
        and report.not_after is None
    ):
        return report.device, report.name, UNREAD
    return (
        report.device,
        report.name,
        report.state or NEVER,
        f"{report.heard_at:%Y-%m-%d %H h}" if report.heard_at else NEVER,
        report.software or "",
        str(report.last_day or ""),
        f"{report.not_after:%Y-%m-%d}" if report.not_after else "",
    )
