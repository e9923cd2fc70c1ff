"""What becomes of something handed to the store, and how its things are counted."""

from enum import StrEnum

import msgspec


class Put(StrEnum):
    """What became of an item that was not refused."""

    STORED = "stored"
    AGAIN = "again"


class Count(msgspec.Struct, frozen=True, rename={"label": "word"}):
    """How many there are of what `label` names."""

    label: str
    count: int
