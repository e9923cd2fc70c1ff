"""`volet cloud devices`: the chips as things, for who looks after them."""

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
    """Read a time such as 36h, 2d or 3w."""
    if value is None:
        return None
    found = _SPAN.fullmatch(value)
    if found is None:
        raise click.BadParameter(f"{value!r} is no time; say 36h, 2d or 3w.", ctx, param)
    return int(found[1]) * _UNITS[found[2]]


class DeviceReport(msgspec.Struct, frozen=True):
    """One chip as its operator sees it.

    Attributes:
        name: of its place, "" where none was given.
        state: its last one, None if it was never heard.
        heard_at: the hour in which it spoke last.
        last_day: the last day of which anything is stored.
        not_after: when its certificate ends.
        unread: what of it cannot be read, each in a sentence.
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
@click.option("--silent-for", callback=_span, help="Only those not heard for so long: 36h, 2d, 3w.")
@click.option("--software", help="Only those that run this version.")
@click.option(
    "--state", type=click.Choice([str(each) for each in State]), help="Only those in this state."
)
@click.option("--revoked", "is_for_revoked", is_flag=True, help="Those that are shut out.")
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
    """List chips with their last word: state, hour, version, last stored day, certificate's end.

    Nothing here follows what a household uses. A worker notes the words; a chip speaks once a day.
    """
    now = datetime.now(UTC)
    with open_store(directory) as store:
        found = store.fleet.devices()
    reports = [
        _report(directory, each)
        for each in found
        if each.is_revoked is is_for_revoked
        and software in {None, each.last_heard.software}
        and state in {None, each.last_heard.state}
        and (silent_for is None or _is_silent(each, now - silent_for))
    ]
    if is_json:
        click.echo(msgspec.json.encode({"devices": reports}))
        return
    table = Table(
        "Chip", "place", "state", "heard (UTC)", "software", "last day", "certificate ends"
    )
    for each in reports:
        table.add_row(*_cells(each))
    plain_console(width=None if plain_console().is_terminal else 140).print(table)
    click.echo(_total(reports, found, is_for_revoked=is_for_revoked))
    for what in dict.fromkeys(what for each in reports for what in each.unread):
        click.echo(what)


def _total(
    reports: Sequence[DeviceReport], found: Sequence[FleetDevice], *, is_for_revoked: bool
) -> str:
    """Say how many are shown, and how to see those that are revoked."""
    hidden = 0 if is_for_revoked else sum(each.is_revoked for each in found)
    more = f"; {hidden} revoked: --revoked" if hidden else ""
    return f"{len(reports)} of {len(found)} chips{more}."


def _is_silent(each: FleetDevice, since: datetime) -> bool:
    return each.last_heard.heard_at is None or each.last_heard.heard_at < since


def _report(directory: Path, each: FleetDevice) -> DeviceReport:
    report, unread = each.last_heard, list[str]()
    if each.is_damaged:
        unread.append(
            f"The store's row of chip {each.device} cannot be read; its next word mends it."
        )
    name, not_after = "", report.not_after
    try:
        if each.sealed_name is not None:
            name = open_name(directory, each.device, each.sealed_name)
    except ConfigError as exc:
        unread.append(f"Names are left out: {exc}")
    try:
        not_after = not_after or _issued_until(directory, each.device)
    except ConfigError as exc:
        unread.append(str(exc))
    return DeviceReport(
        each.device,
        name,
        report.state,
        report.heard_at,
        report.software,
        each.last_day,
        not_after,
        each.is_revoked,
        tuple(unread),
    )


def _issued_until(directory: Path, device: DeviceId) -> datetime | None:
    """Return when the certificate ends that a chip was given last, for one that has not spoken."""
    issued = issued_certificates(directory, device)
    return max((each.not_valid_after_utc for each in issued), default=None)


def _cells(each: DeviceReport) -> tuple[str, ...]:
    if each.unread and each.state is None and each.heard_at is None and each.not_after is None:
        return each.device, each.name, UNREAD
    return (
        each.device,
        each.name,
        each.state or NEVER,
        f"{each.heard_at:%Y-%m-%d %H h}" if each.heard_at else NEVER,
        each.software or "",
        str(each.last_day or ""),
        f"{each.not_after:%Y-%m-%d}" if each.not_after else "",
    )
