"""`volet edge move-out`: close and send the household's last day on this chip."""

from datetime import UTC, date, datetime
from pathlib import Path

import click

from edge.commands.household import HouseholdCommand, confirm, echo
from edge.contracts.former import former_agreements
from edge.contracts.signed import load_contract
from edge.identity.enrolment import load_identity
from edge.language.choice import language
from edge.language.numbers import day_text
from edge.moving.departure import ORDER, leave_order
from edge.moving.transfer import departure_of, left_to_send
from edge.moving.words import (
    BEGINS_LATER,
    BILL,
    CANCELLED,
    MOVE_OUT,
    MOVED_OUT,
    MOVING_OUT,
    NOT_ORDERED,
    NOT_RUNNING,
    REVOKED,
    TOO_LATE,
    WAITING,
)
from edge.stage import DEFAULT_DIRECTORY
from edge.status.presence import StatusFile
from edge.vault.lock import is_in_use
from protocol.calendar import legal_day
from protocol.errors import ConfigError
from system.commands import directory_option
from system.patience import Patience, wait_until
from system.shell import quoted

_dir = directory_option(DEFAULT_DIRECTORY, "The chip's")


@click.command("move-out", cls=HouseholdCommand)
@_dir
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0),
    default=600.0,
    show_default=True,
    help="Stop waiting after so many seconds without progress; the chip continues.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--cancel", "is_cancelled", is_flag=True, help="Withdraw the order, while the day is open."
)
def move_out(directory: Path, wait_s: float, *, yes: bool, is_cancelled: bool) -> None:
    """Move this household out: close the day now, send everything and end its contracts.

    The command asks first, then leaves the order for the running chip and waits. The chip carries
    it out with its next valid reading. The order holds until it is carried out or withdrawn
    (--cancel). Afterwards this chip meters nothing more for this household.
    """
    load_identity(directory)
    if is_cancelled:
        _cancel(directory)
        return
    if departure_of(directory) is None and StatusFile(directory).read().revoked_at is not None:
        raise ConfigError(REVOKED[language()])
    if departure_of(directory) is None and ORDER.read(directory) is None:
        _warn_if_contract_begins_later(directory)
        if not yes:
            echo(MOVING_OUT[language()])
            confirm(MOVE_OUT[language()])
        leave_order(directory, datetime.now(UTC))

    def is_confirmed() -> bool:
        departure = departure_of(directory)
        return departure is not None and departure.is_told

    is_over = wait_until(is_confirmed, Patience(wait_s), lambda: left_to_send(directory))
    departure = departure_of(directory)
    if departure is None or not is_over:
        raise ConfigError(
            WAITING[language()][departure is not None]
            + ("" if is_in_use(directory) else NOT_RUNNING[language()])
        )
    last_day = departure.last_day
    bill = BILL[language()][any(start <= last_day for start in _contract_starts(directory))]
    echo(
        MOVED_OUT[language()].format(
            last_day=day_text(last_day, language()), directory=quoted(directory), bill=bill
        )
    )


def _warn_if_contract_begins_later(directory: Path) -> None:
    """Warn, before anything is done, if the household leaves before its contract begins."""
    present = load_contract(directory)
    if present is not None and legal_day(datetime.now(UTC)) < present[1].start:
        start = day_text(present[1].start, language())
        echo(BEGINS_LATER[language()].format(start=start))


def _contract_starts(directory: Path) -> list[date]:
    """Return the first days of the household's contracts."""
    present = load_contract(directory)
    starts = [agreement.contract.start for agreement in former_agreements(directory)]
    return [*starts, *([] if present is None else [present[1].start])]


def _cancel(directory: Path) -> None:
    """Withdraw the order, unless the last day is already closed."""
    was_ordered = departure_of(directory) is None and ORDER.withdraw(directory)
    # The running chip may have carried the order out in the meantime.
    if departure_of(directory) is not None:
        raise ConfigError(TOO_LATE[language()])
    echo((CANCELLED if was_ordered else NOT_ORDERED)[language()])
