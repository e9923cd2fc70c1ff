"""Proof that committed registers cost what a receipt states. It reveals nothing else.

The days under one tariff form a *part*. The commitments of a part add up to
A_i = Σ_r M_ir·G_r + R_i·H, where the M_ir are the part's kWh (protocol/commitment.py). A claim
about them consists of

* *relations* Σ w_ir·M_ir = v: the kWh of a line, if the household shares them with its provider;
* at most one *interval* low ≤ Σ w_ir·M_ir ≤ high: the price-weighted total, as closely as the cents
  of a bill determine it. The exact total is not opened, since it could reveal both of two registers
  (docs/decisions/0013-commitments.md).

For an interval of width W the chip commits to T = Σ w·M as V = low·G + Σ u_k·B_k. The bits are
B_k = b_k·G + r_k·H. The public u_k (1, 2, 4 …, the last one smaller) reach 0 to W and nothing else.
One challenge, hashed from everything public, covers three statements:

* A_i opens to some (z = a + c·M, s = b + c·R), with Σ w·z = Σ w·a + c·v for each relation.
* V opens to the interval's sum of the same M: Σ w·z·G + s_V·H = D_V + c·V.
* Each B_k opens to 0 or 1: two Schnorr proofs, one of them simulated, with c = c_0 + c_1.

*Soundness*: take two accepted transcripts with the same announcements and challenges c ≠ c'. Then
(z - z') / (c - c') opens every A_i, fulfils every relation and opens V. For each bit, one of the
two challenges differs, which opens B_k to 0 or to 1. So V opens both to T in [low, high] and to
Σ w·M; if these differed modulo the order, they would give a relation between the generators.
Nothing wraps: values stay below 2^20 a day and weights below 2^80. *Zero knowledge*: given c,
uniform z, s and bit answers determine the announcements, so a simulator needs no secret. The B_k
hide perfectly.

The proof cannot detect a chip that commits to wrong values on the day itself.
"""

import hashlib
import secrets
from collections.abc import Iterator, Sequence

import msgspec

from protocol.commitment import (
    COMMITTED_VALUES,
    ORDER,
    POINT_BYTES,
    SCALAR_BYTES,
    combine,
    day_generators,
    generator,
    is_commitment,
    read_scalar,
    scalar_bytes,
    subtract,
    uniform_scalar,
)
from protocol.errors import CipherError
from protocol.packed import read_packed

LABEL = b"volet amount proof v1"
PARTS_MAX = 64
RELATIONS_MAX = 64 * PARTS_MAX
WEIGHT_LIMIT = 1 << 80
# Beyond this a bill's lines would have to be wrong by millions of euros.
INTERVAL_BITS_MAX = 64

Row = tuple[int, ...]
# One row of twelve weights per part, in the order of the parts.
WeightRows = tuple[Row, ...]


class Relation(msgspec.Struct, frozen=True):
    """Σ weights·values = value, over all parts."""

    weights: WeightRows
    value: int


class Interval(msgspec.Struct, frozen=True):
    """low ≤ Σ weights·values ≤ high, over all parts."""

    weights: WeightRows
    low: int
    high: int


class Claim(msgspec.Struct, frozen=True):
    """A claim about parts; the commitments of each part add up to an entry of `sums` (32 bytes)."""

    sums: tuple[bytes, ...]
    relations: tuple[Relation, ...] = ()
    interval: Interval | None = None


class Opening(msgspec.Struct, frozen=True):
    """The opening of a part's commitments: twelve sums of values and the sum of the blindings."""

    values: Row
    blinding: int


class _Proof(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Concatenated scalars and points; `bits` holds B, c_0, z_0 and z_1 of each bit."""

    challenge: bytes
    responses: bytes
    total: bytes
    bits: bytes


_BIT_BYTES = POINT_BYTES + 3 * SCALAR_BYTES
_PART_SCALARS = COMMITTED_VALUES + 1


def steps(width: int) -> list[int]:
    """Return numbers whose subset sums are exactly 0 to `width`."""
    if width < 0 or width.bit_length() > INTERVAL_BITS_MAX:
        raise CipherError("the interval of a proof is empty, or no bill is as wrong as that")
    count = width.bit_length()
    powers = [1 << k for k in range(count - 1)]
    return [*powers, width - sum(powers)] if count else []


def prove(context: bytes, claim: Claim, openings: Sequence[Opening]) -> bytes:
    """Prove a true claim and bind the proof to `context`.

    Raises:
        CipherError: the openings do not belong to the claim, or the claim is false.
    """
    _check_claim(claim)
    _check_truth(claim, openings)
    nonces = [[_random() for _ in range(_PART_SCALARS)] for _ in openings]
    announced = [_part_point(nonce) for nonce in nonces]
    announced += [scalar_bytes(_weighted(relation.weights, nonces)) for relation in claim.relations]
    bits: list[_Bit] = []
    total_blinding = total_nonce = 0
    if claim.interval is not None:
        bits = _choose_bits(claim.interval, openings)
        total_blinding = sum(bit.step * bit.blinding for bit in bits)
        total_nonce = _random()
        weighted = _weighted(claim.interval.weights, nonces)
        announced.append(combine([(weighted, _amount())], total_nonce))
    points = [bit.point for bit in bits]
    announced += [point for bit in bits for point in bit.announce()]
    challenge = _challenge(context, claim, points, announced)
    responses = [
        [n + challenge * value for n, value in zip(nonce, (*o.values, o.blinding), strict=True)]
        for nonce, o in zip(nonces, openings, strict=True)
    ]
    total = [] if claim.interval is None else [total_nonce + challenge * total_blinding]
    proof = _Proof(
        scalar_bytes(challenge),
        _join(scalar for response in responses for scalar in response),
        _join(total),
        b"".join(bit.answer(challenge) for bit in bits),
    )
    return msgspec.msgpack.encode(proof)


def verify(context: bytes, claim: Claim, proof: bytes) -> None:
    """Check that a proof holds for a claim and `context`.

    Raises:
        CipherError: it does not, or it is not canonical. The error does not name the place.
    """
    _check_claim(claim)
    challenge, responses, total, bits = _read(claim, proof)
    announced = [
        subtract(_part_point(response), combine([(challenge, point)]))
        for response, point in zip(responses, claim.sums, strict=True)
    ]
    announced += [
        scalar_bytes(_weighted(relation.weights, responses) - challenge * relation.value)
        for relation in claim.relations
    ]
    points = [point for point, _ in bits]
    if claim.interval is not None:
        interval = claim.interval
        widths = steps(interval.high - interval.low)
        committed = combine([(interval.low, _amount()), *zip(widths, points, strict=True)])
        answered = combine([(_weighted(interval.weights, responses), _amount())], total)
        announced.append(subtract(answered, combine([(challenge, committed)])))
    for point, (zero_challenge, zero, one) in bits:
        one_point = subtract(point, _amount())
        announced.append(subtract(combine([], zero), combine([(zero_challenge, point)])))
        announced.append(
            subtract(combine([], one), combine([(challenge - zero_challenge, one_point)]))
        )
    if _challenge(context, claim, points, announced) != challenge:
        raise CipherError("the proof of the amount does not hold")


class _Bit:
    """One bit of the total above the interval's low end, during its proof."""

    def __init__(self, step: int, *, is_set: bool) -> None:
        self.step = step
        self.blinding = _random()
        self.point = combine([(int(is_set), _amount())], self.blinding)
        self._is_set = is_set
        self._nonce = _random()
        # The false branch is simulated: challenge and answer are drawn first and determine the
        # announcement.
        self._other_challenge, self._other = _random(), _random()

    def announce(self) -> tuple[bytes, bytes]:
        """Return the announcements of "is 0" and "is 1"."""
        other_point = self.point if self._is_set else subtract(self.point, _amount())
        own = combine([], self._nonce)
        other = subtract(combine([], self._other), combine([(self._other_challenge, other_point)]))
        return (other, own) if self._is_set else (own, other)

    def answer(self, challenge: int) -> bytes:
        """Return B, c_0, z_0, z_1."""
        own_challenge = (challenge - self._other_challenge) % ORDER
        own = self._nonce + own_challenge * self.blinding
        scalars = (
            (self._other_challenge, self._other, own)
            if self._is_set
            else (own_challenge, own, self._other)
        )
        return self.point + _join(scalars)


def _choose_bits(interval: Interval, openings: Sequence[Opening]) -> list[_Bit]:
    """Decompose the total above the low end into steps, taking the largest first."""
    left = _weighted(interval.weights, [opening.values for opening in openings]) - interval.low
    sizes = steps(interval.high - interval.low)
    is_set = {}
    for place in sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True):
        is_set[place] = left >= sizes[place]
        left -= sizes[place] * is_set[place]
    return [_Bit(step, is_set=is_set[place]) for place, step in enumerate(sizes)]


def _check_claim(claim: Claim) -> None:
    """Check that a claim is well formed. Both sides derive it from public documents."""
    rows = [relation.weights for relation in claim.relations]
    rows += [] if claim.interval is None else [claim.interval.weights]
    if not 0 < len(claim.sums) <= PARTS_MAX or len(claim.relations) > RELATIONS_MAX or not rows:
        raise CipherError("a proof covers 1 to 64 parts and says something of them")
    if any(len(row) != len(claim.sums) for row in rows) or any(
        len(part) != COMMITTED_VALUES or any(abs(weight) >= WEIGHT_LIMIT for weight in part)
        for row in rows
        for part in row
    ):
        raise CipherError("a claim has a weight for each value of each part, below 2^80")
    if not all(is_commitment(point) for point in claim.sums):
        raise CipherError("a sum of commitments is no point of the group")


def _check_truth(claim: Claim, openings: Sequence[Opening]) -> None:
    """Check that a claim holds; the verifier would refuse the proof of a false one."""
    sums = tuple(_part_point((*o.values, o.blinding)) for o in openings)
    values = [opening.values for opening in openings]
    is_true = sums == claim.sums and all(
        _weighted(relation.weights, values) == relation.value for relation in claim.relations
    )
    if is_true and claim.interval is not None:
        total = _weighted(claim.interval.weights, values)
        is_true = claim.interval.low <= total <= claim.interval.high
    if not is_true:
        raise CipherError("the claim does not follow from what was committed")


def _read(
    claim: Claim, data: bytes
) -> tuple[int, list[list[int]], int, list[tuple[bytes, tuple[int, int, int]]]]:
    """Decode a proof; returns challenge, responses by part, response of the total, and bits."""
    try:
        proof = read_packed(data, _Proof)
    except msgspec.MsgspecError as exc:
        raise CipherError("this is no proof of an amount") from exc
    interval = claim.interval
    count = 0 if interval is None else len(steps(interval.high - interval.low))
    lengths = (len(proof.responses), len(proof.total), len(proof.bits))
    if (
        lengths
        != (
            len(claim.sums) * _PART_SCALARS * SCALAR_BYTES,
            0 if interval is None else SCALAR_BYTES,
            count * _BIT_BYTES,
        )
        or msgspec.msgpack.encode(proof) != data
    ):
        raise CipherError("this proof is of another shape than its claim")
    scalars = list(_scalars(proof.responses))
    responses = [
        scalars[first : first + _PART_SCALARS] for first in range(0, len(scalars), _PART_SCALARS)
    ]
    bits = []
    for first in range(0, len(proof.bits), _BIT_BYTES):
        point = proof.bits[first : first + POINT_BYTES]
        if not is_commitment(point):
            raise CipherError("a bit's commitment is no point of the group")
        zero_challenge, zero, one = _scalars(proof.bits[first + POINT_BYTES : first + _BIT_BYTES])
        bits.append((point, (zero_challenge, zero, one)))
    total = 0 if interval is None else read_scalar(proof.total)
    return read_scalar(proof.challenge), responses, total, bits


def _challenge(
    context: bytes, claim: Claim, points: Sequence[bytes], announced: Sequence[bytes]
) -> int:
    """Hash everything public. Integers become text because MessagePack's are too small."""
    interval = claim.interval
    public = (
        LABEL,
        context,
        (*day_generators(), _amount()),
        claim.sums,
        [(_texts(relation.weights), str(relation.value)) for relation in claim.relations],
        None
        if interval is None
        else (_texts(interval.weights), str(interval.low), str(interval.high)),
        tuple(points),
        tuple(announced),
    )
    return uniform_scalar(hashlib.sha512(msgspec.msgpack.encode(public)).digest())


def _texts(rows: WeightRows) -> list[list[str]]:
    return [[str(weight) for weight in row] for row in rows]


def _weighted(rows: WeightRows, values: Sequence[Sequence[int]]) -> int:
    """Return Σ weights·values over all parts, using the first twelve values of each row."""
    return sum(
        weight * value
        for row, part in zip(rows, values, strict=True)
        for weight, value in zip(row, part[:COMMITTED_VALUES], strict=True)
    )


def _part_point(scalars: Sequence[int]) -> bytes:
    """Return Σ scalar·G_r + last·H."""
    return combine(zip(scalars[:-1], day_generators(), strict=True), scalars[-1])


def _amount() -> bytes:
    return generator("amount")


def _random() -> int:
    return uniform_scalar(secrets.token_bytes(2 * SCALAR_BYTES))


def _join(scalars: Sequence[int] | Iterator[int]) -> bytes:
    return b"".join(scalar_bytes(scalar) for scalar in scalars)


def _scalars(data: bytes) -> Iterator[int]:
    for first in range(0, len(data), SCALAR_BYTES):
        yield read_scalar(data[first : first + SCALAR_BYTES])
