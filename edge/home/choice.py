"""Whether the household wants its smart home told: its own word, which no other household inherits.

The table [home] of edge.toml says where the broker is. It stays when a household is erased, and in a
chip that another one imports itself into, so it alone has nothing told.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from edge.home.record import FILE_NAME
from protocol.errors import ConfigError
from protocol.ids import HouseholdKeyId
from system.locks import take_lock
from system.patience import Patience, wait_until
from system.watched import OrderFile

# A chip that tells ends its session within this.
LETS_GO_WITHIN_S = 30.0
LOCK = f"{FILE_NAME}.lock"


class HomeChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The household that wants it told."""

    household: HouseholdKeyId


CHOICE = OrderFile("home-choice.json", HomeChoice, "type `volet edge home --on` again.")


def lock_telling(directory: Path) -> int | None:
    """Return a descriptor that keeps others from telling and forgetting; None while one does."""
    return take_lock(directory / LOCK, is_made=True)


@contextmanager
def hold_telling(directory: Path) -> Iterator[None]:
    """Keep a chip from telling the smart home; a running one is waited for, after it was told to end.

    Raises:
        ConfigError: it does not end, or another command is at it.
    """
    locks: list[int] = []

    def is_free() -> bool:
        if (lock := lock_telling(directory)) is not None:
            locks.append(lock)
        return bool(locks)

    if not wait_until(is_free, Patience(LETS_GO_WITHIN_S)):
        raise ConfigError(
            "The chip goes on with its smart home; stop the chip, then type the command again."
        )
    try:
        yield
    finally:
        os.close(locks[0])
