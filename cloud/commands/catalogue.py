"""`volet cloud catalogue`: the transparency log of offers, calendars and market series."""

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
from protocol.catalogue import Entry
from protocol.contract import Signed, parse_signed
from protocol.errors import DocumentRefused
from protocol.listed import Document, titles
from system.commands import changing, directory_option
from system.console import plain_console
from system.files import read_document

_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(DEFAULT_DIRECTORY, "The cloud's")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


class EntryReport(msgspec.Struct, frozen=True):
    """An entry in `volet cloud catalogue list`; `by` is a provider or a publisher's key (hex)."""

    number: int
    listed_on: date
    kind: str
    by: str
    name: str
    hash: str
    head: str


@click.group()
def catalogue() -> None:
    """The transparency log of offers, calendars and market series. It only ever grows."""


@catalogue.command()
@_dir
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@changing
def add(directory: Path, files: tuple[Path, ...]) -> bool:
    """Check signed documents and add them to the log, in this order.

    Running workers publish them automatically. Adding a document again changes nothing.
    """
    documents = [(path, _read(path)) for path in files]
    with _open_log(directory) as log:
        before = len(log.entries)
        for path, signed in documents:
            try:
                entry = log.add(signed, legal_day(datetime.now(UTC)))
            except DocumentRefused as exc:
                raise DocumentRefused(f"{path}: {exc}") from exc
            click.echo(f"Lists the {entry.kind} {entry.hash.hex()} as entry {entry.number}.")
        return len(log.entries) > before


@catalogue.command("list")
@_dir
@_json
def list_entries(directory: Path, *, is_json: bool) -> None:
    """List the entries in order, and the head: a hash that is the same for everyone."""
    with _open_log(directory) as log:
        entries = [_entry(log, entry) for entry in log.entries]
    head = entries[-1].head if entries else None
    if is_json:
        click.echo(msgspec.json.encode({"head": head, "entries": entries}))
        return
    table = Table("", "listed on", "kind", "by", "name", "hash")
    for entry in entries:
        by = entry.by if entry.kind == "Offer" else f"{entry.by[:16]}…"
        table.add_row(
            str(entry.number),
            str(entry.listed_on),
            entry.kind,
            by,
            entry.name,
            f"{entry.hash[:16]}…",
        )
    plain_console().print(table)
    click.echo(f"Head {head}" if head else "Nothing is listed yet.")


@catalogue.command()
@_dir
@click.argument("prefix", metavar="HASH")
def show(directory: Path, prefix: str) -> None:
    """Print a listed document as JSON. HASH may be just its first characters."""
    with _open_log(directory) as log:
        hashes = [
            entry.hash for entry in log.entries if entry.hash.hex().startswith(prefix.lower())
        ]
        if len(hashes) != 1:
            raise DocumentRefused(
                f"{len(hashes)} listed documents begin with {prefix!r}; "
                "`volet cloud catalogue list --json` names them."
            )
        document = _document(log, hashes[0])
    click.echo(msgspec.json.format(msgspec.json.encode(document)))


@contextmanager
def _open_log(directory: Path) -> Iterator[OpenedLog]:
    with open_store(directory) as store:
        yield OpenedLog(store)


def _read(path: Path) -> Signed:
    return parse_signed(read_document(path, "`volet provider offer` writes one."), str(path))


def _document(log: OpenedLog, document_hash: bytes) -> Document:
    document = log.catalogue.document(document_hash)
    if document is None:
        raise DocumentRefused(f"{document_hash.hex()} is not listed.")
    return document


def _entry(log: OpenedLog, entry: Entry) -> EntryReport:
    by, title = titles(log.catalogue.listed(entry.hash))
    return EntryReport(
        entry.number, entry.day, entry.kind, by, title, entry.hash.hex(), entry.head.hex()
    )
