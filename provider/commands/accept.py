"""`volet provider accept`: accept contracts that households have signed."""

import click

from protocol.provider_api import ContractFilter
from provider.commands.options import ProviderContext, at_backend, one_contract
from provider.service import accept as accept_contract


@click.command()
@at_backend
@click.argument("wanted", metavar="[CONTRACT]…", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="Accept every contract that waits.")
def accept(at: ProviderContext, wanted: tuple[str, ...], *, is_all: bool) -> None:
    """Accept contracts that households have signed. No statement is computed before that."""
    waiting = list(at.backend.contracts(ContractFilter(is_accepted=False)))
    chosen = waiting if is_all else [one_contract(prefix, waiting) for prefix in wanted]
    for contract in chosen:
        accept_contract(at.backend, at.key, bytes.fromhex(contract.contract))
    click.echo(f"Accepted {len(chosen)} of {len(waiting)} contracts that waited.")
