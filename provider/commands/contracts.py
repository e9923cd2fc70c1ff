"""`volet provider contracts`: list the provider's contracts."""

import click
import msgspec

from protocol.provider_api import ContractFilter
from provider.commands.options import ProviderContext, at_backend, json_option


@click.command()
@at_backend
@click.option("--area", default="", help="Only this IRIS, commune or département.")
@json_option
def contracts(at: ProviderContext, area: str, *, is_json: bool) -> None:
    """List the contracts under this provider's key, with their first day and their end."""
    listed = list(at.backend.contracts(ContractFilter(area)))
    if is_json:
        click.echo(msgspec.json.encode({"contracts": listed}))
        return
    for contract in listed:
        waits = "" if contract.is_accepted else "  not accepted yet"
        until = "" if contract.end is None else f" until {contract.end}"
        click.echo(
            f"{contract.contract}  household key {contract.household_key}  "
            f"from {contract.start}{until}{waits}"
        )
    if not listed:
        click.echo("No household has taken an offer yet.")
