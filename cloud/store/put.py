"""The outcome of storing an item, and counts of stored things."""

from enum import StrEnum

import msgspec


class Put(StrEnum):
    """The outcome of an item that was not refused."""

    STORED = "stored"
    AGAIN = "again"


class Count(msgspec.Struct, frozen=True, rename={"label": "word"}):
    """How many things there are of the kind that `label` names."""

    label: str
    count: int
