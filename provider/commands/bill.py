"""`volet provider bill`: a household's statement asked for, and watched."""

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
@click.option("--contract", help="The contract's hash; not needed where there is one only.")
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
    """Ask for a household's statement; it is computed encrypted and opened by its chip alone.

    Days that earlier statements left out are billed with it, named as late, once they are stored.
    """
    chosen = one_contract(contract, all_contracts(at.backend))
    drafting = Drafting(start.date(), end.date(), without_missing)
    request_id = request_statement(at.backend, at.key, chosen, drafting)
    report(at.backend, request_id, wait_s, is_json=is_json)
