"""Decodes and encodes one group of the TIC output, with its checksum.

A group is LF, label, separator, [horodate, separator,] data, separator, checksum, CR. The
separator is SP in historique and HT in standard mode, and HT never occurs in historique.
Enedis-NOI-CPT_54E v3, pages 9 and 14.
"""

import re
from enum import StrEnum

import msgspec

from edge.tic.frame import InformationGroup, Mode
from edge.tic.horodate import civil_time
from edge.tic.labels import LABELS, Horodate, Label
from edge.tic.parity import BROKEN

SEPARATORS = {Mode.HISTORIQUE: b" ", Mode.STANDARD: b"\t"}
_MODES = {ord(separator): mode for mode, separator in SEPARATORS.items()}
# Separator and checksum: what follows the data in any group.
_TAIL_BYTES = 2
# Label and value, and for some the time between them.
_FIELDS = (2, 3)
_BIT_6 = 0x40
# How Enedis names groups. A flip of bit 6 turns some digits and signs into lower-case letters.
_LABEL = re.compile(r"[A-Z][A-Z0-9]{1,8}(?:[+-]\d)?", re.ASCII)


class GroupRefusal(StrEnum):
    """Why a group was refused."""

    PARITY = "parity error"
    SEPARATOR = "no separator before checksum"
    CHECKSUM = "bad checksum"
    LABEL = "unknown label"
    FIELDS = "checksum fits but wrong number of fields"
    HORODATE = "checksum fits but impossible horodate"
    VALUE = "checksum fits but impossible value"
    MODE = "group of the other mode"
    IMPLAUSIBLE = "contradicted by the readings around it"


class LabelledGroup(msgspec.Struct, frozen=True):
    """An accepted group with its place in the label table."""

    label: Label
    group: InformationGroup


class DoubtfulGroup(msgspec.Struct, frozen=True):
    """A group that may be correct, or may contain a corrupted character."""

    read: LabelledGroup


class UnknownGroup(msgspec.Struct, frozen=True):
    """A group whose checksum fits and whose label may come from a newer meter."""

    raw: str


GroupRead = LabelledGroup | DoubtfulGroup | UnknownGroup | GroupRefusal


def checksum(mode: Mode, before: bytes) -> int:
    """Compute the checksum character of a group, in 0x20..0x5F.

    `before` is the group from the label's first character up to and including the separator before
    the checksum. Historique leaves that last separator out of the sum; standard includes it.
    """
    covered = before[:-1] if mode is Mode.HISTORIQUE else before
    return (sum(covered) & 0x3F) + 0x20


def encode_group(mode: Mode, label: str, value: str, timestamp: str | None = None) -> bytes:
    """Encode a group as the meter sends it, from LF to CR.

    `timestamp` is the raw horodate (`SAAMMJJhhmmss`). `DATE` has one and the value "".
    Raises UnicodeEncodeError if anything is outside ASCII.
    """
    separator = SEPARATORS[mode]
    fields = [label, value] if timestamp is None else [label, timestamp, value]
    before = separator.join([*(field.encode("ascii") for field in fields), b""])
    return b"\n" + before + bytes((checksum(mode, before), 0x0D))


def read_group(body: bytes) -> GroupRead:
    """Return the group between LF and CR, or the reason why it is refused.

    Bytes with bit 7 set are characters that failed the parity check. The checksum does not see two
    single faults: in bit 7 itself, and in bit 6. A group with one such character is read as it is
    if only bit 7 can be wrong, and if the group is neither doubtful nor unknown. Nothing is
    repaired and nothing is stripped, since the checksum may be a space and texts are padded.
    """
    if body.isascii():
        return _read_sound(body)
    broken = [at for at, byte in enumerate(body) if byte & BROKEN]
    if len(broken) > 1:
        return GroupRefusal.PARITY
    masked = bytearray(byte & ~BROKEN for byte in body)
    read = _read_sound(bytes(masked))
    masked[broken[0]] ^= _BIT_6
    other = _read_sound(bytes(masked))
    if not isinstance(read, LabelledGroup) or isinstance(other, LabelledGroup):
        return GroupRefusal.PARITY
    return read


def _read_sound(body: bytes) -> GroupRead:
    if len(body) <= _TAIL_BYTES or body[-2] not in _MODES:
        return GroupRefusal.SEPARATOR
    mode = _MODES[body[-2]]
    if checksum(mode, body[:-1]) != body[-1]:
        return GroupRefusal.CHECKSUM
    text = body[:-_TAIL_BYTES].decode("ascii")
    return _read_fields(mode, text.split(" ", 1) if mode is Mode.HISTORIQUE else text.split("\t"))


def _read_fields(mode: Mode, fields: list[str]) -> GroupRead:
    label = LABELS.get(fields[0])
    if label is None or label.mode is not mode:
        return _read_unknown(mode, fields)
    if len(fields) != (2 if label.horodate is Horodate.NO else 3):
        return GroupRefusal.FIELDS
    if not label.pattern.fullmatch(fields[-1]):
        return _read_doubtful(label, fields[-1])
    if label.horodate is Horodate.NO:
        return LabelledGroup(label, InformationGroup(fields[-1]))
    return _with_horodate(label, fields[1], fields[2])


def _read_unknown(mode: Mode, fields: list[str]) -> UnknownGroup | GroupRefusal:
    """Tell a label of a newer meter from a corrupted one; historique has no new labels."""
    is_later = mode is Mode.STANDARD and fields[0] not in LABELS and _LABEL.fullmatch(fields[0])
    if not is_later or not all(map(str.isprintable, fields)):
        return GroupRefusal.LABEL
    # A flipped bit that makes a letter of a separator is in no checksum: such a group has no value.
    return UnknownGroup("\t".join(fields)) if len(fields) in _FIELDS else GroupRefusal.FIELDS


def _read_doubtful(label: Label, value: str) -> DoubtfulGroup | GroupRefusal:
    if label.doubtful is None or not label.doubtful.fullmatch(value):
        return GroupRefusal.VALUE
    return DoubtfulGroup(LabelledGroup(label, InformationGroup(value)))


def _with_horodate(label: Label, timestamp: str, value: str) -> LabelledGroup | GroupRefusal:
    moment = civil_time(timestamp)
    if moment is None or (moment.tzinfo is None and label.horodate is not Horodate.BLANK_SEASON):
        return GroupRefusal.HORODATE
    group = InformationGroup(
        value,
        timestamp,
        at=moment if moment.tzinfo else None,
        is_clock_degraded=timestamp[0] in "he",
    )
    return LabelledGroup(label, group)
