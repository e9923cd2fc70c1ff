"""`volet provider batch`: request statements for many customers at once."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

import click
import msgspec

from protocol.errors import DocumentRefused
from protocol.provider_api import Batch, ContractFilter, Draft, Drafting, RequestState
from provider.backend import ProviderBackend
from provider.commands.options import (
    DAY,
    ProviderContext,
    all_contracts,
    at_backend,
    json_option,
)
from provider.service import sign_batch
from system.console import counted

# Number of statements of an existing batch whose days are compared with the requested ones.
_STATEMENTS_COMPARED = 20


@click.group()
def batch() -> None:
    """Statements for all customers, or those of an area, at once."""


@batch.command("create")
@at_backend
@click.argument("name", metavar="KEY")
@click.option("--from", "start", type=DAY, required=True, help="The first day.")
@click.option("--to", "end", type=DAY, required=True, help="The day after the last.")
@click.option("--area", default="", help="Only this IRIS, commune or département.")
@click.option("--without-missing", is_flag=True, help="Leave out days that are not stored yet.")
@json_option
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
    """Request statements for all accepted contracts, as a batch with the name KEY.

    After an interruption, repeat the command with the same KEY: nothing is requested twice.
    """
    batch = _batch_named(at.backend, name)
    drafting = Drafting(start.date(), end.date(), without_missing)
    if batch is not None:
        _check_same(at.backend, batch, drafting)
    else:
        drafts = _with_body(at.backend.drafts(ContractFilter(area, is_accepted=True), drafting))
        batch = at.backend.put_batch(name, sign_batch(at.key, name, drafting, drafts))
    _show(batch, is_json=is_json)


@batch.command("show")
@at_backend
@click.argument("name", metavar="KEY")
@json_option
def show_batch(at: ProviderContext, name: str, *, is_json: bool) -> None:
    """Show the progress of a batch, and why statements were refused."""
    batch = _batch_named(at.backend, name)
    if batch is None:
        raise DocumentRefused(f"There is no batch {name}; `volet provider batch create` makes one.")
    _show(batch, is_json=is_json)
    if not is_json and batch.refused:
        for item in at.backend.batch_items(batch.id, RequestState.REFUSED):
            click.echo(f"  {item.number}  contract {item.contract[:16]}…: {item.detail}")


def _batch_named(backend: ProviderBackend, name: str) -> Batch | None:
    return next((listed for listed in backend.batches() if listed.key == name), None)


def _with_body(drafts: Iterator[Draft]) -> Iterator[Draft]:
    """Yield the drafts that contain a request, and print a line for each of the others."""
    for draft in drafts:
        if draft.body:
            yield draft
        else:
            click.echo(f"Left out: contract {draft.contract[:16]}…: {draft.detail}", err=True)


def _check_same(backend: ProviderBackend, batch: Batch, drafting: Drafting) -> None:
    """Check by its first statements that a batch requests the days of `drafting`.

    A statement is for those of the days that its contract covers. One for all of them decides.

    Raises:
        DocumentRefused: the batch requests other days.
    """
    terms = {contract.contract: contract for contract in all_contracts(backend)}
    items = (item for state in RequestState for item in backend.batch_items(batch.id, state))
    for item in islice(items, _STATEMENTS_COMPARED):
        requested, contract = backend.statement(item.id), terms[item.contract]
        is_end = requested.end == drafting.end or (
            contract.end is not None and requested.end < drafting.end
        )
        if requested.start != max(drafting.start, contract.start) or not is_end:
            raise DocumentRefused(
                f"Batch {batch.key} asks for {requested.start} to {requested.end}, not for "
                f"{drafting.start} to {drafting.end}; choose another KEY for these days."
            )
        if (requested.start, requested.end) == (drafting.start, drafting.end):
            return


def _show(batch: Batch, *, is_json: bool) -> None:
    if is_json:
        click.echo(msgspec.json.encode(batch))
        return
    click.echo(
        f"Batch {batch.key}: {counted(batch.total, 'statement')}, {batch.pending} pending, "
        f"{batch.published} computed, {batch.seen} seen by a chip, {batch.refused} refused."
    )
