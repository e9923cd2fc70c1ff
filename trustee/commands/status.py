"""`volet trustee status`: show counts of what a trustee holds and has answered."""

from collections import Counter
from pathlib import Path

import click
import msgspec
from rich.table import Table

from protocol.area_messages import SeenHeads
from protocol.packed import read_packed
from system.certificates import Lifetime
from system.commands import directory_option
from system.console import plain_console
from system.set_aside import FILE_NAME as SET_ASIDE
from system.set_aside import read_set_aside
from trustee import directory as trustee_directory
from trustee.documents import CONFIRMED, WAITING, TrustedDocuments
from trustee.log import Alarm, Standing, TrusteeLog
from trustee.views import difference

_dir = directory_option(trustee_directory.DEFAULT_DIRECTORY, "The trustee's")


class TrusteeStatus(msgspec.Struct, frozen=True):
    """The output of `volet trustee status`: counts only, nothing of a single household."""

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
    set_aside: int
    alarms: tuple[Alarm, ...]
    forks: tuple[str, ...]
    views_differ: dict[str, int]
    certificates: tuple[Lifetime, ...]


@click.command()
@_dir
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def status(directory: Path, *, is_json: bool) -> None:
    """Show counts of documents, seeds, answers and refusals, and the alarms."""
    report = read_status(directory)
    if is_json:
        click.echo(msgspec.json.encode(report))
        return
    table = Table(title=f"{report.name} of {report.collectivity}", show_header=False)
    for name, value in msgspec.structs.asdict(report).items():
        if isinstance(value, dict):
            for key, count in value.items():
                table.add_row(f"{name} {key}", str(count))
        elif not isinstance(value, tuple):
            table.add_row(name, str(value))
    for lifetime in report.certificates:
        table.add_row(f"certificate {lifetime.name} ends", f"{lifetime.not_after:%Y-%m-%d}")
    for alarm in report.alarms:
        table.add_row(
            "ALARM",
            f"{alarm.offence} by {alarm.offender}: {alarm.measure} {alarm.group} {alarm.day}",
        )
    for fork in report.forks:
        table.add_row("FORK", f"{fork}: signed beside another that follows the same document")
    plain_console().print(table)


def _differing(trustee_log: TrusteeLog, documents: TrustedDocuments) -> dict[str, int]:
    """Count the households whose latest key shares name a view that is not this trustee's."""
    latest = {seeds.household_key: seeds.seen for seeds in trustee_log.seeds()}
    views = (difference(read_packed(seen, SeenHeads), documents) for seen in latest.values())
    return dict(Counter(view.value for view in views if view is not None))


def read_status(directory: Path) -> TrusteeStatus:
    """Count what a trustee's database holds.

    Raises:
        ConfigError: the directory lacks a file.
        StoreError: the database is damaged.
    """
    config = trustee_directory.load_config(directory)
    trustee_log = trustee_directory.open_existing_log(directory)
    try:
        counters = trustee_log.counters()
        documents = TrustedDocuments(trustee_log, config.collectivity)
        return TrusteeStatus(
            name=config.name,
            collectivity=config.collectivity,
            confirmed=(trustee_log.fact(CONFIRMED) or b"").decode(),
            waiting="" if documents.trustees else (trustee_log.fact(WAITING) or b"").decode(),
            documents=len(documents.hashes),
            roster=len(documents.roster),
            households=len({seeds.household_key for seeds in trustee_log.seeds()}),
            answered=trustee_log.holding(config.name).length,
            others={
                holding.trustee: holding.length
                for holding in trustee_log.holdings()
                if holding.trustee != config.name
            },
            refused={
                name.removeprefix("refused_"): count
                for name, count in counters.items()
                if name.startswith("refused_")
            },
            set_aside=len(read_set_aside(directory / SET_ASIDE)),
            alarms=tuple(trustee_log.alarms()),
            forks=tuple(
                f"{fork.kind} {fork.hash.hex()}" for fork in trustee_log.documents(Standing.FORK)
            ),
            views_differ=_differing(trustee_log, documents),
            certificates=trustee_directory.lifetimes(directory),
        )
    finally:
        trustee_log.close()
