"""`volet edge confirm`: confirm that an index is right, or that another meter is the household's."""

from pathlib import Path

import click

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
from edge.commands.household import HouseholdCommand, agrees, echo
from edge.language.choice import language
from edge.metering.unconfirmed import is_waiting, unconfirmed_in
from edge.stage import DEFAULT_DIRECTORY
from edge.vault.lock import is_in_use
from edge.vault.reader import read_vault
from system.commands import directory_option


@click.command(cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option("--yes", is_flag=True, help="Do not ask.")
def confirm(directory: Path, *, yes: bool) -> None:
    """Show an index or a meter that the chip does not accept, and confirm it after asking.

    An index that fell, or rose by more than can have been used, stops billing until the old index
    continues or a person confirms that the meter shows the new one. A meter other than the
    household's is set aside until a person confirms that it is theirs now, a contract names it, or
    it has been connected for a day. Until the chip has acted on a confirmation, run the command
    again and answer no to withdraw it.
    """
    lang = language()
    with read_vault(directory) as vault:
        state = vault.values.state()
    unconfirmed = None if state is None else unconfirmed_in(state)
    if state is None or unconfirmed is None:
        echo(NOTHING[lang])
        return
    kind, confirmation = type(unconfirmed), Confirmation(directory)
    echo(in_words(unconfirmed, lang))
    confirmed = confirmation.read()
    is_confirmed = confirmed is not None and is_waiting(state, confirmed)
    if is_confirmed:
        echo(ALREADY[lang])
    if not yes:
        echo(MEANING[lang][kind])
        if not agrees(QUESTION[lang][kind]):
            confirmation.forget()
            echo(f"{(TAKEN_BACK if is_confirmed else UNCHANGED)[lang]} {WAITS[lang][kind]}")
            raise click.Abort
    leave_confirmation(directory, unconfirmed)
    echo(DONE[lang][kind])
    if not is_in_use(directory):
        echo(NOT_RUNNING[lang])
