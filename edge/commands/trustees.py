"""`volet edge trustees`: the set that the household trusts, and its groups."""

from datetime import UTC, date, datetime
from pathlib import Path

import click
import msgspec

from edge.area.report import OwnGroup, own_groups
from edge.area.settings import change_choices, load_choices
from edge.area.trust import TRUSTEE_SET, first_set, trust_state
from edge.chip.config import DEFAULT_DIRECTORY
from edge.commands.household import HouseholdCommand, say, tell
from edge.identity.enrolment import Identity, load_identity, signer_of
from edge.language.choice import language
from edge.language.numbers import day_text
from edge.vault.reader import VaultReader, read_vault
from protocol.calendar import day_number, day_of_number, legal_day
from protocol.errors import DocumentRefused
from protocol.governance import CosignedDocument, TrusteeSet, fingerprint
from system.commands import directory_option

_directory = directory_option(DEFAULT_DIRECTORY, "The chip's")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


class TrusteesReport(msgspec.Struct, frozen=True):
    """A set of trustees as `volet edge trustees` shows it; `shape` as "3 of 4"."""

    hash: str
    fingerprint: str
    shape: str
    trustees: tuple[tuple[str, str], ...]
    effective: str
    is_confirmed: bool


@click.command(cls=HouseholdCommand)
@_directory
@click.option("--confirm", metavar="FINGERPRINT", help="Trust the set that has this fingerprint.")
@_json
def trustees(directory: Path, confirm: str | None, *, is_json: bool) -> None:
    """Show the first set of trustees, confirm it by its fingerprint; show how large your groups are.

    Compare the fingerprint with what each trustee publishes. Later sets need no confirmation: they
    are signed by the one before.
    """
    identity = load_identity(directory)
    with read_vault(directory) as vault:
        proposed = _proposed(vault, identity.collectivity)
    if confirm is not None:
        wanted = _letters(confirm)
        found = next((each for each, _ in proposed if _letters(fingerprint(each)) == wanted), None)
        if found is None:
            raise DocumentRefused(
                "No set of trustees with this fingerprint has arrived; `volet edge trustees` shows "
                "those that have. Do not confirm what you cannot compare."
            )
        name = found.hash.hex()
        change_choices(directory, lambda choices: msgspec.structs.replace(choices, trustees=name))
    confirmed = load_choices(directory).trustees
    reports = [_report(cosigned, each, confirmed) for cosigned, each in proposed]
    groups = _groups(directory, identity, confirmed)
    if is_json:
        click.echo(msgspec.json.encode({"sets": reports, "groups": groups}))
        return
    if not reports:
        say("No set of trustees has arrived yet; the chip asks for it when it is connected.")
    for report in reports:
        state = "confirmed" if report.is_confirmed else "NOT CONFIRMED: nothing is contributed"
        say(f"Fingerprint   {report.fingerprint}   ({state})")
        day = day_text(date.fromisoformat(report.effective), language())
        say(f"To open       {report.shape}, from {day}")
        for name, title in report.trustees:
            tell(f"  {name:<28}{title}")
    for group in groups:
        say(
            f"{group.measure:<14}{group.code}: {group.households} households, noise for "
            f"{group.crowd} of them, opened from {group.threshold} on"
        )


def _proposed(vault: VaultReader, collectivity: str) -> list[tuple[CosignedDocument, TrusteeSet]]:
    found = []
    for row in vault.area.documents():
        if row.kind == TRUSTEE_SET:
            try:
                found.append(first_set(row.data, collectivity))
            except DocumentRefused:
                continue  # one that follows another
    return found


def _groups(directory: Path, identity: Identity, confirmed: str) -> tuple[OwnGroup, ...]:
    with read_vault(directory) as vault:
        rows, entries = vault.area.documents(), vault.area.entries()
    trust = trust_state(rows, entries, bytes.fromhex(confirmed) or None, signer_of(identity))
    return own_groups(trust, day_number(legal_day(datetime.now(UTC))))


def _report(cosigned: CosignedDocument, each: TrusteeSet, confirmed: str) -> TrusteesReport:
    return TrusteesReport(
        hash=cosigned.hash.hex(),
        fingerprint=fingerprint(cosigned),
        shape=f"{each.shape.threshold} of {each.shape.trustees}",
        trustees=tuple((trustee.name, trustee.title) for trustee in each.trustees),
        effective=day_of_number(each.effective).isoformat(),
        is_confirmed=cosigned.hash.hex() == confirmed,
    )


def _letters(text: str) -> str:
    return "".join(text.split()).upper()
