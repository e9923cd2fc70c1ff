"""A running chip's own state, in a file that other processes of its household can read.

It is one file beside the vault (0600). It is replaced when line or session change, but at most
every few seconds, so that an SD card sees some dozens of writes a day. It repeats nothing that is
in the vault. A chip that was killed leaves its file behind, so the file names the process, and a
reader checks whether that process is still alive.
"""

import os
from pathlib import Path

import msgspec
import structlog

from edge.mqtt.message import Absence
from edge.status.line import LineState
from edge.status.schedule import PublishedStatus
from edge.tic.repeater.choice import RepeaterState
from protocol.calendar import Instant
from protocol.errors import ConfigError
from protocol.json_text import read_json
from system.files import read_secret, write_secret

FILE_NAME = "status.json"
# Field 22 of /proc/PID/stat (proc(5)), counted after the name, which may contain blanks.
_START_FIELD = 19

log = structlog.get_logger()


class SessionState(msgspec.Struct, frozen=True):
    """The link to the collectivity's broker and since when; `why` is given if there is none."""

    is_up: bool
    since: Instant
    why: Absence | None = None


class Presence(msgspec.Struct, frozen=True):
    """A running chip; `process` and `process_start` identify its process.

    `line_since` is since when the line has been good, or not good. `source` is where the chip
    reads the meter: a device, a file, or - for standard input. `repeater` is how its line is repeated.
    """

    process: int
    process_start: int
    boot: str
    started_at: Instant
    line: LineState
    line_since: Instant
    session: SessionState
    source: str = ""
    repeater: RepeaterState | None = None


class StatusRecord(msgspec.Struct, frozen=True):
    """The content of the file: the last presence, and the last published status (`told`).

    `revoked_at` is when the chip learnt that it is revoked, until the broker accepts it again.
    """

    presence: Presence | None = None
    told: PublishedStatus | None = None
    revoked_at: Instant | None = None


class StatusFile:
    """The file in one chip's directory."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME
        self._is_failing = False

    def read(self) -> StatusRecord:
        """Return the record; an empty one if the file is missing or cannot be read."""
        try:
            return read_json(read_secret(self._path, ""), StatusRecord)
        except (ConfigError, msgspec.MsgspecError):
            return StatusRecord()

    def write(self, record: StatusRecord) -> bool:
        """Write the record; return False, and log it once, if that fails."""
        try:
            write_secret(self._path, msgspec.json.encode(record))
        except (ConfigError, OSError) as exc:
            if not self._is_failing:
                log.warning("status_not_kept", why=str(exc))
            self._is_failing = True
            return False
        self._is_failing = False
        return True


def this_process() -> tuple[int, int]:
    """Return this process's number and its start time in the kernel's ticks."""
    number = os.getpid()
    return number, _start_of(number) or 0


def is_running(presence: Presence) -> bool:
    """Return whether the process that wrote `presence` is still alive."""
    return _start_of(presence.process) == presence.process_start


def _start_of(process: int) -> int | None:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[_START_FIELD])
