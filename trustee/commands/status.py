"""`volet trustee status`: show counts of what a trustee holds and has answered."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import click
import msgspec
from rich.table import Table

from protocol.area_messages import SeenHeads
from protocol.calendar import day_of_number
from protocol.governance import fingerprint
from protocol.packed import read_packed
from protocol.seeds import closing_day
from system.certificates import Lifetime
from system.commands import directory_option
from system.console import plain_console
from system.set_aside import FILE_NAME as SET_ASIDE
from system.set_aside import read_set_aside
from trustee import directory as trustee_directory
from trustee.days import today_number
from trustee.documents import CONFIRMED, WAITING, TrustedDocuments
from trustee.log import Alarm, Standing, TrusteeLog
from trustee.views import difference

_dir = directory_option(trustee_directory.DEFAULT_DIRECTORY, "The trustee's")


class SetStatus(msgspec.Struct, frozen=True):
    """A trustee set that is in force, or announced; `shape` is a text such as "3 of 4"."""

    version: int
    fingerprint: str
    shape: str
    effective: date
    is_in_force: bool


class SealingKeyStatus(msgspec.Struct, frozen=True):
    """A month whose sealing key is here.

    `closes_on` is the day on which key and seeds are deleted; None without measures, whose deadline
    sets it.
    """

    month: str
    closes_on: date | None


class TrusteeStatus(msgspec.Struct, frozen=True):
    """The output of `volet trustee status`: counts only, nothing of a single household.

    Months before `closed_before` are closed: their sealing keys are deleted, and seeds lead forward
    only. It is empty before the first start.
    """

    name: str
    collectivity: str
    confirmed: str
    waiting: str
    sets: tuple[SetStatus, ...]
    documents: int
    roster: int
    households: int
    sealing_keys: tuple[SealingKeyStatus, ...]
    closed_before: str
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
    """Show trustee sets, sealing keys and alarms, and counts of the rest.

    A set is shown from its announcement until another one is in force and no measures name it. A
    month's sealing key and seeds are deleted when the month is closed.
    """
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
    _add_sets_and_keys(table, report)
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


def _add_sets_and_keys(table: Table, report: TrusteeStatus) -> None:
    for each in report.sets:
        state = "in force from" if each.is_in_force else "announced, from"
        table.add_row(
            f"set {each.version}", f"{each.fingerprint}, {each.shape}, {state} {each.effective}"
        )
    today = day_of_number(today_number())
    for key in report.sealing_keys:
        table.add_row(f"sealing key {key.month}", _key_text(key, today))


def _key_text(key: SealingKeyStatus, today: date) -> str:
    if key.closes_on is None:
        return "there; no measures yet say how long"
    if key.closes_on <= today:
        return f"was to be deleted on {key.closes_on}; it is once the trustee runs"
    return f"there until {key.closes_on}"


def _sets(documents: TrustedDocuments, today: int) -> tuple[SetStatus, ...]:
    """Return the newest set that has begun, those after it, and the one of today's measures."""
    known = documents.cosigned_sets
    begun = [number for number, (_, each) in enumerate(known) if each.effective <= today]
    measures = documents.measures_on(today)
    return tuple(
        SetStatus(
            version=each.version,
            fingerprint=fingerprint(cosigned),
            shape=f"{each.shape.threshold} of {each.shape.trustees}",
            effective=day_of_number(each.effective),
            is_in_force=each.effective <= today,
        )
        for number, (cosigned, each) in enumerate(known)
        if number >= max(begun, default=0)
        or (measures is not None and measures[1].trustees == cosigned.hash)
    )


def _sealing_keys(months: Iterable[int], documents: TrustedDocuments) -> list[SealingKeyStatus]:
    has_measures = documents.begins is not None
    return [
        SealingKeyStatus(
            f"{day_of_number(month):%Y-%m}",
            day_of_number(closing_day(month, documents.deadline_h)) if has_measures else None,
        )
        for month in months
    ]


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
        sealing_keys = _sealing_keys(sorted(trustee_log.sealing_keys()), documents)
        return TrusteeStatus(
            name=config.name,
            collectivity=config.collectivity,
            confirmed=(trustee_log.fact(CONFIRMED) or b"").decode(),
            waiting="" if documents.trustees else (trustee_log.fact(WAITING) or b"").decode(),
            sets=_sets(documents, today_number()),
            documents=len(documents.hashes),
            roster=len(documents.roster),
            households=len({seeds.household_key for seeds in trustee_log.seeds()}),
            sealing_keys=tuple(sealing_keys),
            closed_before=sealing_keys[0].month if sealing_keys else "",
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
