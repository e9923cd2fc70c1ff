"""The household's word that an index in quarantine is right: left beside the vault, carried out once.

The command leaves what it has shown; the running chip goes on from it if the meter shows it still.
"""

from pathlib import Path

import msgspec
import structlog

from edge.metering.events import Event
from edge.metering.meter import Meter
from edge.metering.quarantine import Quarantine, is_confirmed
from edge.watched import WatchedFile
from protocol.errors import ConfigError
from protocol.json_text import read_json
from system.files import read_secret, write_secret

ORDER = "index.json"

log = structlog.get_logger()


def leave_confirmation(directory: Path, confirmed: Quarantine) -> None:
    """Have the chip in `directory` go on from the index that is in quarantine."""
    write_secret(directory / ORDER, msgspec.json.encode(confirmed))


class Confirmation:
    """What the household has confirmed in a chip's directory."""

    def __init__(self, directory: Path | None = None) -> None:
        """Look in `directory`; None: nowhere."""
        self._path = None if directory is None else directory / ORDER
        self._watched = (
            None
            if self._path is None
            else WatchedFile[Quarantine | None](self._path, _read, absent=None, unreadable=None)
        )

    def read(self) -> Quarantine | None:
        """Return the latest confirmation that is not carried out; None: there is none."""
        return None if self._watched is None else self._watched()

    def carry_out(self, meter: Meter | None) -> list[Event]:
        """Let metering go on from what was confirmed, if the meter shows it still."""
        confirmed = self.read()
        account = None if meter is None else meter.state.account
        if confirmed is None or meter is None or account is None:
            return []
        if not account.is_quarantined:
            self.forget()  # carried out, or the old index went on
            return []
        if not is_confirmed(meter.state, confirmed, meter.settings):
            return []
        log.info("index_confirmed")
        return meter.confirm_index()

    def forget(self) -> None:
        """Remove it; it holds readings."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _read(path: Path) -> Quarantine:
    try:
        return read_json(read_secret(path, "confirm again."), Quarantine)
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path} is damaged; confirm again.") from exc
