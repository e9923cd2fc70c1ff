"""One group of the TIC output: its checksum, and the way from label and data to bytes.

A group is LF, label, separator, [horodate, separator,] data, separator, checksum, CR. The
separator is SP in historique and HT in standard mode. Enedis-NOI-CPT_54E v3, pages 9 and 14.
"""

from edge.tic.frame import Mode

SEPARATORS = {Mode.HISTORIQUE: b" ", Mode.STANDARD: b"\t"}


def checksum(mode: Mode, before: bytes) -> int:
    """Compute the checksum character of a group, in 0x20..0x5F.

    `before` is the group from the label's first character up to and including the separator before
    the checksum. Historique leaves that last separator out of the sum; standard has it in.
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
