"""What the chip says of itself to whoever may monitor it; nothing that follows consumption."""

from datetime import datetime
from functools import lru_cache
from importlib.metadata import version

import msgspec

from edge.tic.decoder import Decoder
from edge.tic.frame import Frame

HOUR_S = 3_600.0
# A Linky sends a frame every 1 to 2 s; after tic.md's fact 24.
GOOD_FRAME_WITHIN_S = 10.0


@lru_cache(maxsize=1)
def _version() -> str:
    return version("volet")


class Status(msgspec.Struct, frozen=True):
    """The retained message on `status`, plain JSON.

    `line_quality` is the share of good groups lately; `clock_offset_s` the host's clock less the
    meter's; both None where not known. `refused` counts what arrived since the start of the process
    and was not as it should be.
    """

    online: bool
    version: str
    tic_mode: str | None = None
    line_quality: float | None = None
    outbox_depth: int = 0
    clock_offset_s: int | None = None
    refused: int = 0


def last_will() -> bytes:
    """Return what the broker says for a chip that has gone without a word."""
    return msgspec.json.encode(Status(online=False, version=_version()))


class LineWatch:
    """Follows the line for status and panel."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._good_at_s: float | None = None
        self._clock_offset_s: int | None = None

    def saw(self, frame: Frame, host_time: datetime, now_s: float) -> None:
        """Take note of a frame."""
        if not frame.groups:
            return
        if frame.is_complete:
            self._good_at_s = now_s
        clock = frame.groups.get("DATE")
        if clock is not None and clock.at is not None and not clock.is_clock_degraded:
            self._clock_offset_s = round((host_time - clock.at).total_seconds())

    def is_good(self, now_s: float) -> bool:
        """Say whether a good frame has come within ten seconds."""
        return self._good_at_s is not None and now_s - self._good_at_s <= GOOD_FRAME_WITHIN_S

    def status(self, outbox_depth: int, refused: int) -> Status:
        """Return the status as it stands."""
        share = self._decoder.quality.recent_share
        mode = self._decoder.mode
        return Status(
            online=True,
            version=_version(),
            tic_mode=None if mode is None else str(mode),
            line_quality=None if share is None else round(share, 3),
            outbox_depth=outbox_depth,
            clock_offset_s=self._clock_offset_s,
            refused=refused,
        )
