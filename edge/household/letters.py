"""The providers' private messages, opened for the household."""

from pathlib import Path

from edge.bills.letters import read_letters
from edge.household.shown import LetterList, ReceivedLetter
from edge.identity.enrolment import load_identity
from edge.vault.reader import VaultReader

# A letter has up to 8 kB.
SHOWN = 60


def letters(directory: Path, vault: VaultReader) -> LetterList:
    """Return the messages that the chip in `directory` keeps.

    Raises:
        ConfigError: the directory lacks the household's keys, or a contract is damaged.
    """
    opened = read_letters(directory, load_identity(directory), vault)
    return LetterList(
        tuple(ReceivedLetter(each.provider, each.written_on, each.text) for each in opened[:SHOWN]),
        max(0, len(opened) - SHOWN),
    )
