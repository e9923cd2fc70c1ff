"""Has the line of a household repeated that lives here, and of no other."""

from pathlib import Path

from edge.moving.transfer import departure_of
from edge.tic.repeater.choice import turn_on
from protocol.errors import DocumentRefused


def repeat_line(
    directory: Path,
    *,
    has_true_numbers: bool,
    port: int | None = None,
    address: str | None = None,
) -> None:
    """Have the line repeated; see `turn_on`.

    Raises:
        ConfigError: the present choice is damaged, or cannot be written.
        DocumentRefused: the household has left, or the address is not of a home's network.
        StoreError: the vault cannot be read.
    """
    check_lives_here(directory)
    turn_on(directory, has_true_numbers=has_true_numbers, port=port, address=address)


def check_lives_here(directory: Path) -> None:
    """Check that the household of the chip in `directory` has not left.

    Raises:
        DocumentRefused: it has.
        StoreError: the vault cannot be read.
    """
    if departure_of(directory) is not None:
        raise DocumentRefused(
            "This household has left, and its line is not repeated any more; nothing is to be done."
        )
