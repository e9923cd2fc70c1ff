"""`volet cloud registry …`: who lives where, who lived where, and who has looked."""

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
    """Who lives where, and who lived there before. Numbers of delivery points are encrypted."""


@registry.command("list")
@_dir
@_json
def list_command(directory: Path, *, is_json: bool) -> None:
    """Show which household speaks through which chip now; no number of a delivery point."""
    with open_store(directory) as store:
        _show(list_places(store), is_json=is_json)


@registry.command()
@_dir
@click.option("--prm", help="One delivery point only: its number, 14 digits.")
@click.option("--why", required=True, help="The reason; it is written down with your name.")
@_json
def history(directory: Path, prm: str | None, why: str, *, is_json: bool) -> None:
    """Look up who lived where, from when to when, with numbers. Each look-up is written down."""
    with open_store(directory) as store:
        now = datetime.now(UTC)
        _show(look_up(directory, store, prm, (current_user(), why), now), is_json=is_json)


@registry.command()
@_dir
@_json
def audit(directory: Path, *, is_json: bool) -> None:
    """Show who has looked up what, when and why. Nothing of it can be changed here."""
    with open_store(directory) as store:
        found = store.look_ups()
    if is_json:
        click.echo(msgspec.json.encode(found))
        return
    for each in found:
        click.echo(f"{each.at.isoformat()}  {each.who}  {each.what}  {each.why}")
    if not found:
        click.echo("Nobody has looked anything up.")


def _show(places: Sequence[PlaceReport], *, is_json: bool) -> None:
    if is_json:
        click.echo(msgspec.json.encode(places))
        return
    for each in places:
        number = each.prm or ("recorded" if each.has_prm else "not recorded")
        left = f", left after {each.last_day}" if each.last_day else ""
        click.echo(
            f"{each.household[:_SHORT]}…  chip {each.device}  from {each.since} "
            f"to {each.until or 'now'}{left}  PRM {number}"
        )
    if not places:
        click.echo("Nobody is registered.")
