"""The outcome of storing an item, and counts of stored things."""

from enum import StrEnum

import msgspec

# How many requests for statements, and messages to its household, a contract takes within a day.
REQUESTS_A_DAY = 64
LETTERS_A_DAY = 16
A_DAY_S = 86_400


class Put(StrEnum):
    """The outcome of an item that was not refused."""

    STORED = "stored"
    AGAIN = "again"


class Count(msgspec.Struct, frozen=True, rename={"label": "word"}):
    """How many things there are of the kind that `label` names."""

    label: str
    count: int
