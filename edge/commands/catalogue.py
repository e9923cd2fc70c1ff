"""`volet edge catalogue`: show this chip's copy of the transparency log."""

import sys
from datetime import date
from pathlib import Path

import click
import msgspec
from rich.table import Table

from edge.commands.household import HouseholdCommand, echo
from edge.contracts.catalogue import Copy
from edge.identity.enrolment import load_identity
from edge.language.choice import Lang, language
from edge.language.numbers import day_text, time_text
from edge.language.typography import bilingual
from edge.stage import DEFAULT_DIRECTORY
from edge.vault.catalogue import AlarmKind, LogAlarm
from edge.vault.reader import read_vault
from protocol.listed import titles
from system.commands import directory_option
from system.console import plain_console

EXIT_CONTRADICTED = 3

ALARM_WORDS = bilingual(
    fr={
        AlarmKind.FORKED: "! {at} : une liste SIGNÉE AUTREMENT a été montrée à ce boîtier (ligne {entry}). "
        "Tout le monde ne voit pas la même liste ; prévenez une association de consommateurs.",
        AlarmKind.SHRUNK: "! {at} : une liste PLUS COURTE a été montrée à ce boîtier (dès la ligne {entry}). "
        "On n'enlève jamais rien de la liste.",
    },
    en={
        AlarmKind.FORKED: "! {at}: a list with OTHER ENTRIES was shown to this chip (entry {entry}). Not "
        "everyone sees the same list; tell a consumers' association.",
        AlarmKind.SHRUNK: "! {at}: a SHORTER list was shown to this chip (from entry {entry} on). Nothing "
        "is ever taken off the list.",
    },
)
HEAD = bilingual(
    fr="Empreinte de la liste : {head}\nElle est la même pour tous ; comparez-la avec un voisin.",
    en="Head of the list: {head}\nIt is the same for everyone; compare it with a neighbour's.",
)
COLUMNS = bilingual(
    fr=("", "inscrit le", "nature", "fournisseur", "nom", "empreinte"),
    en=("", "listed on", "kind", "by", "name", "hash"),
)
NONE_YET = bilingual(
    fr="La liste n'est pas encore arrivée.",
    en="The list has not arrived yet.",
)
INCOMPLETE = bilingual(
    fr="{count} documents ne sont pas encore arrivés.",
    en="{count} documents have not arrived yet.",
)


class ListedDocument(msgspec.Struct, frozen=True):
    """An entry of the log.

    `by` is a provider or a publisher's key (hex); it is empty until the document has arrived.
    """

    number: int
    listed_on: date
    kind: str
    by: str
    name: str
    hash: str
    is_here: bool


class AlarmReport(msgspec.Struct, frozen=True):
    """A list that was shown to the chip and contradicts its copy."""

    at: str
    kind: AlarmKind
    entry: int


class CatalogueReport(msgspec.Struct, frozen=True):
    """The output of `volet edge catalogue --json`."""

    head: str | None
    missing: int
    entries: tuple[ListedDocument, ...]
    alarms: tuple[AlarmReport, ...]


@click.command(cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def catalogue(directory: Path, *, is_json: bool) -> None:
    """Show this chip's copy of the transparency log of offers, calendars and market series.

    Exit code 3: the chip was shown a list that contradicts its copy.
    """
    identity = load_identity(directory)
    with read_vault(directory) as vault:
        copy = Copy(vault, identity.collectivity, identity.platform_key)
        alarms = vault.catalogue.alarms()
    report = _report(copy, alarms)
    if is_json:
        click.echo(msgspec.json.encode(report))
    else:
        _print(report, alarms, language())
    if report.alarms:
        sys.exit(EXIT_CONTRADICTED)


def _report(copy: Copy, alarms: list[LogAlarm]) -> CatalogueReport:
    entries = []
    for entry in copy.entries:
        by, name = titles(copy.catalogue.listed(entry.hash))
        is_here = entry.hash in copy.catalogue
        entries.append(
            ListedDocument(entry.number, entry.day, entry.kind, by, name, entry.hash.hex(), is_here)
        )
    return CatalogueReport(
        copy.head.hex() if copy.head else None,
        len(copy.missing()),
        tuple(entries),
        tuple(
            AlarmReport(f"{alarm.at:%Y-%m-%d %H:%M}", alarm.kind, alarm.entry) for alarm in alarms
        ),
    )


def _print(report: CatalogueReport, alarms: list[LogAlarm], lang: Lang) -> None:
    for alarm in alarms:
        at = time_text(alarm.at, lang)
        echo(ALARM_WORDS[lang][alarm.kind].format(at=at, entry=alarm.entry))
    if report.head is None:
        echo(NONE_YET[lang])
        return
    table = Table(*COLUMNS[lang])
    for entry in report.entries:
        by = entry.by if entry.kind == "Offer" else f"{entry.by[:16]}…"
        table.add_row(
            str(entry.number),
            day_text(entry.listed_on, lang),
            entry.kind,
            by,
            entry.name,
            f"{entry.hash[:16]}…",
        )
    plain_console().print(table)
    if report.missing:
        echo(INCOMPLETE[lang].format(count=report.missing))
    echo(HEAD[lang].format(head=report.head))
