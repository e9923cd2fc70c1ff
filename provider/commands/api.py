"""`volet provider batch`, `letter`, `publish`, `collect`, `key`: on the store here, or by the API.

The provider's key signs on this machine only; neither store nor API ever has it.
"""

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import wraps
from hashlib import sha256
from itertools import islice
from pathlib import Path

import click
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.api import shapes
from cloud.api.client import LocalBackend, ProviderBackend, connect
from cloud.api.provider import ContractFilter, Drafting
from cloud.config import DEFAULT_DIRECTORY
from cloud.store import RequestState
from cloud.store.sqlite.store import SqliteStore
from protocol.calendar import day_number, legal_day
from protocol.contract import Acceptance, Contract, Signed, StatementRequest, sign_document
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused, MessageRefused
from protocol.json_text import read_json
from protocol.letters import write_letter
from protocol.messages import STATEMENT_ID_BYTES
from provider.service import load_key
from system.commands import directory_option
from system.files import make_private_dir, read_document, read_secret, write_secret

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_DAY = click.DateTime(["%Y-%m-%d"])
_dir = directory_option(Path("/var/lib/volet-provider"), "The provider's")
_cloud = directory_option(DEFAULT_DIRECTORY, "The cloud's", name="cloud", parameter="cloud")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


# Of a batch that exists already, so many statements are held against the days asked for.
_LOOKED_AT = 20


class ProviderContext(msgspec.Struct, frozen=True):
    """Where the provider is served, and what it signs with."""

    counter: ProviderBackend
    key: Ed25519PrivateKey


def at_counter(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say where the provider is served, and `at`."""

    @_dir
    @_cloud
    @click.option("--api", "url", help="The API's https address, instead of the store here.")
    @click.option("--ca", type=_FILE, help="The collectivity's certificate; ca.pem in --dir.")
    @click.option("--token-file", type=_FILE, help="The token (0600); api.token in --dir.")
    @click.option("--certificate", type=_FILE, help="Instead of a token; its key beside it, .key.")
    @wraps(command)
    def opened(
        directory: Path,
        cloud: Path,
        url: str | None,
        ca: Path | None,
        token_file: Path | None,
        certificate: Path | None,
        **options: object,
    ) -> None:
        key = load_key(directory)
        if url is None:
            public = key.public_key().public_bytes_raw()
            counter: ProviderBackend = LocalBackend(SqliteStore.open_existing(cloud), public)
        else:
            token = "" if certificate else _token(token_file or directory / "api.token")
            pair = (certificate, certificate.with_suffix(".key")) if certificate else None
            counter = connect(url, ca or directory / "ca.pem", token, pair)
        try:
            command(at=ProviderContext(counter, key), **options)
        finally:
            counter.close()

    return opened


@click.command("key")
@_dir
def show_key(directory: Path) -> None:
    """Show the public key in hex, by which the collectivity registers the provider."""
    click.echo(load_key(directory).public_key().public_bytes_raw().hex())


@click.command()
@at_counter
@click.option("--area", default="", help="Only in this IRIS, commune or département.")
@_json
def contracts(at: ProviderContext, area: str, *, is_json: bool) -> None:
    """List the contracts under this provider's key, with their first day and the day they end."""
    found = list(at.counter.contracts(ContractFilter(area)))
    if is_json:
        click.echo(msgspec.json.encode({"contracts": found}))
        return
    for contract in found:
        waits = "" if contract.is_accepted else "  not accepted yet"
        until = "" if contract.end is None else f" until {contract.end}"
        click.echo(
            f"{contract.contract}  household key {contract.household_key}  "
            f"from {contract.start}{until}{waits}"
        )
    if not found:
        click.echo("No household has taken an offer yet.")


@click.command()
@at_counter
@click.argument("wanted", metavar="[CONTRACT]…", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="Accept every contract that waits.")
def accept(at: ProviderContext, wanted: tuple[str, ...], *, is_all: bool) -> None:
    """Accept the contracts that households have signed; no statement is computed before."""
    found = at.counter.contracts(ContractFilter(is_accepted=False))
    waiting = [bytes.fromhex(contract.contract) for contract in found]
    chosen = waiting if is_all else [one_contract(prefix, waiting) for prefix in wanted]
    for contract_hash in chosen:
        signed = sign_document(Acceptance(contract_hash), at.key)
        at.counter.accept(contract_hash.hex(), signed)
    click.echo(f"Accepted {len(chosen)} of {len(waiting)} contracts that waited.")


def one_contract(wanted: str | None, known: list[bytes]) -> bytes:
    """Return the contract that a prefix names (`9f3a`, `9f3a…`), or the only one.

    Raises:
        DocumentRefused: there are none or several.
    """
    if wanted is None and len(known) == 1:
        return known[0]
    if wanted is None:
        raise DocumentRefused(
            f"There are {len(known)} contracts; name one with --contract "
            "(`volet provider contracts` lists them)."
        )
    start = wanted.lower().rstrip("….")
    found = [contract for contract in known if contract.hex().startswith(start)]
    if len(found) != 1:
        raise DocumentRefused(
            f"{len(found)} contracts begin with {wanted!r}; `volet provider contracts` lists them."
        )
    return found[0]


@click.group()
def batch() -> None:
    """Statements for all customers, or those of an area, in one go."""


@batch.command("create")
@at_counter
@click.argument("name", metavar="KEY")
@click.option("--from", "start", type=_DAY, required=True, help="The first day.")
@click.option("--to", "end", type=_DAY, required=True, help="The day after the last.")
@click.option("--area", default="", help="Only in this IRIS, commune or département.")
@click.option("--without-missing", is_flag=True, help="Leave out days that are not stored yet.")
@_json
def create_batch(
    at: ProviderContext,
    name: str,
    start: datetime,
    end: datetime,
    area: str,
    *,
    without_missing: bool,
    is_json: bool,
) -> None:
    """Ask for the statements of all accepted contracts under KEY, a name of your own.

    What was interrupted is begun again with the same KEY: nothing is asked twice.
    """
    found = next((each for each in at.counter.batches() if each.key == name), None)
    drafting = Drafting(start.date(), end.date(), without_missing)
    if found is not None:
        _check_same(at.counter, found, drafting)
    else:
        drafts = at.counter.drafts(ContractFilter(area, is_accepted=True), drafting)
        found = at.counter.put_batch(name, _signed(at.key, name, drafting, drafts))
    _show(found, is_json=is_json)


@batch.command("show")
@at_counter
@click.argument("name", metavar="KEY")
@_json
def show_batch(at: ProviderContext, name: str, *, is_json: bool) -> None:
    """Say how far a batch has come, and why statements were refused."""
    found = next((each for each in at.counter.batches() if each.key == name), None)
    if found is None:
        raise DocumentRefused(f"There is no batch {name}; `volet provider batch create` makes one.")
    _show(found, is_json=is_json)
    if not is_json and found.refused:
        for item in at.counter.batch_items(found.id, "refused"):
            click.echo(f"  {item.number}  contract {item.contract[:16]}…: {item.detail}")


@click.command()
@at_counter
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=_FILE)
def publish(at: ProviderContext, files: tuple[Path, ...]) -> None:
    """List signed offers, calendars or series in public. Nothing is taken off the list again."""
    for path in files:
        data = read_document(path, "`volet provider offer` writes one.")
        try:
            signed = read_json(data, Signed)
        except msgspec.MsgspecError as exc:
            raise DocumentRefused(f"{path}: this is no signed document ({exc}).") from exc
        entry = at.counter.list_document(signed)
        click.echo(f"{path}: entry {entry.number}, {entry.kind} {entry.hash}")


@click.command()
@at_counter
@click.option("--out", type=_FOLDER, required=True, help="Where sealed receipts are kept.")
def collect(at: ProviderContext, out: Path) -> None:
    """Collect sealed receipts into a directory, then acknowledge them; again for those that come."""
    make_private_dir(out)
    total = 0
    while (page := at.counter.receipts()).receipts:
        for item in page.receipts:
            write_secret(out / f"{item.statement}.json", msgspec.json.encode(item))
        total += at.counter.acknowledge([item.statement for item in page.receipts])
    click.echo(f"Collected {total} receipts into {out}.")


@click.command()
@at_counter
@click.argument("contract")
@click.argument("text", type=_FILE)
def letter(at: ProviderContext, contract: str, text: Path) -> None:
    """Write TEXT (a file) to the household of CONTRACT; nobody between can read it."""
    known = [bytes.fromhex(each.contract) for each in at.counter.contracts(ContractFilter())]
    signed = at.counter.contract_document(one_contract(contract, known).hex())
    try:
        terms = decode_body(signed.body, Contract)
        words = read_document(text, "name a file with the letter's text.").decode()
    except (MessageRefused, UnicodeDecodeError) as exc:
        raise DocumentRefused(f"The contract or {text} cannot be read: {exc}.") from exc
    letter_id = secrets.token_bytes(STATEMENT_ID_BYTES)
    today = day_number(legal_day(datetime.now(UTC)))
    item = at.counter.write_letter(write_letter(words, letter_id, signed, terms, at.key, today))
    click.echo(f"Letter {item.id} is {item.state}; the household's chip shows it beside the bill.")


def _check_same(counter: ProviderBackend, found: shapes.Batch, drafting: Drafting) -> None:
    """Check that a batch asks for the days of `drafting`, by the first statements of it.

    A statement holds the days that its contract covers of them; one of all days decides.

    Raises:
        DocumentRefused: it asks for others.
    """
    terms = {each.contract: each for each in counter.contracts(ContractFilter())}
    items = (each for state in RequestState for each in counter.batch_items(found.id, state))
    for item in islice(items, _LOOKED_AT):
        asked, contract = counter.statement(item.id), terms[item.contract]
        is_end = asked.end == drafting.end or (
            contract.end is not None and asked.end < drafting.end
        )
        if asked.start != max(drafting.start, contract.start) or not is_end:
            raise DocumentRefused(
                f"Batch {found.key} asks for {asked.start} to {asked.end}, not for "
                f"{drafting.start} to {drafting.end}; choose another KEY for these days."
            )
        if (asked.start, asked.end) == (drafting.start, drafting.end):
            return


def _signed(
    key: Ed25519PrivateKey, name: str, drafting: Drafting, drafts: Iterator[shapes.Draft]
) -> Iterator[Signed]:
    """Check drafts against what was asked for, and sign them under ids that follow from the name."""
    for draft in drafts:
        if not draft.body:
            click.echo(f"Left out: contract {draft.contract[:16]}…: {draft.detail}", err=True)
            continue
        try:
            request = decode_body(shapes.bytes_of(draft.body), StatementRequest)
        except MessageRefused as exc:
            raise DocumentRefused(f"A draft is no request: {exc.detail}.") from exc
        if (
            request.contract.hex() != draft.contract
            or request.start < day_number(drafting.start)
            or request.end > day_number(drafting.end)
            or request.corrects is not None
        ):
            raise DocumentRefused("A draft asks for other than you did; nothing was signed.")
        seed = msgspec.msgpack.encode(("volet batch", name, request.contract))
        request_id = sha256(seed).digest()[:STATEMENT_ID_BYTES]
        yield sign_document(msgspec.structs.replace(request, id=request_id), key)


def _show(found: shapes.Batch, *, is_json: bool) -> None:
    if is_json:
        click.echo(msgspec.json.encode(found))
        return
    click.echo(
        f"Batch {found.key}: {found.total} statements, {found.pending} pending, "
        f"{found.published} computed, {found.seen} seen by a chip, {found.refused} refused."
    )


def _token(path: Path) -> str:
    token = read_secret(path, "put the token there, or name a file with --token-file.")
    return token.decode().strip()
