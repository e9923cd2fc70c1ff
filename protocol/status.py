"""A chip's status for monitoring; nothing in it depends on consumption or presence.

It is plain JSON on `status`, retained. Chip and cloud both use this definition.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from protocol.calendar import Instant
from protocol.errors import MessageRefused, Reason
from protocol.json_text import read_json

STATUS_MAX_BYTES = 1_024
# The broker waits this long before it reports a chip as lost, so short cuts stay private.
WILL_DELAY_S = 900
QUALITY_GOOD = 0.95

_PRINTABLE = re.compile(r"[\x21-\x7e]{0,32}")

# Every chip's clock and every certificate's end lies between these.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

TEXT_MAX = 32
Text = Annotated[str, msgspec.Meta(max_length=TEXT_MAX)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class State(StrEnum):
    """A chip's state, with the names of the Homie convention."""

    INIT = "init"
    READY = "ready"
    ALERT = "alert"
    SLEEPING = "sleeping"
    DISCONNECTED = "disconnected"
    LOST = "lost"

    @property
    def is_online(self) -> bool:
        """Return whether a chip that last reported this state should have a session."""
        return self not in {State.DISCONNECTED, State.LOST}


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The retained message on `status`. Unknown values are None; times are whole hours.

    Attributes:
        state: the chip's state; the broker publishes `lost` if the chip disappears.
        at: the time of the report, None in the last will.
        software: the version of Volet.
        software_rolled_back_from: the version that was tried and rolled back.
        boot: a random text drawn at each start.
        tic_mode: the mode of the meter's output.
        line_quality: the recent share of good groups, 0.0 for a silent line.
        clock_offset_s: the host's clock minus the meter's.
        outbox_depth: messages that the cloud has not acknowledged.
        refused: messages received and refused since the start.
        not_after: when the chip's certificate expires.
        disk_free_mb: rounded to 100.
        written_mb_a_day: written by the chip's program, rounded to 10.
        temperature_c: the processor's temperature, rounded to 5.
        undervoltage: whether the supply has been too weak since the machine started.
    """

    state: State
    at: Instant | None = None
    software: Text = ""
    software_rolled_back_from: Text | None = None
    boot: Text = ""
    tic_mode: Literal["standard", "historique"] | None = None
    line_quality: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    clock_offset_s: Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] | None = None
    outbox_depth: Count = 0
    refused: Count = 0
    not_after: Instant | None = None
    disk_free_mb: Count | None = None
    written_mb_a_day: Count | None = None
    temperature_c: Annotated[int, msgspec.Meta(ge=-100, le=200)] | None = None
    undervoltage: bool | None = None


def whole_hour(at: datetime) -> datetime:
    """Return the beginning of the hour, in UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def encode_status(status: Status) -> bytes:
    """Encode a status as a payload."""
    return msgspec.json.encode(status)


def decode_status(payload: bytes) -> Status:
    """Decode a status; fields of newer chips are ignored.

    Raises:
        MessageRefused: it is not a status, or too large.
    """
    if len(payload) > STATUS_MAX_BYTES:
        raise MessageRefused(Reason.OVERSIZE, f"a status of {len(payload)} bytes")
    try:
        status = read_json(payload, Status)
    except msgspec.MsgspecError as exc:
        raise MessageRefused(Reason.MALFORMED, "no status") from exc
    texts = (status.software, status.software_rolled_back_from or "", status.boot)
    times = (status.at, status.not_after)
    if not all(_PRINTABLE.fullmatch(text) for text in texts):
        raise MessageRefused(Reason.MALFORMED, "no plain text")
    if not all(time is None or EARLIEST <= time < LATEST for time in times):
        raise MessageRefused(Reason.MALFORMED, "a time of another century")
    return status
