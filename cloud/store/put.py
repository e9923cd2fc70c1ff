"""What becomes of something handed to the store."""

from enum import StrEnum


class Put(StrEnum):
    """What became of an item that was not refused."""

    STORED = "stored"
    AGAIN = "again"
