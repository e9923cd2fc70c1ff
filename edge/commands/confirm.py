"""`volet edge confirm`: a person says that an index is right, or that another meter is theirs."""

from pathlib import Path

import click

from edge.chip.config import DEFAULT_DIRECTORY
from edge.chip.confirming import Confirmation, leave_confirmation
from edge.commands.confirm_words import (
    ALREADY,
    DONE,
    MEANING,
    NOT_RUNNING,
    NOTHING,
    QUESTION,
    TAKEN_BACK,
    UNCHANGED,
    WAITS,
    in_words,
)
from edge.commands.household import HouseholdCommand, agrees, tell
from edge.language.choice import language
from edge.metering.unconfirmed import is_waiting, unconfirmed_in
from edge.vault.lock import is_in_use
from edge.vault.reader import read_vault
from system.commands import directory_option


@click.command(cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option("--yes", is_flag=True, help="Do not ask.")
def confirm(directory: Path, *, yes: bool) -> None:
    """Show an index that the chip does not believe, or another meter, and confirm it.

    An index that fell, or rose by more than can have been used, stops billing until the old one
    goes on or a person says that the meter shows the new one. Another meter than the household's is
    set aside until a person says that it is theirs now, a contract names it, or it has been there
    for a day. Asks first. Until the chip has gone on, answering no takes back what was confirmed.
    """
    lang = language()
    with read_vault(directory) as vault:
        state = vault.values.state()
    found = None if state is None else unconfirmed_in(state)
    if state is None or found is None:
        tell(NOTHING[lang])
        return
    kind, word = type(found), Confirmation(directory)
    tell(in_words(found, lang))
    left = word.read()
    is_confirmed = left is not None and is_waiting(state, left)
    if is_confirmed:
        tell(ALREADY[lang])
    if not yes:
        tell(MEANING[lang][kind])
        if not agrees(QUESTION[lang][kind]):
            word.forget()
            tell(f"{(TAKEN_BACK if is_confirmed else UNCHANGED)[lang]} {WAITS[lang][kind]}")
            raise click.Abort
    leave_confirmation(directory, found)
    tell(DONE[lang][kind])
    if not is_in_use(directory):
        tell(NOT_RUNNING[lang])
