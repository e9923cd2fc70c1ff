"""Key shares: a household's seeds on their way to the trustees, sealed to each trustee.

A key share contains the seeds of all sets that include its trustee, in their order. The seeds are
those of a month, and the share is sealed to the trustee's key of that month. Both end with it. The
commitments sent with the shares show the holders of a seed that they received the same one.
"""

import hashlib
import math
import secrets
from collections.abc import Sequence

import msgspec

from protocol.area_cipher import SEED_BYTES, Shape, month_number
from protocol.area_messages import SeedLetters, SeenHeads
from protocol.calendar import day_number, day_of_number, next_month
from protocol.errors import CipherError
from protocol.governance import TrusteeSet
from protocol.hpke import SealingKey, seal
from protocol.roster import RosterEntry

# After its deadline a day's figure waits this long at most for another trustee, and then this long
# for the release worker. Then nobody needs the seeds of the day's month.
WITNESS_DAYS = 7
RELEASE_DAYS = 3
# A chip draws new seeds once its own are so old, on a day of its own within the next two weeks, so
# that not all chips draw on one day.
RENEWED_AFTER_DAYS = 77
RENEWED_WITHIN_DAYS = 14


def first_open_day(today: int, deadline_h: int) -> int:
    """Return the first day (a number) of which a trustee may still open figures on `today`."""
    return today - math.ceil(deadline_h / 24) - WITNESS_DAYS - RELEASE_DAYS


def first_open_month(today: int, deadline_h: int) -> int:
    """Return the first month (number of its first day) that is not closed on `today`.

    Trustees have deleted the seeds and sealing keys of the months before.
    """
    return month_number(max(first_open_day(today, deadline_h), 0))


def closing_day(month: int, deadline_h: int) -> int:
    """Return the day (a number) on which a month (number of its first day) is closed."""
    end = day_number(next_month(day_of_number(month)))
    return end + (end - first_open_day(end, deadline_h))


class LetterContext(msgspec.Struct, frozen=True, array_like=True):
    """The context that binds a key share; `trustee` is the trustee's number in the set."""

    collectivity: str
    household_key: bytes
    generation: int
    month: int
    trustee_set: bytes
    trustee: int


def draw_seeds(shape: Shape) -> tuple[bytes, ...]:
    """Draw one seed (32 bytes) for each seed set."""
    return tuple(secrets.token_bytes(SEED_BYTES) for _ in shape.seed_sets)


def commitment(seed: bytes, number: int) -> bytes:
    """Return SHA-256 over a seed and the number of its seed set."""
    return hashlib.sha256(b"volet seed" + number.to_bytes(2, "big") + seed).digest()


def seal_letter(
    seeds: Sequence[bytes], shape: Shape, context: LetterContext, public_key: bytes
) -> bytes:
    """Seal the seeds of the sets that include one trustee to that trustee."""
    text = b"".join(seeds[number] for number in shape.sets_of(context.trustee))
    return seal(text, public_key, _info(context))


class DrawnSeeds(msgspec.Struct, frozen=True):
    """New seeds of a household, those of `month` (the number of its first day)."""

    household_key: bytes
    generation: int
    month: int
    seeds: tuple[bytes, ...]


def write_letters(
    drawn: DrawnSeeds,
    trustees: TrusteeSet,
    trustee_set: bytes,
    sealing_keys: Sequence[bytes],
    seen: SeenHeads,
) -> SeedLetters:
    """Seal drawn seeds to all trustees of the set with hash `trustee_set`.

    `sealing_keys` are the trustees' public keys of the month, in their order. One that is empty is
    not known, and its trustee gets nothing.
    """
    contexts = (
        LetterContext(
            trustees.collectivity,
            drawn.household_key,
            drawn.generation,
            drawn.month,
            trustee_set,
            number,
        )
        for number in range(len(trustees.trustees))
    )
    return SeedLetters(
        household_key=drawn.household_key,
        generation=drawn.generation,
        month=drawn.month,
        trustees=trustee_set,
        commitments=tuple(commitment(seed, number) for number, seed in enumerate(drawn.seeds)),
        letters=tuple(
            seal_letter(drawn.seeds, trustees.shape, context, key) if key else b""
            for context, key in zip(contexts, sealing_keys, strict=True)
        ),
        seen=seen,
    )


def heads_seen(trustees: bytes, measures: bytes, entry: RosterEntry) -> SeenHeads:
    """Return the heads that a chip with this roster entry names; documents by their hashes."""
    return SeenHeads(trustees, measures, entry.number + 1, entry.hash)


def open_letter(
    letter: bytes, shape: Shape, context: LetterContext, key: SealingKey
) -> dict[int, bytes]:
    """Open a key share and return its seeds by the number of their seed set.

    Raises:
        CipherError: it was sealed to another trustee, to a key of another month or for another
            context, or altered; or there is none.
    """
    text = key.open(letter, _info(context))
    numbers = shape.sets_of(context.trustee)
    if len(text) != SEED_BYTES * len(numbers):
        raise CipherError("this letter does not hold one seed for each set")
    return {number: text[place * SEED_BYTES :][:SEED_BYTES] for place, number in enumerate(numbers)}


def _info(context: LetterContext) -> bytes:
    return b"volet seeds v1" + msgspec.msgpack.encode(context)
