"""`volet provider bill`: request a household's statement and wait for it."""

from datetime import datetime

import click

from protocol.provider_api import Drafting
from provider.commands.options import (
    DAY,
    ProviderContext,
    all_contracts,
    at_backend,
    json_option,
    one_contract,
)
from provider.commands.progress import report, wait_option
from provider.service import request_statement


@click.command()
@at_backend
@click.option("--contract", help="The contract's hash; needed if there are several.")
@click.option("--from", "start", type=DAY, required=True, help="The first day.")
@click.option("--to", "end", type=DAY, required=True, help="The day after the last.")
@click.option(
    "--without-missing",
    is_flag=True,
    help="Leave out the days that are not stored yet; a later statement bills them as late.",
)
@wait_option
@json_option
def bill(
    at: ProviderContext,
    contract: str | None,
    start: datetime,
    end: datetime,
    wait_s: float,
    *,
    without_missing: bool,
    is_json: bool,
) -> None:
    """Request a household's statement. It is computed encrypted, and only its chip can open it.

    It also bills days that earlier statements left out and that are stored by now, marked as late.
    """
    chosen = one_contract(contract, all_contracts(at.backend))
    drafting = Drafting(start.date(), end.date(), without_missing)
    request_id = request_statement(at.backend, at.key, chosen, drafting)
    report(at.backend, request_id, wait_s, is_json=is_json)
