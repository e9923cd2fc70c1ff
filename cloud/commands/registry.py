"""`volet cloud registry`: which household has which chip, past and present, and who looked it up."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY
from cloud.registry.broker import current_user
from cloud.registry.places import PlaceReport, list_places, look_up
from system.commands import directory_option

_SHORT = 16

_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")
_json: Callable[[click.decorators.FC], click.decorators.FC] = click.option(
    "--json", "is_json", is_flag=True, help="Print JSON."
)


@click.group()
def registry() -> None:
    """Which household lives where, now and before. Delivery point numbers are encrypted."""


@registry.command("list")
@_dir
@_json
def list_command(directory: Path, *, is_json: bool) -> None:
    """Show the household of each chip now, without delivery point numbers."""
    with open_store(directory) as store:
        _show(list_places(store), is_json=is_json)


@registry.command()
@_dir
@click.option("--prm", help="Only the delivery point with this number, 14 digits.")
@click.option("--why", required=True, help="The reason, which is recorded with your name.")
@_json
def history(directory: Path, prm: str | None, why: str, *, is_json: bool) -> None:
    """Look up who lived where and when, with delivery point numbers. Each look-up is recorded."""
    with open_store(directory) as store:
        now = datetime.now(UTC)
        _show(look_up(directory, store, prm, (current_user(), why), now), is_json=is_json)


@registry.command()
@_dir
@_json
def audit(directory: Path, *, is_json: bool) -> None:
    """Show who looked up what, when and why. Rows cannot be changed here."""
    with open_store(directory) as store:
        look_ups = store.look_ups()
    if is_json:
        click.echo(msgspec.json.encode(look_ups))
        return
    for record in look_ups:
        click.echo(f"{record.at.isoformat()}  {record.who}  {record.what}  {record.why}")
    if not look_ups:
        click.echo("Nobody has looked anything up.")


def _show(places: Sequence[PlaceReport], *, is_json: bool) -> None:
    if is_json:
        click.echo(msgspec.json.encode(places))
        return
    for place in places:
        number = place.prm or ("recorded" if place.has_prm else "not recorded")
        left = f", left after {place.last_day}" if place.last_day else ""
        click.echo(
            f"{place.household[:_SHORT]}…  chip {place.device}  from {place.since} "
            f"to {place.until or 'now'}{left}  PRM {number}"
        )
    if not places:
        click.echo("Nobody is registered.")
