"""The area lane's messages between chip and cloud, as they stand on the wire."""

from typing import Annotated

import msgspec

from protocol.area_cipher import NONCE_BYTES, SLOT_BYTES
from protocol.errors import MessageRefused, Reason
from protocol.measures import CURVE_SLOTS_MAX
from protocol.messages import DayNumber, Hash, KeyId

LETTER_MAX_BYTES = 4 * 1024
PARTS_MAX = 8
SEED_SETS_MAX = 6
TRUSTEES_MAX = 4

Generation = Annotated[int, msgspec.Meta(ge=1, le=2**31)]
Nonce = Annotated[bytes, msgspec.Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]


class _Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    pass


class SeedLetters(_Body, frozen=True):
    """`key`, retained: the household's seeds, a sealed letter to each trustee in their order.

    `generation` only ever rises; `commitments` are one for each seed set, in their order.
    """

    household_key: KeyId
    generation: Generation
    trustees: Hash
    commitments: Annotated[tuple[Hash, ...], msgspec.Meta(min_length=1, max_length=SEED_SETS_MAX)]
    letters: Annotated[
        tuple[Annotated[bytes, msgspec.Meta(min_length=1, max_length=LETTER_MAX_BYTES)], ...],
        msgspec.Meta(min_length=1, max_length=TRUSTEES_MAX),
    ]


class Part(_Body, frozen=True):
    """A contribution to one measure: slots and the check slot, 8 bytes each, little-endian."""

    measure: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,24}$")]
    group: Annotated[str, msgspec.Meta(min_length=1, max_length=48)]
    words: Annotated[
        bytes,
        msgspec.Meta(min_length=2 * SLOT_BYTES, max_length=(CURVE_SLOTS_MAX + 1) * SLOT_BYTES),
    ]


class Contribution(_Body, frozen=True):
    """up/area: what a household-day adds to the figures of its area.

    `measures` is the hash of the document it was made under, `generation` that of the seeds,
    `entry` the number of the household's roster entry.
    """

    household_key: KeyId
    day: DayNumber
    measures: Hash
    generation: Generation
    entry: Annotated[int, msgspec.Meta(ge=0, le=2**31)]
    nonce: Nonce
    parts: Annotated[tuple[Part, ...], msgspec.Meta(min_length=1, max_length=PARTS_MAX)]


class AreaQuestion(_Body, frozen=True):
    """up/ask: send me my terms, or the document of this hash."""

    household_key: KeyId
    document: Hash | None


class Terms(_Body, frozen=True):
    """down/terms: where the household stands and which documents hold.

    `entry` is the latest signed roster entry (None: on no roster), `measures` and `trustees` the
    hashes of all documents that hold now or are to hold, oldest first; trustees from the first on.
    """

    household_key: KeyId
    entry: tuple[bytes, bytes] | None
    trustees: tuple[Hash, ...]
    measures: tuple[Hash, ...]


class Document(_Body, frozen=True):
    """down/document: a document's or transform's bytes, known by their hash; the last part ends it.

    What is longer than a message comes in parts, in order. A signed document comes as its MessagePack form,
    and is asked for by the hash of its body; a transform by the hash of its bytes.
    """

    household_key: KeyId
    document: Hash
    part: Annotated[int, msgspec.Meta(ge=0, le=64)]
    parts: Annotated[int, msgspec.Meta(ge=1, le=64)]
    data: bytes


class AreaAck(_Body, frozen=True):
    """down/area: which days' contributions are done with; sent after the commit.

    A day in `stored` is kept; one in `refused` must not be sent again, the reason says why (late,
    out of bounds, its check slot did not open, …).
    """

    household_key: KeyId
    stored: tuple[DayNumber, ...]
    refused: tuple[tuple[DayNumber, Reason], ...]


def check_contribution(contribution: Contribution) -> None:
    """Check what types cannot say.

    Raises:
        MessageRefused: with reason `out_of_bounds`.
    """
    names = [part.measure for part in contribution.parts]
    if len(set(names)) != len(names):
        raise MessageRefused(Reason.BOUNDS, "a measure twice")
    if any(len(part.words) % SLOT_BYTES for part in contribution.parts):
        raise MessageRefused(Reason.BOUNDS, "no whole slots")
