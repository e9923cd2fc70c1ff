"""`volet provider …`: what an energy provider does, on the machine that holds the cloud's store."""

import time
from datetime import date, datetime
from pathlib import Path

import click
import msgspec

from cloud import provider as desk
from cloud.config import DEFAULT_DIRECTORY
from cloud.provider_area_cli import area
from cloud.store import RequestState, Store
from cloud.store.sqlite import SqliteStore
from protocol.errors import DocumentRefused
from system.commands import directory_option
from system.files import write_public

POLL_S = 0.2

_dir = directory_option(Path("/var/lib/volet-provider"), "The provider's")
_cloud = directory_option(DEFAULT_DIRECTORY, "The cloud's", name="cloud", parameter="cloud")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def provider() -> None:
    """An energy provider: offers, contracts, statements, figures of areas."""


provider.add_command(area)


@provider.command()
@_dir
def init(directory: Path) -> None:
    """Draw the provider's signing key."""
    if desk.draw_key(directory):
        click.echo(f"Drew {directory / desk.KEY}; keep a copy where nobody else reads it.")
    else:
        click.echo(f"{directory / desk.KEY} is there already; nothing was changed.")


@provider.command()
@_dir
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.argument("tariffs", nargs=-1, required=True, type=click.Path(path_type=Path))
def offer(directory: Path, out: Path, tariffs: tuple[Path, ...]) -> None:
    """Sign an offer of TARIFFS (JSON files) that households can take."""
    signed = desk.make_offer(
        desk.read_tariffs(tariffs), desk.load_key(directory), desk.load_sealing_key(directory)
    )
    write_public(out, msgspec.json.encode(signed))
    click.echo(f"Signed offer {signed.hash.hex()[:16]}… in {out}.")


@provider.command()
@_dir
@_cloud
@_json
def contracts(directory: Path, cloud: Path, *, is_json: bool) -> None:
    """List the contracts under this provider's key."""
    found = desk.own_contracts(_open_store(cloud), desk.load_key(directory))
    if is_json:
        rows = [{"contract": c.hash.hex(), "household_key": c.household_key.hex()} for c in found]
        click.echo(msgspec.json.encode({"contracts": rows}))
        return
    for contract in found:
        click.echo(f"{contract.hash.hex()}  household key {contract.household_key.hex()}")
    if not found:
        click.echo("No household has taken an offer yet.")


@provider.command()
@_dir
@_cloud
@click.argument("wanted", metavar="[CONTRACT]…", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="Accept every contract that waits.")
def accept(directory: Path, cloud: Path, wanted: tuple[str, ...], *, is_all: bool) -> None:
    """Accept the contracts that households have signed; no statement is computed before."""
    store, key = _open_store(cloud), desk.load_key(directory)
    waiting = [c.hash for c in desk.own_contracts(store, key) if c.acceptance is None]
    chosen = waiting if is_all else [_one_contract(prefix, waiting) for prefix in wanted]
    for contract_hash in chosen:
        desk.accept(store, key, contract_hash)
    click.echo(f"Accepted {len(chosen)} of {len(waiting)} contracts that waited.")


@provider.command()
@_dir
@_cloud
@click.option("--contract", help="The contract's hash; not needed where there is one only.")
@click.option("--from", "start", type=_DAY, required=True, help="The first day.")
@click.option("--to", "end", type=_DAY, required=True, help="The day after the last.")
@click.option(
    "--wait", "wait_s", type=click.FloatRange(0), default=60.0, show_default=True, help="Seconds."
)
@_json
def bill(
    directory: Path,
    cloud: Path,
    contract: str | None,
    start: datetime,
    end: datetime,
    wait_s: float,
    *,
    is_json: bool,
) -> None:
    """Ask for a household's statement; it is computed encrypted and opened by its chip alone."""
    store, key = _open_store(cloud), desk.load_key(directory)
    contract_hash = _one_contract(contract, [c.hash for c in desk.own_contracts(store, key)])
    request_id = desk.request_statement(store, key, contract_hash, start.date(), end.date())
    state = _wait(store, request_id, wait_s)
    click.echo(msgspec.json.encode(state) if is_json else _in_words(state))
    if state.state is RequestState.REFUSED:
        raise DocumentRefused(state.detail)


def _wait(store: Store, request_id: bytes, wait_s: float) -> desk.Progress:
    deadline = time.monotonic() + wait_s
    while True:
        state = desk.progress(store, request_id)
        is_over = state.state in {RequestState.SEEN, RequestState.REFUSED}
        if is_over or not time.monotonic() < deadline:  # also where it is no number
            return state
        time.sleep(POLL_S)


def _in_words(state: desk.Progress) -> str:
    last = date.fromordinal(state.end.toordinal() - 1)
    head = f"Statement {state.id[:16]}… for {state.start} to {last}: "
    if state.state is RequestState.PENDING:
        return head + (
            f"waiting for {state.missing_days} days that the chip has not sent yet."
            if state.missing_days
            else "waiting for the worker; is `volet cloud run` running?"
        )
    if state.state is RequestState.REFUSED:
        return head + "refused."
    values = f"{state.values} encrypted values ({8 * state.values} bytes) computed"
    if state.state is RequestState.SEEN:
        return head + f"{values}; the household's chip has it. Only that chip can open it."
    return head + f"{values} and published; the chip has not seen it yet."


def _one_contract(wanted: str | None, known: list[bytes]) -> bytes:
    if wanted is None and len(known) == 1:
        return known[0]
    if wanted is None:
        raise DocumentRefused(
            f"There are {len(known)} contracts; name one with --contract "
            "(`volet provider contracts` lists them)."
        )
    found = [contract for contract in known if contract.hex().startswith(wanted.lower())]
    if len(found) != 1:
        raise DocumentRefused(
            f"{len(found)} contracts begin with {wanted!r}; `volet provider contracts` lists them."
        )
    return found[0]


def _open_store(cloud: Path) -> Store:
    return SqliteStore.open(cloud, is_checked=False)
