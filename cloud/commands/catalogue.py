"""`volet cloud catalogue …`: the public, append-only list of offers, calendars and series."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import click
import msgspec
from rich.table import Table

from cloud.catalogue.log import OpenedLog
from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY
from protocol.calendar import legal_day
from protocol.catalogue import Document, Entry, titles
from protocol.contract import Signed, parse_signed
from protocol.errors import DocumentRefused
from system.commands import directory_option
from system.console import plain_console
from system.files import read_document

_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(DEFAULT_DIRECTORY, "The cloud's")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


class EntryReport(msgspec.Struct, frozen=True):
    """One entry as `volet cloud catalogue list` shows it; `by` is a provider or a publisher's key."""

    number: int
    listed_on: date
    kind: str
    by: str
    name: str
    hash: str
    head: str


@click.group()
def catalogue() -> None:
    """The transparency log of offers, calendars and market series: nothing is ever taken off it."""


@catalogue.command()
@_dir
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
def add(directory: Path, files: tuple[Path, ...]) -> None:
    """Check signed documents and list them, in this order.

    Workers that run publish them by themselves. The same document again changes nothing.
    """
    documents = [(path, _read(path)) for path in files]
    with _listed(directory) as listed:
        for path, signed in documents:
            try:
                entry = listed.add(signed, legal_day(datetime.now(UTC)))
            except DocumentRefused as exc:
                raise DocumentRefused(f"{path}: {exc}") from exc
            click.echo(f"Lists the {entry.kind} {entry.hash.hex()} as entry {entry.number}.")


@catalogue.command("list")
@_dir
@_json
def list_entries(directory: Path, *, is_json: bool) -> None:
    """List what is listed, in order, and the head: one hash for everyone."""
    with _listed(directory) as listed:
        entries = [_entry(listed, entry) for entry in listed.entries]
    head = entries[-1].head if entries else None
    if is_json:
        click.echo(msgspec.json.encode({"head": head, "entries": entries}))
        return
    table = Table("", "listed on", "kind", "by", "name", "hash")
    for each in entries:
        by = each.by if each.kind == "Offer" else f"{each.by[:16]}…"
        table.add_row(
            str(each.number),
            str(each.listed_on),
            each.kind,
            by,
            each.name,
            f"{each.hash[:16]}…",
        )
    plain_console().print(table)
    click.echo(f"Head {head}" if head else "Nothing is listed yet.")


@catalogue.command()
@_dir
@click.argument("prefix", metavar="HASH")
def show(directory: Path, prefix: str) -> None:
    """Print a listed document as JSON; HASH may be its first characters."""
    with _listed(directory) as listed:
        hashes = [e.hash for e in listed.entries if e.hash.hex().startswith(prefix.lower())]
        if len(hashes) != 1:
            raise DocumentRefused(
                f"{len(hashes)} listed documents begin with {prefix!r}; "
                "`volet cloud catalogue list --json` names them."
            )
        document = _document(listed, hashes[0])
    click.echo(msgspec.json.format(msgspec.json.encode(document)))


@contextmanager
def _listed(directory: Path) -> Iterator[OpenedLog]:
    with open_store(directory) as store:
        yield OpenedLog(store.catalogue)


def _read(path: Path) -> Signed:
    return parse_signed(read_document(path, "`volet provider offer` writes one."), str(path))


def _document(listed: OpenedLog, name: bytes) -> Document:
    document = listed.catalogue.document(name)
    if document is None:
        raise DocumentRefused(f"{name.hex()} is not listed.")
    return document


def _entry(listed: OpenedLog, entry: Entry) -> EntryReport:
    by, title = titles(listed.catalogue.document(entry.hash))
    return EntryReport(
        entry.number, entry.day, entry.kind, by, title, entry.hash.hex(), entry.head.hex()
    )
