"""`volet provider …`: what an energy provider does, on the machine that holds the cloud's store."""

from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.billing.progress import Progress, progress
from cloud.config import DEFAULT_DIRECTORY
from cloud.store import RequestState, Store
from cloud.store.sqlite.store import SqliteStore
from protocol.errors import DocumentRefused
from provider import service as desk
from provider.commands.api import (
    accept,
    batch,
    collect,
    contracts,
    letter,
    one_contract,
    publish,
    show_key,
)
from provider.commands.area import area
from provider.commands.receipts import receipts
from provider.commands.tariff import tariff
from provider.directory import backup, backup_key, restore
from system.commands import directory_option
from system.files import write_public
from system.patience import Patience, wait_until

WAITS_FOR = {
    "": "waiting for the worker; is `volet cloud run` running?",
    "acceptance": "waiting for the contract to be accepted; see `volet provider accept`.",
    "device": "waiting for a chip that speaks for the household.",
    "schedule": "waiting for a calendar or market series that is not listed yet.",
}

_dir = directory_option(desk.DEFAULT_DIRECTORY, "The provider's")
_cloud = directory_option(DEFAULT_DIRECTORY, "The cloud's", name="cloud", parameter="cloud")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def provider() -> None:
    """An energy provider: offers, contracts, statements, figures of areas."""


provider.add_command(area)
provider.add_command(receipts)
provider.add_command(tariff)
for _command in (
    *(contracts, accept, batch, publish, collect, letter, show_key),
    *(backup, restore, backup_key),
):
    provider.add_command(_command)


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


class _StoreContext(NamedTuple):
    """The cloud's store and the provider's key."""

    store: Store
    key: Ed25519PrivateKey


def _at_desk(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say where store and key are, and `at`, the two opened."""

    @_dir
    @_cloud
    @wraps(command)
    def opened(directory: Path, cloud: Path, **options: object) -> None:
        command(at=_StoreContext(_open_store(cloud), desk.load_key(directory)), **options)

    return opened


_wait_option = click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    help="Stop watching when nothing has moved for so many seconds.",
)


@provider.command()
@_at_desk
@click.option("--contract", help="The contract's hash; not needed where there is one only.")
@click.option("--from", "start", type=_DAY, required=True, help="The first day.")
@click.option("--to", "end", type=_DAY, required=True, help="The day after the last.")
@click.option(
    "--without-missing",
    is_flag=True,
    help="Leave out the days that are not stored yet; a later statement bills them as late.",
)
@_wait_option
@_json
def bill(
    at: _StoreContext,
    contract: str | None,
    start: datetime,
    end: datetime,
    wait_s: float,
    *,
    without_missing: bool,
    is_json: bool,
) -> None:
    """Ask for a household's statement; it is computed encrypted and opened by its chip alone.

    Days that earlier statements left out are billed with it, named as late, once they are stored.
    """
    contract_hash = one_contract(contract, [c.hash for c in desk.own_contracts(*at)])
    request_id = desk.request_statement(
        *at, contract_hash, start.date(), end.date(), without_missing=without_missing
    )
    _report(at.store, request_id, wait_s, is_json=is_json)


@provider.command()
@_at_desk
@click.argument("statement")
@_wait_option
@_json
def correct(at: _StoreContext, statement: str, wait_s: float, *, is_json: bool) -> None:
    """Ask for a statement that replaces STATEMENT (its id), once, by the latest listed offer.

    The same days are billed again; the household's chip shows what the correction changes.
    """
    request_id = desk.request_correction(*at, _statement_id(statement))
    _report(at.store, request_id, wait_s, is_json=is_json)


def _report(store: Store, request_id: bytes, wait_s: float, *, is_json: bool) -> None:
    state = _wait(store, request_id, wait_s)
    click.echo(msgspec.json.encode(state) if is_json else _in_words(state))
    if state.state is RequestState.REFUSED:
        raise DocumentRefused(state.detail)


def _wait(store: Store, request_id: bytes, wait_s: float) -> Progress:
    def state() -> Progress:
        return progress(store, request_id)

    over = {RequestState.SEEN, RequestState.REFUSED}
    wait_until(lambda: state().state in over, Patience(wait_s), state)
    return state()


def _in_words(state: Progress) -> str:
    last = date.fromordinal(state.end.toordinal() - 1)
    head = f"Statement {state.id[:16]}… for {state.start} to {last}: "
    head += f"{state.late} late days billed with it; " if state.late else ""
    head += f"{state.left_out} days left out and owed; " if state.left_out else ""
    if state.state is RequestState.PENDING:
        days = f"waiting for {state.missing_days} days that the chip has not sent yet."
        return head + (days if state.missing_days else WAITS_FOR[state.waits_for])
    if state.state is RequestState.REFUSED:
        return head + "refused."
    values = f"{state.values} encrypted values ({8 * state.values} bytes) computed"
    if state.state is RequestState.SEEN:
        return head + f"{values}; the household's chip has it. Only that chip can open it."
    return head + f"{values} and published; the chip has not seen it yet."


def _statement_id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as exc:
        raise DocumentRefused(f"{text} is no statement's id; `--json` prints it in full.") from exc


def _open_store(cloud: Path) -> Store:
    return SqliteStore.open_existing(cloud)
