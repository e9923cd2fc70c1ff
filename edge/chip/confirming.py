"""The household's confirmation of an index in quarantine or another meter, in a file by the vault.

The command writes what it has shown. The chip continues from it once, if that is still on the line.
"""

from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from edge.metering.events import Event
from edge.metering.meter import Meter
from edge.metering.unconfirmed import (
    Quarantine,
    Unconfirmed,
    is_waiting,
    latest_reading,
)
from system.watched import OrderFile

log = structlog.get_logger()


class ConfirmationOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The index or meter that the household has confirmed, as its command stores it."""

    confirmed: Unconfirmed


ORDER = OrderFile("confirmed.json", ConfirmationOrder, "confirm again.")


def leave_confirmation(directory: Path, confirmed: Unconfirmed) -> None:
    """Order the chip in `directory` to continue with the index or meter that was confirmed."""
    ORDER.leave(directory, ConfirmationOrder(confirmed))


class Confirmation:
    """Reads and carries out what the household has confirmed in a chip's directory."""

    def __init__(self, directory: Path | None = None) -> None:
        """Look in `directory`, or nowhere if it is None."""
        self._directory = directory
        self._watched = None if directory is None else ORDER.watched(directory)
        self._first_seen: tuple[Unconfirmed, datetime] | None = None

    def read(self) -> Unconfirmed | None:
        """Return the latest confirmation that is not carried out, None if there is none."""
        order = None if self._watched is None else self._watched()
        return None if order is None else order.confirmed

    def carry_out(self, meter: Meter | None) -> list[Event]:
        """Continue metering from what was confirmed, once it has been read again since.

        What was stored before a stop, or read before the household decided, may no longer be on
        the line.
        """
        confirmed = self.read()
        if confirmed is None or meter is None or meter.state.account is None:
            return []
        if not is_waiting(meter.state, confirmed):
            self.forget()  # carried out, or the old index goes on, or another one came
            return []
        read_at = latest_reading(meter.state, confirmed).at
        if self._first_seen is None or self._first_seen[0] != confirmed:
            self._first_seen = confirmed, read_at
        if read_at <= self._first_seen[1]:
            return []
        if isinstance(confirmed, Quarantine):
            log.info("index_confirmed")
            return meter.confirm_index()
        log.info("meter_confirmed")
        return meter.confirm_meter()

    def forget(self) -> None:
        """Remove the confirmation, since it holds readings."""
        if self._directory is not None:
            ORDER.withdraw(self._directory)
