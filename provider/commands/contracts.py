"""`volet provider contracts`: the provider's customers."""

import click
import msgspec

from protocol.provider_api import ContractFilter
from provider.commands.options import ProviderContext, at_backend, json_option


@click.command()
@at_backend
@click.option("--area", default="", help="Only in this IRIS, commune or département.")
@json_option
def contracts(at: ProviderContext, area: str, *, is_json: bool) -> None:
    """List the contracts under this provider's key, with their first day and the day they end."""
    found = list(at.backend.contracts(ContractFilter(area)))
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
