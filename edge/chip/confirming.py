"""The household's word on an index in quarantine or another meter: left beside the vault.

The command leaves what it has shown; the chip goes on from it, once, if that is on the line still.
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
from protocol.errors import ConfigError
from protocol.json_text import read_json
from system.files import read_secret, write_secret
from system.watched import WatchedFile

ORDER = "confirmed.json"

log = structlog.get_logger()


class _Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    confirmed: Unconfirmed


def leave_confirmation(directory: Path, confirmed: Unconfirmed) -> None:
    """Have the chip in `directory` go on from the index, or with the meter, that was confirmed."""
    write_secret(directory / ORDER, msgspec.json.encode(_Order(confirmed)))


class Confirmation:
    """What the household has confirmed in a chip's directory."""

    def __init__(self, directory: Path | None = None) -> None:
        """Look in `directory`; None: nowhere."""
        self._path = None if directory is None else directory / ORDER
        self._watched = (
            None
            if self._path is None
            else WatchedFile[Unconfirmed | None](self._path, _read, absent=None, unreadable=None)
        )
        self._found: tuple[Unconfirmed, datetime] | None = None

    def read(self) -> Unconfirmed | None:
        """Return the latest confirmation that is not carried out; None: there is none."""
        return None if self._watched is None else self._watched()

    def carry_out(self, meter: Meter | None) -> list[Event]:
        """Let metering go on from what was confirmed, once it has been read again since.

        What was stored before a stop, or read before the household decided, may be on the line no
        more.
        """
        confirmed = self.read()
        if confirmed is None or meter is None or meter.state.account is None:
            return []
        if not is_waiting(meter.state, confirmed):
            self.forget()  # carried out, or what was believed before goes on, or another index came
            return []
        read_at = latest_reading(meter.state, confirmed).at
        if self._found is None or self._found[0] != confirmed:
            self._found = confirmed, read_at
        if read_at <= self._found[1]:
            return []
        if isinstance(confirmed, Quarantine):
            log.info("index_confirmed")
            return meter.confirm_index()
        log.info("meter_confirmed")
        return meter.confirm_meter()

    def forget(self) -> None:
        """Remove it; it holds readings."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _read(path: Path) -> Unconfirmed:
    try:
        return read_json(read_secret(path, "confirm again."), _Order).confirmed
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path} is damaged; confirm again.") from exc
