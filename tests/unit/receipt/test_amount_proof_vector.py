"""A proof that was made once, byte for byte: whoever checks receipts must go on accepting it."""

import hashlib
from pathlib import Path

import msgspec
import pytest

from protocol import amount_proof
from protocol.amount_proof import (
    Claim,
    Interval,
    Opening,
    Relation,
    _part_point,
    prove,
    steps,
    verify,
)
from protocol.commitment import uniform_scalar
from protocol.errors import CipherError

PROOF = bytes.fromhex("".join(Path(__file__).with_name("amount_proof.hex").read_text().split()))
CONTEXT = b"vector"
OPENINGS = [
    Opening((1, 2, 0, 0, 5, 0, 0, 0, 0, 0, 9, 3), 11),
    Opening((400, 0, 7, 0, 0, 0, 0, 0, 0, 0, 40, 0), 13),
]
PRICES = ((10, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, -5),) * 2
FIRST_REGISTER = ((1, *(0,) * 11),) * 2
SUMS = tuple(_part_point((*opening.values, opening.blinding)) for opening in OPENINGS)
CLAIM = Claim(SUMS, (Relation(FIRST_REGISTER, 401),), Interval(PRICES, 3_935, 4_235))
NOTHING = Opening((0,) * 12, 1)


def test_a_proof_of_before_is_accepted():
    verify(CONTEXT, CLAIM, PROOF)


def test_the_same_randomness_makes_the_same_proof(monkeypatch):
    count = iter(range(1, 1_000))
    monkeypatch.setattr(
        amount_proof,
        "_random",
        lambda: uniform_scalar(hashlib.sha512(b"vector %d" % next(count)).digest()),
    )
    assert prove(CONTEXT, CLAIM, OPENINGS) == PROOF


def test_commitments_are_sums_of_the_generators():
    assert [point.hex()[:16] for point in SUMS] == ["ed8fb289cdd69872", "9ce055989cd3eef6"]


def of_parts(count, relations=1, weight=1) -> Claim:
    point = _part_point((*NOTHING.values, NOTHING.blinding))
    row = ((weight, *(0,) * 11),) * count
    return Claim((point,) * count, (Relation(row, 0),) * relations)


@pytest.mark.parametrize(
    "claim",
    [of_parts(1), of_parts(64), of_parts(1, 4_096), of_parts(1, 1, 2**80 - 1)],
    ids=["one_part", "64_parts", "4096_relations", "the_largest_weight"],
)
def test_claims_up_to_the_limits_are_proven(claim):
    openings = [NOTHING] * len(claim.sums)
    verify(CONTEXT, claim, prove(CONTEXT, claim, openings))


@pytest.mark.parametrize(
    "claim",
    [
        *(of_parts(65), of_parts(1, 4_097), of_parts(1, 0)),
        *(of_parts(1, 1, 2**80), of_parts(1, 1, -(2**80)), Claim((), (Relation((), 0),))),
    ],
    ids=["65_parts", "4097_relations", "nothing", "a_weight", "a_negative_weight", "no_part"],
)
def test_claims_beyond_the_limits_are_refused_on_both_sides(claim):
    with pytest.raises(CipherError):
        prove(CONTEXT, claim, [NOTHING] * len(claim.sums))
    with pytest.raises(CipherError, match=r"parts|weight"):
        verify(CONTEXT, claim, b"")


def test_an_interval_has_64_bits_at_most():
    assert steps(2**64 - 1) == [1 << n for n in range(64)]
    assert steps(0) == []
    for width in (2**64, -1):
        with pytest.raises(CipherError):
            steps(width)


SMALL_ORDER = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")


@pytest.mark.parametrize(
    "changed",
    [
        {"relations": (Relation(FIRST_REGISTER, 401), Relation(FIRST_REGISTER[:1], 1))},
        {"relations": (Relation(FIRST_REGISTER, 401), Relation(((1,) * 11, (1,) * 12), 1))},
        {"relations": (Relation(FIRST_REGISTER, 401), Relation(((2**80,) * 12,) * 2, 1))},
        {"sums": (SUMS[0], SMALL_ORDER)},
        {"sums": (SMALL_ORDER, SUMS[1])},
    ],
    ids=["a_part_too_few", "a_weight_too_few", "a_weight", "the_last_point", "the_first_point"],
)
def test_one_bad_place_of_a_claim_is_enough_to_refuse_it(changed):
    claim = msgspec.structs.replace(CLAIM, **changed)
    with pytest.raises(CipherError, match=r"^a claim has a weight|^a sum of commitments is no"):
        verify(CONTEXT, claim, PROOF)


def test_nothing_is_proven_of_commitments_that_open_to_something_else():
    """Relation and interval hold of the values; the blinding is another."""
    others = [Opening(opening.values, opening.blinding + 1) for opening in OPENINGS]
    for claim in (CLAIM, msgspec.structs.replace(CLAIM, interval=None)):
        with pytest.raises(CipherError, match="does not follow from what was committed"):
            prove(CONTEXT, claim, others)


def test_a_bit_that_is_no_point_is_named():
    proof = msgspec.msgpack.decode(PROOF)
    proof[3] = SMALL_ORDER + proof[3][32:]
    with pytest.raises(CipherError, match="a bit's commitment is no point"):
        verify(CONTEXT, CLAIM, msgspec.msgpack.encode(proof))
