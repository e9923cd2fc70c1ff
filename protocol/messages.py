"""The bodies of messages in their wire form: MessagePack arrays with the fields in this order."""

import hashlib
from typing import Annotated

import msgspec
import numpy as np

from protocol.calendar import DayNumber
from protocol.commitment import POINT_BYTES, is_commitment
from protocol.errors import MessageRefused, Reason
from protocol.household import SEED_BYTES, Coefficients, Q
from protocol.ids import HOUSEHOLD_KEY_ID_BYTES, INCARNATION_BYTES
from protocol.layout import DAY_COEFFICIENTS, QUARTER_HOURS_MAX
from protocol.packed import Count
from protocol.versions import Version

COEFFICIENT_BYTES = 8
STATEMENT_ID_BYTES = 16
DIGEST_BYTES = 8
TAG_BYTES = 4
HASH_BYTES = 32
RECONNECT_WINDOW_MAX_S = 3_600
MAC_BYTES = 32
# For how long the cloud keeps a block, after the month of its day.
RETENTION_MONTHS = 14


def _fixed(length: int) -> msgspec.Meta:
    return msgspec.Meta(min_length=length, max_length=length)


KeyId = Annotated[bytes, _fixed(HOUSEHOLD_KEY_ID_BYTES)]
IncarnationId = Annotated[bytes, _fixed(INCARNATION_BYTES)]
StatementId = Annotated[bytes, _fixed(STATEMENT_ID_BYTES)]
Hash = Annotated[bytes, _fixed(HASH_BYTES)]
SEQUENCE_MAX = 2**31
Sequence = Annotated[int, msgspec.Meta(ge=1, le=SEQUENCE_MAX)]
Residue = Annotated[int, msgspec.Meta(ge=0, lt=Q)]


class _Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    pass


class Epoch(_Body, frozen=True):
    """up/epoch, down/epoch: the public half of one incarnation's pad for a month.

    `month` is the day number of its first day; `mac` is the household's own MAC over the epoch,
    under the keys of that year.
    """

    household_key: KeyId
    month: DayNumber
    incarnation: IncarnationId
    seed: Annotated[bytes, _fixed(SEED_BYTES)]
    mac: Annotated[bytes, _fixed(MAC_BYTES)]


class Block(_Body, frozen=True):
    """up/block, down/block: coefficients [j0, j0 + n) of one day, 8 bytes each, little-endian.

    The block that closes the day carries all of coefficients 100 to 127, and the `commitment` (32
    bytes) to those that a bill prices. Other blocks carry neither.
    """

    household_key: KeyId
    day: DayNumber
    incarnation: IncarnationId
    sequence: Sequence
    j0: Annotated[int, msgspec.Meta(ge=0, lt=DAY_COEFFICIENTS)]
    coefficients: Annotated[
        bytes, msgspec.Meta(min_length=8, max_length=DAY_COEFFICIENTS * COEFFICIENT_BYTES)
    ]
    commitment: Annotated[bytes, msgspec.Meta(max_length=POINT_BYTES)] = b""

    @property
    def is_closing(self) -> bool:
        """Return whether it carries any of the coefficients that close the day."""
        return self.j1 > QUARTER_HOURS_MAX

    @property
    def j1(self) -> int:
        """The end of the half-open range of coefficients."""
        return self.j0 + len(self.coefficients) // COEFFICIENT_BYTES

    def values(self) -> Coefficients:
        """Return the coefficients, uint64[j1 - j0]."""
        return np.frombuffer(self.coefficients, "<u8").astype(np.uint64)


class Fetch(_Body, frozen=True):
    """up/fetch: the chip asks for what the cloud stores of its household.

    Without `incarnation` it asks for the full state as an ack, otherwise for the headers of one
    incarnation and at most `count` of its blocks from `sequence` on. `reads` is the newest version
    of the wire that the chip reads; the cloud writes to it in no later one.
    """

    household_key: KeyId
    incarnation: IncarnationId | None
    sequence: Sequence
    count: Annotated[int, msgspec.Meta(ge=0, le=512)]
    reads: Version


class Seen(_Body, frozen=True):
    """up/seen: a statement has arrived on the chip; states neither amount nor verdict."""

    household_key: KeyId
    statement: StatementId


class IncarnationState(_Body, frozen=True):
    """What the cloud stores of one incarnation.

    `stored_through` is the highest sequence stored without a gap, 0 if there is none. `beyond` are
    the sequences stored above a gap, as half-open ranges. `months` are the months with a stored
    epoch header, as day numbers.
    """

    incarnation: IncarnationId
    stored_through: Annotated[int, msgspec.Meta(ge=0, le=SEQUENCE_MAX)]
    beyond: tuple[tuple[Sequence, Annotated[int, msgspec.Meta(ge=2, le=SEQUENCE_MAX + 1)]], ...]
    months: tuple[DayNumber, ...]


class Refusal(_Body, frozen=True):
    """A block or header that was not stored, and why; sequence 0 means a header."""

    incarnation: IncarnationId
    sequence: Annotated[int, msgspec.Meta(ge=0, le=SEQUENCE_MAX)]
    reason: Reason


class Ack(_Body, frozen=True):
    """down/ack: sent after the commit.

    `household_tag` is the beginning of the household key id, which distinguishes the few keys of a
    device's household. `states` covers the incarnations just changed, or all in answer to a fetch.
    `holdings` is a digest of all states, which shows the chip when a store went back in time.
    """

    household_tag: Annotated[bytes, _fixed(TAG_BYTES)]
    store_generation: Annotated[bytes, _fixed(DIGEST_BYTES)]
    holdings: Annotated[bytes, _fixed(DIGEST_BYTES)]
    is_whole: bool
    states: tuple[IncarnationState, ...]
    refused: tuple[Refusal, ...]


class Cover(_Body, frozen=True):
    """The blocks of one incarnation that a statement sums, by sequence."""

    incarnation: IncarnationId
    sequences: tuple[Count, ...]


class MonthSums(_Body, frozen=True):
    """One month of one line: the encrypted quantity (weights 1) and the amount in price digits."""

    month: DayNumber
    quantity: Residue
    amount: tuple[Residue, Residue]


class LineSums(_Body, frozen=True):
    """The encrypted sums of energy line `line` of tariff `tariff`, by month.

    Late days have their own lines, before those of the period.
    """

    tariff: Hash
    line: Count
    months: tuple[MonthSums, ...]


class Statement(_Body, frozen=True):
    """down/statement/{id}: a bill on ciphertexts, over days [start, end).

    `request` is the provider's signed request, unchanged, and `acceptance` its signed acceptance of
    the contract. `schedules` are the hashes of the calendars and series that price the curve.
    """

    id: StatementId
    household_key: KeyId
    contract: Hash
    start: DayNumber
    end: DayNumber
    covers: tuple[Cover, ...]
    lines: tuple[LineSums, ...]
    request: bytes
    acceptance: bytes
    schedules: tuple[Hash, ...]


class Hub(_Body, frozen=True):
    """hub, retained: what the collectivity's worker tells everybody at its broker.

    `version` is the version of the wire in use: whoever knows it writes it. A chip that has lost
    its session draws the time of its first new try from `reconnect_window_s`.
    """

    version: Version
    reconnect_window_s: Annotated[int, msgspec.Meta(ge=1, le=RECONNECT_WINDOW_MAX_S)]


def check_block(block: Block) -> None:
    """Check that coefficients fit the day and lie below q, and that one block closes the day.

    Raises:
        MessageRefused: with reason `out_of_bounds`.
    """
    if len(block.coefficients) % COEFFICIENT_BYTES or block.j1 > DAY_COEFFICIENTS:
        raise MessageRefused(Reason.BOUNDS, "coefficients do not fit the day")
    if int(block.values().max()) >= Q:
        raise MessageRefused(Reason.BOUNDS, "a coefficient reaches q")
    if not block.is_closing:
        if block.commitment:
            raise MessageRefused(Reason.BOUNDS, "a commitment to what the block does not carry")
    elif block.j0 > QUARTER_HOURS_MAX or block.j1 != DAY_COEFFICIENTS:
        raise MessageRefused(Reason.BOUNDS, "what closes a day comes in one block")
    elif not is_commitment(block.commitment):
        raise MessageRefused(Reason.BOUNDS, "the day's commitment is no point of the group")


def holdings_digest(states: list[IncarnationState]) -> bytes:
    """Return the digest (8 bytes) of the states of all a household's incarnations, in any order."""
    ordered = sorted(states, key=lambda state: state.incarnation)
    return hashlib.sha256(msgspec.msgpack.encode(ordered)).digest()[:DIGEST_BYTES]
