"""The area lane's messages between chip and cloud, in their wire form."""

from typing import Annotated

import msgspec

from protocol.area_cipher import NONCE_BYTES, SLOT_BYTES
from protocol.calendar import DayNumber
from protocol.errors import MessageRefused, Reason
from protocol.measures import CURVE_SLOTS_MAX
from protocol.messages import Hash, KeyId

LETTER_MAX_BYTES = 4 * 1024
PARTS_MAX = 8
SEED_SETS_MAX = 20
TRUSTEES_MAX = 6

Generation = Annotated[int, msgspec.Meta(ge=1, le=2**31)]
Nonce = Annotated[bytes, msgspec.Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]


class _Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    pass


class SeenHeads(_Body, frozen=True):
    """The newest documents that a chip has, and the roster up to its household's entry.

    `trustees` and `measures` are hashes, `roster_head` is that of the roster's first
    `roster_length` entries, the last of which is the household's.
    """

    trustees: Hash
    measures: Hash
    roster_length: Annotated[int, msgspec.Meta(ge=1, le=2**31)]
    roster_head: Hash


class SeedLetters(_Body, frozen=True):
    """`key`, retained: the household's seeds, as one sealed key share per trustee, in their order.

    `generation` only increases. The seeds are those of `month`, the number of its first day; later
    ones follow from them. Each share is sealed to its trustee's key of that month, and empty if the
    chip could not get it. `commitments` has one entry per seed set, in their order. `seen` is signed
    with them and trustees read it themselves, so the collectivity cannot show chips and trustees
    different documents or rosters. A chip that sees another head draws new seeds.
    """

    household_key: KeyId
    generation: Generation
    month: DayNumber
    trustees: Hash
    commitments: Annotated[tuple[Hash, ...], msgspec.Meta(min_length=1, max_length=SEED_SETS_MAX)]
    letters: Annotated[
        tuple[Annotated[bytes, msgspec.Meta(max_length=LETTER_MAX_BYTES)], ...],
        msgspec.Meta(min_length=1, max_length=TRUSTEES_MAX),
    ]
    seen: SeenHeads


class Part(_Body, frozen=True):
    """A contribution to one measure: its slots and the check slot, 8 bytes each, little-endian."""

    measure: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,24}(?!\n)$")]
    group: Annotated[str, msgspec.Meta(min_length=1, max_length=48)]
    words: Annotated[
        bytes,
        msgspec.Meta(min_length=2 * SLOT_BYTES, max_length=(CURVE_SLOTS_MAX + 1) * SLOT_BYTES),
    ]


class Contribution(_Body, frozen=True):
    """up/area: what a household contributes to the figures of its area for one day.

    `measures` is the hash of the measures document in force, `generation` the generation of the
    seeds, `entry` the number of the household's roster entry.
    """

    household_key: KeyId
    day: DayNumber
    measures: Hash
    generation: Generation
    entry: Annotated[int, msgspec.Meta(ge=0, le=2**31)]
    nonce: Nonce
    parts: Annotated[tuple[Part, ...], msgspec.Meta(min_length=1, max_length=PARTS_MAX)]


class AreaQuestion(_Body, frozen=True):
    """up/ask: the chip requests its terms, or the document with this hash."""

    household_key: KeyId
    document: Hash | None


class Terms(_Body, frozen=True):
    """down/terms: the household's roster entry and the documents in force.

    `entry` is the latest signed roster entry, None if the household is on no roster. `measures` and
    `trustees` are the hashes of all documents in force or due, oldest first. `trustees` begins with
    the very first set.
    """

    household_key: KeyId
    entry: tuple[bytes, bytes] | None
    trustees: tuple[Hash, ...]
    measures: tuple[Hash, ...]


class Document(_Body, frozen=True):
    """down/document: the bytes of a document or transform, identified by their hash.

    Anything longer than a message comes in parts, in order; the last part completes it. A signed
    document comes as MessagePack and is requested by the hash of its body, a transform by the hash
    of its bytes.
    """

    household_key: KeyId
    document: Hash
    part: Annotated[int, msgspec.Meta(ge=0, le=64)]
    parts: Annotated[int, msgspec.Meta(ge=1, le=64)]
    data: bytes


class AreaAck(_Body, frozen=True):
    """down/area: the days whose contributions are settled; sent after the commit.

    A day in `stored` has been kept. A day in `refused` must not be sent again; the reason says why
    (late, out of bounds, its check slot did not open, …). With `lacks_seeds`, a trustee lacks the
    household's seeds, and the chip draws new ones if its own are a month old.
    """

    household_key: KeyId
    stored: tuple[DayNumber, ...]
    refused: tuple[tuple[DayNumber, Reason], ...]
    lacks_seeds: bool = False


def check_contribution(contribution: Contribution) -> None:
    """Check the rules that types cannot express.

    Raises:
        MessageRefused: with reason `out_of_bounds`.
    """
    names = [part.measure for part in contribution.parts]
    if len(set(names)) != len(names):
        raise MessageRefused(Reason.BOUNDS, "a measure twice")
    if any(len(part.words) % SLOT_BYTES for part in contribution.parts):
        raise MessageRefused(Reason.BOUNDS, "no whole slots")
