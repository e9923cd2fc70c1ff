"""`volet cloud roster`: the registrar's commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import click
import msgspec
from rich.table import Table

from cloud.config import DEFAULT_DIRECTORY, load_config
from cloud.geo.codes import LIST_NAME, installed_codes, read_codes
from cloud.registry.key_files import load_key_list
from cloud.roster import cells, files, registrar
from cloud.roster.editor import RosterAssignment, RosterEditor, read_places
from cloud.store import Store
from cloud.store.sqlite.store import SqliteStore
from protocol.calendar import day_number, legal_day
from protocol.measures import CURVE_MIN, GROUP_MIN
from protocol.roster import Roster
from system.commands import changing, directory_option
from system.console import counted, plain_console
from system.files import put_public, read_document, write_public
from system.shell import quoted

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_DAY = click.DateTime(["%Y-%m-%d"])
_dir = directory_option(DEFAULT_DIRECTORY, "The cloud's")
_registrar = directory_option(
    registrar.DEFAULT_DIRECTORY, "The registrar's", name="registrar", parameter="keys"
)
_codes = click.option(
    "--codes",
    "codes_file",
    type=_FILE,
    help="List of communes to install in the cloud's directory.",
)
_from = click.option("--from", "start", type=_DAY, help="First day. Default: today, or in 3 days.")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")
_day = click.option("--day", type=_DAY, help="As of this day. Default: today.")


@click.group()
def roster() -> None:
    """The roster: the registrar's log of which household is in which cell."""


for _command in (files.backup, files.restore, files.backup_key):
    roster.add_command(_command)


@roster.command()
@_registrar
@changing
def init(keys: Path) -> bool:
    """Generate the registrar's signing key and its salt for delivery points."""
    is_new = registrar.draw(keys)
    if is_new:
        click.echo(
            f"Drew the registrar's keys in {keys}; keep a copy where nobody else reads it.\n"
            f"Next: `volet cloud documents trustees --registrar-key "
            f"{quoted(keys / registrar.PUBLIC_KEY)} …`."
        )
    else:
        click.echo(f"{keys} has a registrar's keys already; nothing was changed.")
    return is_new


@roster.command("roll-over")
@_dir
@_registrar
@click.option("--to", "successor", type=_FOLDER, required=True, help="Directory for the new key.")
@click.option("--out", type=_FILE, required=True, help="Where to write the old key's signature.")
@changing
def roll_over(directory: Path, keys: Path, successor: Path, out: Path) -> bool:
    """Draw a key that follows the registrar's, which signs it, for `volet cloud roll-over registrar`."""
    collectivity = load_config(directory).collectivity
    registrar.check_present(registrar.load(keys).public_key, load_key_list(directory))
    succession = registrar.succeed(keys, successor, collectivity, legal_day(datetime.now(UTC)))
    write_public(out, msgspec.json.encode(succession))
    click.echo(
        f"Wrote {out}. Next: `volet cloud roll-over registrar {quoted(out)} --root …`; from then on "
        f"name `--registrar {quoted(successor)}`, and destroy the old key."
    )
    return True


@roster.command()
@_dir
@_registrar
@click.argument("device")
@click.option("--cell", metavar="CODE", required=True, help="An IRIS or commune.")
@click.option("--point", metavar="TEXT", required=True, help="Delivery point; stored as a hash.")
@click.option("--provider", default="", help="The energy provider's name, to be counted with it.")
@_from
@_codes
@changing
def add(  # noqa: PLR0913 - one parameter an option
    *,
    directory: Path,
    keys: Path,
    device: str,
    cell: str,
    point: str,
    provider: str,
    start: datetime | None,
    codes_file: Path | None,
) -> bool:
    """Enter a chip: a new one, one that moves to another cell, or one that replaces another."""
    assignment = RosterAssignment(device, cell, point, provider, _date(start))
    with _editor(directory, keys, codes_file) as editor:
        count = editor.add([assignment])
    click.echo(f"Entered {device} in {cell}." if count else f"{device} stands there already.")
    return count > 0


@roster.command("import")
@_dir
@_registrar
@click.argument("file", metavar="FILE.csv", type=_FILE)
@_codes
@changing
def import_places(directory: Path, keys: Path, file: Path, codes_file: Path | None) -> bool:
    """Enter a fleet, all or none: CSV with device, cell, point and, optionally, provider and from."""
    assignments = read_places(file)
    with _editor(directory, keys, codes_file) as editor:
        count = editor.add(assignments)
    click.echo(f"Entered {count} of {len(assignments)}; the others stand there already.")
    return count > 0


@roster.command()
@_dir
@_registrar
@click.argument("device")
@_from
@changing
def leave(directory: Path, keys: Path, device: str, start: datetime | None) -> bool:
    """Enter that a household is in no cell from a day on."""
    with _editor(directory, keys, None) as editor:
        editor.leave(device, _date(start))
    click.echo(f"{device} leaves.")
    return True


@roster.command()
@_dir
@_day
@_json
def status(directory: Path, day: datetime | None, *, is_json: bool) -> None:
    """Show each cell's households, and how many more it needs for a group of its own."""
    load_config(directory)
    with _store(directory) as store:
        statuses = cells.status(
            _roster(store).memberships(_number(day)), installed_codes(directory)
        )
    if is_json:
        click.echo(msgspec.json.encode(statuses))
        return
    table = Table(
        "cell", "name", "households", "counted", f"to {GROUP_MIN}", f"to {CURVE_MIN}", "merge with"
    )
    for cell in statuses:
        table.add_row(
            cell.cell,
            cell.name,
            str(cell.households),
            str(cell.counted),
            str(cell.needs_for_classes or "-"),
            str(cell.needs_for_curve or "-"),
            ", ".join(cell.merged_with) + ("" if cell.is_enough else " (too few yet)"),
        )
    plain_console().print(table)


@roster.command()
@_dir
@_day
@click.option("--out", type=_FILE, help="Where to write it. Default: standard output.")
def groups(directory: Path, day: datetime | None, out: Path | None) -> None:
    """Propose groups for `volet cloud measures draw-up` as JSON, merging cells that are too small."""
    load_config(directory)
    with _store(directory) as store:
        memberships = list(_roster(store).memberships(_number(day)))
    proposed = cells.proposals(memberships, installed_codes(directory))
    data = msgspec.json.format(msgspec.json.encode(proposed), indent=2)
    if out is None:
        click.echo(data)
    else:
        write_public(out, data)
        click.echo(f"Wrote {counted(len(proposed), 'group')} to {out}.")


@roster.command()
@_dir
@click.argument("file", metavar="COMMUNES.csv", type=_FILE)
@changing
def codes(directory: Path, file: Path) -> bool:
    """Install a list of communes (code, nom, departement, region) for names and regions."""
    load_config(directory)
    is_new = _install(directory, file)
    click.echo(f"Keeps the list of communes in {directory / LIST_NAME}.")
    return is_new


@contextmanager
def _editor(directory: Path, keys: Path, codes_file: Path | None) -> Iterator[RosterEditor]:
    load_config(directory)
    if codes_file is not None:
        _install(directory, codes_file)
    own = registrar.load(keys)
    with _store(directory) as store:
        today, listed = legal_day(datetime.now(UTC)), load_key_list(directory)
        yield RosterEditor(own, store, installed_codes(directory), today, listed)


@contextmanager
def _store(directory: Path) -> Iterator[Store]:
    store = SqliteStore.open_existing(directory)
    try:
        yield store
    finally:
        store.close()


def _roster(store: Store) -> Roster:
    entries = Roster(b"")  # without a key: entries were verified when they were added
    entries.load(store.area.roster())
    return entries


def _install(directory: Path, file: Path) -> bool:
    read_codes(file)
    return put_public(directory / LIST_NAME, read_document(file, "give a list of communes."))


def _number(day: datetime | None) -> int:
    return day_number(_date(day) or legal_day(datetime.now(UTC)))


def _date(day: datetime | None) -> date | None:
    return day.date() if day else None
