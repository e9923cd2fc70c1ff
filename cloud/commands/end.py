"""`volet cloud end`: end a household with all that it has here."""

from datetime import UTC, datetime
from pathlib import Path

import click

from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY
from cloud.geo.codes import installed_codes
from cloud.registry.broker import DEFAULT_NAME
from cloud.registry.ending import end_household, find_household
from cloud.registry.key_files import load_key_list
from cloud.roster import registrar
from cloud.roster.editor import RosterEditor, is_in_a_cell
from cloud.store import Store
from protocol.calendar import legal_day
from system.commands import changing, directory_option
from system.shell import quoted

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@directory_option(DEFAULT_DIRECTORY, "The collectivity's")
@directory_option(
    registrar.DEFAULT_DIRECTORY, "The registrar's", name="registrar", parameter="keys"
)
@click.option(
    "--broker",
    type=_FOLDER,
    help="The broker's directory. Default: `broker` in the collectivity's.",
)
@click.argument("device")
@changing
def end(directory: Path, keys: Path, broker: Path | None, device: str) -> bool:
    """End the household of a chip: roster, certificate and session, retained messages, place, mandates.

    For a household that gives up, has died, or whose chip is lost for good. One that moves announces
    it itself, and goes on elsewhere. What is stored of it stays for as long as it is kept for billing.
    Type this again if it was interrupted.
    """
    now = datetime.now(UTC)
    with open_store(directory) as store:
        household = find_household(store, device)
        is_off_roster = _take_off_roster(directory, keys, store, device, now)
        ended = end_household(directory, store, household, broker or directory / DEFAULT_NAME, now)
    click.echo(
        f"The household of {device} has ended: its chip is shut out, and what was mandated before "
        "counts no more."
    )
    if ended.last_block_day is None:
        click.echo("Nothing of it was stored, and so there is nothing to bill.")
    else:
        click.echo(f"Its provider can bill it until {ended.last_block_day}, the last day stored.")
    return is_off_roster or ended.is_changed


def _take_off_roster(directory: Path, keys: Path, store: Store, device: str, now: datetime) -> bool:
    """Enter that the household leaves its cell, if the registrar's keys are here; else say so."""
    if not is_in_a_cell(store, device):
        return False
    if not (keys / registrar.KEY).exists():
        click.echo(
            f"{device} stands in a cell of the roster; where the registrar's keys are, type "
            f"`volet cloud roster leave {quoted(device)}`."
        )
        return False
    listed = load_key_list(directory)
    own = registrar.load(keys)
    RosterEditor(own, store, installed_codes(directory), legal_day(now), listed).leave(device)
    click.echo(f"{device} leaves its cell of the roster.")
    return True
