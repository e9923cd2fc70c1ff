"""`volet edge trustees`: show and confirm the trustee set, and show the household's groups."""

from datetime import UTC, date, datetime
from pathlib import Path

import click
import msgspec

from edge.area.report import own_groups
from edge.area.settings import change_choices, load_choices
from edge.area.trust import FORK, TRUSTEE_SET, TrustState, first_set, trust_state
from edge.commands.household import HouseholdCommand, echo, echo_translated
from edge.identity.enrolment import Identity, load_identity, signer_of
from edge.identity.platform_keys import successors_of
from edge.language.choice import language
from edge.language.numbers import day_text
from edge.stage import DEFAULT_DIRECTORY
from edge.vault.reader import VaultReader, read_vault
from protocol.calendar import day_number, day_of_number, legal_day
from protocol.errors import DocumentRefused
from protocol.governance import CosignedDocument, TrusteeSet, fingerprint
from system.commands import directory_option

_directory = directory_option(DEFAULT_DIRECTORY, "The chip's")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


class TrusteesReport(msgspec.Struct, frozen=True):
    """A trustee set as `volet edge trustees` shows it; `shape` is a text such as "3 of 4".

    `is_later`: it is trusted because the set before it signed it.

    `threshold` trustees open one household's contribution with the collectivity, and so do
    `liars_for_two_sets` that lie.
    """

    hash: str
    fingerprint: str
    shape: str
    trustees: tuple[tuple[str, str], ...]
    effective: str
    is_confirmed: bool
    is_later: bool
    threshold: int
    liars_for_two_sets: int


@click.command(cls=HouseholdCommand)
@_directory
@click.option("--confirm", metavar="FINGERPRINT", help="Trust the set with this fingerprint.")
@_json
def trustees(directory: Path, confirm: str | None, *, is_json: bool) -> None:
    """Show the trustees and your groups, or confirm the first trustee set by its fingerprint.

    Compare the fingerprint with the one that each trustee publishes. Later sets need no
    confirmation, because each is signed by the set before it.
    """
    identity = load_identity(directory)
    with read_vault(directory) as vault:
        proposed = _proposed(vault, identity.collectivity)
    if confirm is not None:
        wanted = _letters(confirm)
        chosen = next(
            (document for document, _ in proposed if _letters(fingerprint(document)) == wanted),
            None,
        )
        if chosen is None:
            raise DocumentRefused(
                "No set of trustees with this fingerprint has arrived; `volet edge trustees` shows "
                "those that have. Do not confirm what you cannot compare."
            )
        name = chosen.hash.hex()
        change_choices(directory, lambda choices: msgspec.structs.replace(choices, trustees=name))
    confirmed = load_choices(directory).trustees
    trust = _trust(directory, identity, confirmed)
    reports = [
        *(_report(*each, each[1].effective, confirmed) for each in proposed),
        *(_report(each.cosigned, each.trustees, each.start, confirmed) for each in trust.sets[1:]),
    ]
    groups = own_groups(trust, day_number(legal_day(datetime.now(UTC))))
    forks = _forks(directory)
    if is_json:
        click.echo(msgspec.json.encode({"sets": reports, "groups": groups, "forks": forks}))
        return
    if not reports:
        echo_translated(
            "No set of trustees has arrived yet; the chip asks for it when it is connected."
        )
    for report in reports:
        state = "confirmed" if report.is_confirmed else "NOT CONFIRMED: nothing is contributed"
        if report.is_later:
            state = "signed by the set before it"
        echo_translated(f"Fingerprint   {report.fingerprint}   ({state})")
        day = day_text(date.fromisoformat(report.effective), language())
        echo_translated(f"To open       {report.shape}, from {day}")
        for name, title in report.trustees:
            echo(f"  {name:<28}{title}")
        _echo_risks(report.threshold, report.liars_for_two_sets)
    for fork in forks:
        echo_translated(
            f"Proof of a fork: document {fork} follows the same one as another document, and the "
            "trustees signed both; this chip goes on with the first."
        )
    for group in groups:
        echo_translated(
            f"{group.measure:<14}{group.code}: {group.households} households, noise for "
            f"{group.crowd} of them, opened from {group.threshold} on"
        )


def _proposed(vault: VaultReader, collectivity: str) -> list[tuple[CosignedDocument, TrusteeSet]]:
    sets = []
    for row in vault.area.documents():
        if row.kind == TRUSTEE_SET:
            try:
                sets.append(first_set(row.data, collectivity))
            except DocumentRefused:
                continue  # not a first set
    return sets


def _forks(directory: Path) -> tuple[str, ...]:
    with read_vault(directory) as vault:
        return tuple(row.hash.hex() for row in vault.area.documents() if row.kind == FORK)


def _trust(directory: Path, identity: Identity, confirmed: str) -> TrustState:
    with read_vault(directory) as vault:
        rows, entries = vault.area.documents(), vault.area.entries()
    return trust_state(
        rows,
        entries,
        bytes.fromhex(confirmed) or None,
        signer_of(identity),
        successors_of(identity.platform_key),
    )


def _report(
    document: CosignedDocument, trustee_set: TrusteeSet, start: int, confirmed: str
) -> TrusteesReport:
    is_later = trustee_set.previous is not None
    return TrusteesReport(
        hash=document.hash.hex(),
        fingerprint=fingerprint(document),
        shape=f"{trustee_set.shape.threshold} of {trustee_set.shape.trustees}",
        trustees=tuple((trustee.name, trustee.title) for trustee in trustee_set.trustees),
        effective=day_of_number(start).isoformat(),
        is_confirmed=is_later or document.hash.hex() == confirmed,
        is_later=is_later,
        threshold=trustee_set.shape.threshold,
        liars_for_two_sets=trustee_set.shape.liars_for_two_sets,
    )


def _echo_risks(threshold: int, liars: int) -> None:
    """Print what trustees could do to the household together with the collectivity."""
    echo_translated(
        f"Risk          {threshold} of them and the collectivity can open your contribution of a "
        "single day: not your readings, but with little noise."
    )
    echo_translated(
        f"If trustees lie, or give away the key with which they sign, it takes only {liars} of them. The "
        "logs of the others then convict the collectivity, and each of these liars, as soon as they are "
        "compared."
    )


def _letters(text: str) -> str:
    return "".join(text.split()).upper()
