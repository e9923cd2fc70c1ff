"""Whom the household's page lets in: as what, by which household, and by which knock."""

from enum import StrEnum
from typing import Annotated

import msgspec

from protocol.ids import HouseholdKeyId

# What a person can count at a light.
NUMBER_LEAST, NUMBER_MOST = 2, 9

KnockId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(?!\n)$")]
KnockNumber = Annotated[int, msgspec.Meta(ge=NUMBER_LEAST, le=NUMBER_MOST)]
_HOUSEHOLD_DIGITS = 16
HouseholdName = Annotated[str, msgspec.Meta(pattern=rf"^[0-9a-f]{{{_HOUSEHOLD_DIGITS}}}(?!\n)$")]


class VisitorRole(StrEnum):
    """What a visitor may see: everything, or the curve without bills and changes."""

    OWNER = "owner"
    VIEWER = "viewer"


def household_name(key: HouseholdKeyId) -> HouseholdName:
    """Return how page and chip name a household: by the id of its keys, which opens nothing."""
    return key.hex()[:_HOUSEHOLD_DIGITS]
