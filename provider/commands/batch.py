"""`volet provider batch …`: statements for many customers at once."""

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

# Of a batch that exists already, so many statements are held against the days asked for.
_LOOKED_AT = 20


@click.group()
def batch() -> None:
    """Statements for all customers, or those of an area, in one go."""


@batch.command("create")
@at_backend
@click.argument("name", metavar="KEY")
@click.option("--from", "start", type=DAY, required=True, help="The first day.")
@click.option("--to", "end", type=DAY, required=True, help="The day after the last.")
@click.option("--area", default="", help="Only in this IRIS, commune or département.")
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
    """Ask for the statements of all accepted contracts under KEY, a name of your own.

    What was interrupted is begun again with the same KEY: nothing is asked twice.
    """
    found = _batch_named(at.backend, name)
    drafting = Drafting(start.date(), end.date(), without_missing)
    if found is not None:
        _check_same(at.backend, found, drafting)
    else:
        drafts = _with_body(at.backend.drafts(ContractFilter(area, is_accepted=True), drafting))
        found = at.backend.put_batch(name, sign_batch(at.key, name, drafting, drafts))
    _show(found, is_json=is_json)


@batch.command("show")
@at_backend
@click.argument("name", metavar="KEY")
@json_option
def show_batch(at: ProviderContext, name: str, *, is_json: bool) -> None:
    """Say how far a batch has come, and why statements were refused."""
    found = _batch_named(at.backend, name)
    if found is None:
        raise DocumentRefused(f"There is no batch {name}; `volet provider batch create` makes one.")
    _show(found, is_json=is_json)
    if not is_json and found.refused:
        for item in at.backend.batch_items(found.id, RequestState.REFUSED):
            click.echo(f"  {item.number}  contract {item.contract[:16]}…: {item.detail}")


def _batch_named(backend: ProviderBackend, name: str) -> Batch | None:
    return next((each for each in backend.batches() if each.key == name), None)


def _with_body(drafts: Iterator[Draft]) -> Iterator[Draft]:
    """Pass on the drafts that hold a request, and name the others."""
    for draft in drafts:
        if draft.body:
            yield draft
        else:
            click.echo(f"Left out: contract {draft.contract[:16]}…: {draft.detail}", err=True)


def _check_same(backend: ProviderBackend, found: Batch, drafting: Drafting) -> None:
    """Check that a batch asks for the days of `drafting`, by the first statements of it.

    A statement holds the days that its contract covers of them; one of all days decides.

    Raises:
        DocumentRefused: it asks for others.
    """
    terms = {each.contract: each for each in all_contracts(backend)}
    items = (each for state in RequestState for each in backend.batch_items(found.id, state))
    for item in islice(items, _LOOKED_AT):
        asked, contract = backend.statement(item.id), terms[item.contract]
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


def _show(found: Batch, *, is_json: bool) -> None:
    if is_json:
        click.echo(msgspec.json.encode(found))
        return
    click.echo(
        f"Batch {found.key}: {found.total} statements, {found.pending} pending, "
        f"{found.published} computed, {found.seen} seen by a chip, {found.refused} refused."
    )
