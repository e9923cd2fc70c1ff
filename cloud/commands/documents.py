"""`volet cloud documents`: draw up, sign and store the documents of the area lane."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import click
import msgspec
from rich.table import Table

from cloud.config import DEFAULT_DIRECTORY, load_config
from cloud.governance import documents as governance
from cloud.governance.replacing import measures_under, replaced_set
from cloud.registry.key_files import load_key_list, load_platform_key
from cloud.roster.registrar import read_public_key
from cloud.store import AreaStore
from cloud.store.sqlite.store import SqliteStore
from protocol.calendar import day_number, day_of_number, legal_day
from protocol.governance import COLLECTIVITY_SIGNER, NOTICE_DAYS, draw_up, fingerprint
from system.commands import Change, changing, directory_option
from system.console import plain_console
from system.files import make_private_dir, put_public, read_document
from system.shell import quoted

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_DAY = click.DateTime(["%Y-%m-%d"])
_dir = directory_option(DEFAULT_DIRECTORY, "The cloud's")


@click.group()
def documents() -> None:
    """The area lane's signed documents: the trustee sets and the measures."""


@documents.command()
@_dir
@click.option(
    "--trustee", "files", type=_FILE, multiple=True, required=True, help="A trustee's file; repeat."
)
@click.option(
    "--shape", default="3-of-4", show_default=True, help="3-of-4, 4-of-6, 2-of-3 or 2-of-2."
)
@click.option(
    "--registrar-key", type=_FILE, required=True, help="Key that `volet cloud roster init` wrote."
)
@click.option(
    "--effective", type=_DAY, help="First day. Default: today for the first set, else in 3 days."
)
@click.option("--out", type=_FILE, required=True)
@changing
def trustees(
    directory: Path,
    files: tuple[Path, ...],
    shape: str,
    registrar_key: Path,
    effective: datetime | None,
    out: Path,
) -> Change:
    """Draw up the next trustee set, in the order given, and sign it as the collectivity.

    Each of its trustees signs it too; then add it with `volet cloud documents add`.
    """
    config = load_config(directory)
    platform_key = load_platform_key(directory)
    named = [governance.read_trustee(path) for path in files]
    with _area(directory) as area:
        is_first = not governance.trustee_chain(area)
        start = (
            day_number(effective.date())
            if effective
            else day_number(legal_day(datetime.now(UTC))) + (0 if is_first else NOTICE_DAYS)
        )
        trustee_set = governance.next_set(
            area, config.collectivity, governance.parse_shape(shape), named, start
        )
    trustee_set = msgspec.structs.replace(
        trustee_set,
        collectivity_key=platform_key.public_key().public_bytes_raw(),
        registrar_key=read_public_key(registrar_key),
    )
    cosigned = draw_up(trustee_set).signed(COLLECTIVITY_SIGNER, platform_key)
    is_new = put_public(out, governance.cosigned_file(cosigned))
    click.echo(
        f"Wrote {out}: version {trustee_set.version}, fingerprint {fingerprint(cosigned)}.\n"
        "Next: each trustee signs a copy; add them all with "
        f"`volet cloud documents add --dir {quoted(directory)} {quoted(out)} …`."
    )
    return Change(is_new, {"fingerprint": fingerprint(cosigned), "version": trustee_set.version})


@documents.command()
@_dir
@click.argument("name", metavar="TRUSTEE")
@click.option("--by", type=_FILE, help="File of the trustee that takes its place.")
@click.option("--effective", type=_DAY, help="First day. Default: in 3 days.")
@click.option("--out", type=_FOLDER, required=True, help="Folder for set.json and measures.json.")
@changing
def replace(
    directory: Path, name: str, by: Path | None, effective: datetime | None, out: Path
) -> Change:
    """Draw up what puts TRUSTEE out: the next trustee set, and the measures under it.

    As many of the present trustees as open a sum must sign the set, so three of four put the fourth
    one out. Without --by, 3-of-4 becomes 2-of-3, and 2-of-3 becomes 2-of-2.
    """
    load_config(directory)
    platform_key = load_platform_key(directory)
    start = (
        day_number(effective.date())
        if effective
        else day_number(legal_day(datetime.now(UTC))) + NOTICE_DAYS
    )
    with _area(directory) as area:
        replacement = governance.read_trustee(by) if by else None
        trustee_set = msgspec.structs.replace(
            replaced_set(area, name, replacement, start),
            collectivity_key=platform_key.public_key().public_bytes_raw(),
        )
        cosigned = draw_up(trustee_set).signed(COLLECTIVITY_SIGNER, platform_key)
        measures = measures_under(area, cosigned, start)
    make_private_dir(out)
    is_new = put_public(out / "set.json", governance.cosigned_file(cosigned))
    files = [out / "set.json"]
    if measures is not None:
        signed = measures.signed(COLLECTIVITY_SIGNER, platform_key)
        is_new = put_public(out / "measures.json", governance.cosigned_file(signed)) or is_new
        files.append(out / "measures.json")
    shape = trustee_set.shape
    next_step = (
        "the other trustees sign copies of it; add it"
        if measures is None
        else "the other trustees sign copies of each; add the set, then the measures,"
    )
    click.echo(
        f"Wrote {' and '.join(map(str, files))}: {shape.threshold} of {shape.trustees}, without "
        f"{name}, from {day_of_number(trustee_set.effective)} on; fingerprint of the set "
        f"{fingerprint(cosigned)}.\n"
        f"Next: {next_step} with "
        f"`volet cloud documents add --dir {quoted(directory)} …`, and shut {name} out of the "
        f"broker with `volet cloud revoke {name} --dir {quoted(directory)}`."
    )
    return Change(is_new, {"fingerprint": fingerprint(cosigned)})


@documents.command()
@_dir
@click.argument("file", type=_FILE)
@click.option("--out", type=_FILE, help="Where to write it. Default: the same file.")
@changing
def sign(directory: Path, file: Path, out: Path | None) -> bool:
    """Sign a document as the collectivity."""
    load_config(directory)
    cosigned = governance.read_cosigned_file(file)
    signed = cosigned.signed(COLLECTIVITY_SIGNER, load_platform_key(directory))
    is_new = put_public(out or file, governance.cosigned_file(signed))
    click.echo(f"Signed the {cosigned.kind} {cosigned.hash.hex()[:16]}… in {out or file}.")
    return is_new


@documents.command()
@_dir
@click.argument("files", metavar="[FILE]...", nargs=-1, type=_FILE)
@click.option("--blob", "blobs", type=_FILE, multiple=True, help="A transform or model; repeat.")
@changing
def add(directory: Path, files: tuple[Path, ...], blobs: tuple[Path, ...]) -> bool:
    """Check and store a document, given as one file or as copies with different signatures.

    Running workers use it automatically, chips when they next ask.
    """
    config = load_config(directory)
    copies = [governance.read_cosigned_file(path) for path in files]
    data = [read_document(path, "ask who drew up the measures for it.") for path in blobs]
    if not copies and not data:
        raise click.UsageError("Name a document, or a file with --blob.")
    with _area(directory) as area:
        is_new = False
        for blob in data:
            is_new = area.blob(sha256(blob).digest()) is None or is_new
            click.echo(f"Keeps {area.put_blob(blob).hex()}.")
        if copies:
            before = area.cosigned(copies[0].hash)
            today = legal_day(datetime.now(UTC))
            cosigned = governance.add_document(
                area, copies, config.collectivity, today, load_key_list(directory).successors
            )
            is_new = cosigned != before or is_new
            click.echo(f"Keeps the {cosigned.kind} {fingerprint(cosigned)}.")
    return is_new


@documents.command("list")
@_dir
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def list_documents(directory: Path, *, is_json: bool) -> None:
    """List the stored documents: kind, version, first day, end and signers."""
    load_config(directory)
    with _area(directory) as area:
        documents = governance.listed(area)
    if is_json:
        click.echo(msgspec.json.encode(documents))
        return
    table = Table("document", "version", "from", "ends", "hash", "signed by")
    for document in documents:
        table.add_row(
            document.kind,
            str(document.version),
            str(document.effective),
            str(document.end or ""),
            f"{document.hash[:16]}…",
            ", ".join(document.signers),
        )
    plain_console().print(table)


@contextmanager
def _area(directory: Path) -> Iterator[AreaStore]:
    store = SqliteStore.open_existing(directory)
    try:
        yield store.area
    finally:
        store.close()
