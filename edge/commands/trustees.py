"""`volet edge trustees`: show and confirm the trustee set, and show the household's groups."""

from datetime import UTC, date, datetime
from pathlib import Path

import click
import msgspec

from edge.area.settings import change_choices, load_choices
from edge.area.trustees import known_trustees, proposed_sets
from edge.area.words import RISK, fork_in_words, group_in_words, risks_in_words, standing_in_words
from edge.commands.household import HouseholdCommand, echo, echo_translated
from edge.identity.enrolment import load_identity
from edge.language.choice import language
from edge.language.numbers import day_text
from edge.stage import DEFAULT_DIRECTORY
from edge.vault.reader import read_vault
from protocol.calendar import day_number, legal_day
from protocol.errors import DocumentRefused
from protocol.governance import fingerprint
from system.commands import directory_option

_directory = directory_option(DEFAULT_DIRECTORY, "The chip's")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


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
    if confirm is not None:
        with read_vault(directory) as vault:
            proposed = proposed_sets(vault, identity.collectivity)
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
        change_choices(directory, trustees=name)
        if load_choices(directory).is_on and not is_json:
            echo_translated(
                "From now on this home takes part in the figures of its area; `volet edge area off` "
                "ends it."
            )
    confirmed = load_choices(directory).trustees
    today = day_number(legal_day(datetime.now(UTC)))
    with read_vault(directory) as vault:
        known = known_trustees(vault, identity, confirmed, today)
    if is_json:
        click.echo(msgspec.json.encode(known))
        return
    if not known.sets:
        echo_translated(
            "No set of trustees has arrived yet; the chip asks for it when it is connected."
        )
    for report in known.sets:
        state = standing_in_words(report, language())
        echo_translated(f"Fingerprint   {report.fingerprint}   ({state})")
        day = day_text(date.fromisoformat(report.effective), language())
        echo_translated(f"To open       {report.shape}, from {day}")
        for name, title in report.trustees:
            echo(f"  {name:<28}{title}")
        first, second = risks_in_words(report, language())
        echo(f"{RISK[language()]:<14}{first}")
        echo(second)
    for fork in known.forks:
        echo(fork_in_words(fork, language()))
    for group in known.groups:
        echo(group_in_words(group, language()))


def _letters(text: str) -> str:
    return "".join(text.split()).upper()
