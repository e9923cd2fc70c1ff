"""Reads the providers' private messages for the household."""

from pathlib import Path

from edge.contracts.agreement import load_agreement
from edge.contracts.former import agreements_of
from edge.identity.enrolment import Identity
from edge.letters.inbox import OpenedLetter, opened_letters
from edge.vault.reader import VaultReader


def read_letters(directory: Path, identity: Identity, vault: VaultReader) -> list[OpenedLetter]:
    """Return the messages that the chip in `directory` keeps, opened, newest first.

    Raises:
        ConfigError: a contract is damaged.
    """
    agreements = agreements_of(directory, load_agreement(directory))
    return opened_letters(vault.letters.all(), identity.household, agreements)
