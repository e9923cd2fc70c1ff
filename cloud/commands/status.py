"""`volet cloud status`: what the store holds, in counts, and which certificates end when."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.table import Table

from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY
from cloud.registry.renewal import lifetimes
from cloud.store import StoreFigures
from system.certificates import Lifetime
from system.commands import directory_option
from system.console import plain_console


class CloudStatus(StoreFigures, frozen=True, kw_only=True):
    """The store's figures, and from when until when the collectivity's certificates hold."""

    certificates: tuple[Lifetime, ...]


_DEVICES = "Each chip by its id: `volet cloud devices`."


@click.command()
@directory_option(DEFAULT_DIRECTORY, "The cloud's")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def status(directory: Path, *, is_json: bool) -> None:
    """Show devices, blocks, refused messages by reason, requests, and when certificates end.

    Counts only: nothing here says anything of a household. `volet cloud devices` lists each chip by
    its id. Exit codes: 0 shown, 2 wrong usage,
    5 configuration, 6 the store is damaged or of another version.
    """
    with open_store(directory) as store:
        figures = store.figures()
    certificates = lifetimes(directory)
    if is_json:
        known = msgspec.structs.asdict(figures)
        click.echo(msgspec.json.encode(CloudStatus(**known, certificates=certificates)))
        return
    table = Table(title=f"Store {figures.generation}", show_header=False, caption=_DEVICES)
    for name, value in _rows(figures):
        table.add_row(name, value)
    plain_console().print(table)
    plain_console().print(_ends(certificates, datetime.now(UTC)))


def _ends(certificates: tuple[Lifetime, ...], now: datetime) -> Table:
    """Lay out what ends when, the next one first."""
    table = Table("Certificate", "ends on", "days left", title="Certificates")
    for each in sorted(certificates, key=lambda each: each.not_after):
        days = each.days_left(now)
        table.add_row(each.name, f"{each.not_after:%Y-%m-%d}", "ended" if days < 0 else f"{days:,}")
    return table


def _rows(figures: StoreFigures) -> list[tuple[str, str]]:
    return [
        ("devices enrolled", f"{figures.devices:,}"),
        ("devices revoked", f"{figures.revoked:,}"),
        ("contracts", f"{figures.contracts:,}"),
        ("epoch headers", f"{figures.epochs:,}"),
        ("blocks", f"{figures.blocks:,}"),
        ("area contributions", f"{figures.contributions:,}"),
        ("households with seeds", f"{figures.seeds:,}"),
        ("roster entries", f"{figures.roster:,}"),
        *((f"documents {one.label}", f"{one.count:,}") for one in figures.documents),
        *((f"area figures {one.label}", f"{one.count:,}") for one in figures.area_figures),
        *((f"requests {one.label}", f"{one.count:,}") for one in figures.requests),
        *((f"refused: {one.label}", f"{one.count:,}") for one in figures.dead_letters),
        ("size", f"{figures.size_bytes / 1e6:,.1f} MB"),
    ]
