"""What a chip says of itself to whoever may monitor it; nothing that follows consumption or presence.

Plain JSON on `status`, retained. This is its one definition: chip and cloud both use it.
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
# The broker waits so long before it says that a chip is lost: short cuts are nobody's business.
WILL_DELAY_S = 900
QUALITY_GOOD = 0.95

_PRINTABLE = re.compile(r"[\x21-\x7e]{0,32}")

# No clock of a chip and no certificate's end lies outside of these.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

Text = Annotated[str, msgspec.Meta(max_length=32)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class State(StrEnum):
    """How a chip is, in the words of the Homie convention."""

    INIT = "init"
    READY = "ready"
    ALERT = "alert"
    SLEEPING = "sleeping"
    DISCONNECTED = "disconnected"
    LOST = "lost"

    @property
    def is_online(self) -> bool:
        """Whether a chip that said so last has a session, as far as is known."""
        return self not in {State.DISCONNECTED, State.LOST}


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The retained message on `status`. What a chip does not know is None; times are whole hours.

    Attributes:
        state: how the chip is; the broker says `lost` for one that went without a word.
        at: when this was said, None in the last will.
        software: the version of Volet.
        software_rolled_back_from: the version that was tried and found wanting.
        boot: a random word a start.
        tic_mode: the form of the meter's output.
        line_quality: share of good groups lately, 0.0 for a line that has fallen silent.
        clock_offset_s: the host's clock less the meter's.
        outbox_depth: messages that the cloud has not acknowledged.
        refused: messages that arrived since the start and were refused.
        not_after: when the chip's certificate ends.
        disk_free_mb: to 100.
        written_mb_a_day: by the chip's program, to 10.
        temperature_c: of the processor, to 5.
        undervoltage: whether the supply has been too weak since the start of the machine.
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
    """Return the payload of a status."""
    return msgspec.json.encode(status)


def decode_status(payload: bytes) -> Status:
    """Read a status; fields of a newer chip are not looked at.

    Raises:
        MessageRefused: it is none, or too large.
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
