"""The decoder's output: frames of checked groups.

Source for every name here: Enedis-NOI-CPT_54E v3.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec


class Mode(StrEnum):
    """The two modes of a meter's TIC output."""

    HISTORIQUE = "historique"
    STANDARD = "standard"


class OpenedBy(StrEnum):
    """What began a frame; NONE: the capture begins inside the frame."""

    STX = "STX"
    NONE = "none"


class ClosedBy(StrEnum):
    """What ended a frame; STX: the next one began without an ETX; EOF: the stream ended."""

    ETX = "ETX"
    EOT = "EOT"
    STX = "STX"
    EOF = "EOF"


class InformationGroup(msgspec.Struct, frozen=True):
    """One accepted group: raw data and the horodate, if the label carries one.

    `value` keeps leading zeros and padding. `timestamp` is the raw horodate (`SAAMMJJhhmmss`), and
    `at` the same as an aware instant, None if the season is blank or there is no horodate.
    `is_clock_degraded`: the season letter is in lower case.
    """

    value: str
    timestamp: str | None = None
    at: datetime | None = None
    is_clock_degraded: bool = False


class Rejected(msgspec.Struct, frozen=True):
    """A group that must not be used, and why."""

    raw: str
    reason: str


class Frame(msgspec.Struct, frozen=True):
    """One frame. `start` and `end` are byte offsets in the stream.

    `is_complete`: STX to ETX, nothing rejected, no label twice. `unknown`: raw groups that were set
    aside because their checksum fits but their label is not known. `is_short`: a three-phase
    overload frame (ADIR1-3, ADCO, IINST1-3), which lacks the other labels.
    """

    mode: Mode
    start: int
    end: int
    opened_by: OpenedBy
    closed_by: ClosedBy
    groups: Mapping[str, InformationGroup]
    rejected: tuple[Rejected, ...] = ()
    unknown: tuple[str, ...] = ()
    duplicate_labels: tuple[str, ...] = ()
    is_complete: bool = False
    is_short: bool = False
