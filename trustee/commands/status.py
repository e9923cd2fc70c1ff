"""`volet trustee status`: what a trustee holds and has answered, in counts."""

from pathlib import Path

import click
import msgspec
from rich.table import Table

from system.certificates import Lifetime
from system.commands import directory_option
from system.console import plain_console
from trustee import directory as places
from trustee.documents import CONFIRMED, WAITING, TrustedDocuments
from trustee.log import Alarm

_dir = directory_option(places.DEFAULT_DIRECTORY, "The trustee's")


class TrusteeStatus(msgspec.Struct, frozen=True):
    """What `volet trustee status` shows: counts, never a household."""

    name: str
    collectivity: str
    confirmed: str
    waiting: str
    documents: int
    roster: int
    households: int
    answered: int
    others: dict[str, int]
    refused: dict[str, int]
    alarms: tuple[Alarm, ...]
    certificates: tuple[Lifetime, ...]


@click.command()
@_dir
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def status(directory: Path, *, is_json: bool) -> None:
    """Show documents, seeds, answers, refusals and alarms, in counts."""
    found = read_status(directory)
    if is_json:
        click.echo(msgspec.json.encode(found))
        return
    table = Table(title=f"{found.name} of {found.collectivity}", show_header=False)
    for name, value in msgspec.structs.asdict(found).items():
        if isinstance(value, dict):
            for what, count in value.items():
                table.add_row(f"{name} {what}", str(count))
        elif not isinstance(value, tuple):
            table.add_row(name, str(value))
    for each in found.certificates:
        table.add_row(f"certificate {each.name} ends", f"{each.not_after:%Y-%m-%d}")
    for alarm in found.alarms:
        table.add_row(
            "ALARM", f"{alarm.kind} {alarm.measure} {alarm.group} {alarm.day}: {alarm.trustees}"
        )
    plain_console().print(table)


def read_status(directory: Path) -> TrusteeStatus:
    """Read what a trustee's database holds, in counts.

    Raises:
        ConfigError, StoreError: the directory lacks something, or the database is damaged.
    """
    config = places.load_config(directory)
    kept = places.open_existing_log(directory)
    try:
        counters = kept.counters()
        documents = TrustedDocuments(kept, config.collectivity)
        return TrusteeStatus(
            name=config.name,
            collectivity=config.collectivity,
            confirmed=(kept.fact(CONFIRMED) or b"").decode(),
            waiting="" if documents.trustees else (kept.fact(WAITING) or b"").decode(),
            documents=len(documents.hashes),
            roster=len(documents.roster),
            households=len({each.household_key for each in kept.seeds()}),
            answered=kept.holding(config.name).length,
            others={
                each.trustee: each.length for each in kept.holdings() if each.trustee != config.name
            },
            refused={
                name.removeprefix("refused_"): count
                for name, count in counters.items()
                if name.startswith("refused_")
            },
            alarms=tuple(kept.alarms()),
            certificates=places.lifetimes(directory),
        )
    finally:
        kept.close()
