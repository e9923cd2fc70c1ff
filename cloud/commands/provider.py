"""`volet cloud provider`: register and list the energy providers."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from cloud.api.access import check_name
from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY
from cloud.registry.enrolment import rivals_of
from cloud.store import Put
from cloud.store.names import check_title
from cloud.store.providers import Provider
from protocol.errors import DocumentRefused
from protocol.ids import public_key_text, read_public_key
from system.commands import changing, directory_option
from system.console import counted

_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


@click.group()
def provider() -> None:
    """The registered energy providers."""


@provider.command("add")
@_dir
@click.argument("name")
@click.option("--title", required=True, help="Its name for people; its offers bear exactly this.")
@click.option("--key", required=True, help="Its Ed25519 key; `volet provider key` shows it.")
@changing
def add(directory: Path, name: str, title: str, key: str) -> bool:
    """Register a provider by a short name, its name for people and its public key.

    Households see the title, so make sure whose key it is. A title that looks like another's is
    refused.
    """
    with open_store(directory) as store:
        registered = Provider(check_name(name), _key(key), check_title(title), datetime.now(UTC))
        put = store.providers.put_provider(registered)
        rivals = rivals_of(store, registered.title, registered.key)
    if not isinstance(put, Put):
        raise DocumentRefused(
            f"{name}, this key or a title that looks like {title} is another provider's already; "
            "`volet cloud provider list` shows them."
        )
    was = "registered" if put is Put.STORED else "registered already"
    click.echo(f"{name} is {was}. Next: `volet cloud api token create {name}`.")
    for rival in rivals:
        click.echo(
            f"{counted(rival.contracts, 'contract')} from before named {rival.title} with another key, "
            f"{public_key_text(rival.key)}: these offers are not its own. Tell the households, who "
            "make their requests anew with the provider's own offer."
        )
    return put is Put.STORED


@provider.command("list")
@_dir
@_json
def list_providers(directory: Path, *, is_json: bool) -> None:
    """List the registered providers, and whom contracts name that nobody has registered."""
    with open_store(directory) as store:
        providers, others = store.providers.providers(), store.providers.unregistered()
    if is_json:
        rows = [
            {"name": p.name, "title": p.title, "key": p.key, "since": p.since} for p in providers
        ]
        click.echo(msgspec.json.encode({"providers": rows, "unregistered": others}))
        return
    for listed in providers:
        click.echo(f"{listed.name}  {public_key_text(listed.key)}  {listed.title}")
    if not providers:
        click.echo("No provider is known.")
    for other in others:
        click.echo(
            f"Not registered: {public_key_text(other.key)}  {other.title}  "
            f"({counted(other.contracts, 'contract')})"
        )


def _key(text: str) -> bytes:
    key = read_public_key(text)
    if key is None:
        raise DocumentRefused("This is no public key; `volet provider key` shows the provider's.")
    return key
