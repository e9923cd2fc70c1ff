"""`volet cloud status`: show counts of the store's contents, and the ends of certificates."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.table import Table

from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY, SET_ASIDE
from cloud.registry.renewal import lifetimes
from cloud.store import StoreFigures
from system.certificates import Lifetime
from system.commands import directory_option
from system.console import plain_console
from system.set_aside import read_set_aside


class CloudStatus(StoreFigures, frozen=True, kw_only=True):
    """The store's figures, the lifetimes of certificates, and the messages set aside."""

    set_aside: int
    certificates: tuple[Lifetime, ...]


_DEVICES = "Each chip by its id: `volet cloud devices`."


@click.command()
@directory_option(DEFAULT_DIRECTORY, "The cloud's")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def status(directory: Path, *, is_json: bool) -> None:
    """Show counts of devices, blocks, refusals by reason and requests, and certificates' ends.

    These are counts, which reveal nothing about a household. `volet cloud devices` lists each chip
    by its id. Exit codes: 0 shown, 2 wrong usage, 5 configuration, 6 the store is damaged or of
    another version.
    """
    with open_store(directory) as store:
        figures = store.figures()
    certificates = lifetimes(directory)
    paths = directory.glob(SET_ASIDE.format(program="*"))
    set_aside = sum(len(read_set_aside(path)) for path in paths)
    if is_json:
        known = msgspec.structs.asdict(figures)
        current = CloudStatus(**known, certificates=certificates, set_aside=set_aside)
        click.echo(msgspec.json.encode(current))
        return
    table = Table(title=f"Store {figures.generation}", show_header=False)
    for name, value in _rows(figures):
        table.add_row(name, value)
    table.add_row("messages set aside", f"{set_aside:,}")
    plain_console().print(table)
    click.echo(_DEVICES)  # as a caption it would break within the command
    plain_console().print(_ends(certificates, datetime.now(UTC)))


def _ends(certificates: tuple[Lifetime, ...], now: datetime) -> Table:
    """Return a table of certificates, the next to end first."""
    table = Table("Certificate", "ends on", "days left", title="Certificates")
    for certificate in sorted(certificates, key=lambda certificate: certificate.not_after):
        days = certificate.days_left(now)
        table.add_row(
            certificate.name,
            f"{certificate.not_after:%Y-%m-%d}",
            "ended" if days < 0 else f"{days:,}",
        )
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
        *((f"documents {count.label}", f"{count.count:,}") for count in figures.documents),
        *((f"area figures {count.label}", f"{count.count:,}") for count in figures.area_figures),
        *((f"requests {count.label}", f"{count.count:,}") for count in figures.requests),
        *((f"refused: {count.label}", f"{count.count:,}") for count in figures.dead_letters),
        ("version of the wire in use", str(figures.version)),
        *((_readers(count.label), f"{count.count:,}") for count in figures.chips_by_version),
        ("size", f"{figures.size_bytes / 1e6:,.1f} MB"),
    ]


def _readers(version: str) -> str:
    return f"chips that read version {version}" if version else "chips that were never heard"
