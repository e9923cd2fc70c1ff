"""The proof of an amount: what holds is proven, nothing else is, and every alteration is refused."""

import secrets

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import amount_proof
from protocol.amount_proof import Claim, Interval, Opening, Relation, prove, steps, verify
from protocol.commitment import ORDER, add, add_all, combine, commit_day, generator
from protocol.errors import CipherError

CONTEXT = b"a receipt"
SMALL_ORDER = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
IDENTITY = bytes([1]) + bytes(31)

FEW = settings(max_examples=15, deadline=None)
VALUES = st.lists(st.integers(0, 1 << 26), min_size=12, max_size=12)
WEIGHTS = st.lists(st.integers(-(1 << 60), 1 << 60), min_size=12, max_size=12)
PARTS = st.lists(st.tuples(VALUES, WEIGHTS), min_size=1, max_size=3)


def opening(values) -> Opening:
    return Opening(tuple(values), secrets.randbelow(ORDER))


def total(weights, openings) -> int:
    return sum(
        w * v
        for row, part in zip(weights, openings, strict=True)
        for w, v in zip(row, part.values, strict=True)
    )


def sums_of(openings) -> tuple[bytes, ...]:
    return tuple(commit_day(part.values, part.blinding) for part in openings)


def claim_of(openings, weights, below=100, above=200) -> Claim:
    amount = total(weights, openings)
    return Claim(sums_of(openings), (), Interval(weights, amount - below, amount + above))


def two_registers() -> tuple[Claim, list[Opening]]:
    """Two parts of a month in off-peak and peak hours, and a claim as of a receipt."""
    openings = [opening([140, 212, *[0] * 10]), opening([77, 91, *[0] * 10])]
    weights = ((15_668, 19_288, *[0] * 10), (15_670, 19_300, *[0] * 10))
    return claim_of(openings, weights, 1_000, 1_833), openings


def is_refused(claim, proof, context=CONTEXT) -> bool:
    try:
        verify(context, claim, proof)
    except CipherError:
        return True
    return False


@given(PARTS, st.integers(0, 5_000), st.integers(0, 5_000))
@FEW
def test_a_total_within_its_interval_is_proven(parts, below, above):
    openings = [opening(values) for values, _ in parts]
    claim = claim_of(openings, tuple(tuple(row) for _, row in parts), below, above)
    verify(CONTEXT, claim, prove(CONTEXT, claim, openings))


@given(PARTS, st.integers(1, 3))
@FEW
def test_lines_are_proven_to_the_kwh(parts, count):
    openings = [opening(values) for values, _ in parts]
    rows = tuple(tuple(row) for _, row in parts)
    relations = tuple(
        Relation(
            weights := tuple(tuple(n * w for w in row) for row in rows), total(weights, openings)
        )
        for n in range(1, count + 1)
    )
    claim = Claim(sums_of(openings), relations)
    proof = prove(CONTEXT, claim, openings)
    verify(CONTEXT, claim, proof)
    wrong = msgspec.structs.replace(relations[-1], value=relations[-1].value + 1)
    assert is_refused(msgspec.structs.replace(claim, relations=(*relations[:-1], wrong)), proof)


@given(st.integers(0, 300))
def test_steps_reach_each_number_of_the_interval_and_none_beyond(width):
    reached = {0}
    for step in steps(width):
        reached |= {number + step for number in reached}
    assert reached == set(range(width + 1))


@given(st.integers(0, 2_000), st.data())
@FEW
def test_each_total_of_an_interval_can_be_written_in_its_steps(width, data):
    below = data.draw(st.integers(0, width))
    openings = [opening([5] * 12)]
    claim = claim_of(openings, ((1,) * 12,), below, width - below)
    verify(CONTEXT, claim, prove(CONTEXT, claim, openings))


@pytest.mark.parametrize("off", [-1, 1, -(10**9), 10**9, ORDER])
def test_nobody_proves_a_total_outside_the_interval(off, monkeypatch):
    claim, openings = two_registers()
    width = claim.interval.high - claim.interval.low
    amount = total(claim.interval.weights, openings)
    low = amount + 1 if off > 0 else amount - width - 1
    shifted = Interval(claim.interval.weights, low + off // 2, low + off // 2 + width)
    false_claim = msgspec.structs.replace(claim, interval=shifted)
    with pytest.raises(CipherError):
        prove(CONTEXT, false_claim, openings)
    monkeypatch.setattr(amount_proof, "_check_truth", lambda *_: None)
    assert is_refused(false_claim, prove(CONTEXT, false_claim, openings))


def altered_claims():
    claim, openings = two_registers()
    interval = claim.interval
    (first, second), sums = interval.weights, claim.sums
    replace = msgspec.structs.replace
    dearer = (first[0] + 1, *first[1:])
    stranger = sums_of([opening(openings[0].values)])[0]
    altered = {
        "a lower total": replace(claim, interval=replace(interval, low=interval.low - 1)),
        "a higher end": replace(claim, interval=replace(interval, high=interval.high + 1)),
        "both ends moved": replace(
            claim, interval=Interval(interval.weights, interval.low + 1, interval.high + 1)
        ),
        "another price": replace(claim, interval=replace(interval, weights=(dearer, second))),
        "prices swapped": replace(claim, interval=replace(interval, weights=(second, first))),
        "parts swapped": replace(claim, sums=sums[::-1]),
        "a part twice": replace(claim, sums=(sums[0], sums[0])),
        "another household's part": replace(claim, sums=(stranger, sums[1])),
        "a day more": replace(claim, sums=(add(sums[0], commit_day([1] * 12, 1)), sums[1])),
        "a part moved by a point of small order": replace(
            claim, sums=(add(sums[0], SMALL_ORDER), sums[1])
        ),
        "the identity for a part": replace(claim, sums=(IDENTITY, sums[1])),
        "a part less": Claim(sums[:1], (), Interval((first,), interval.low, interval.high)),
    }
    return claim, openings, altered


@pytest.mark.parametrize("name", altered_claims()[2])
def test_a_proof_holds_for_its_own_claim_only(name):
    claim, openings, altered = altered_claims()
    proof = prove(CONTEXT, claim, openings)
    assert not is_refused(claim, proof)
    assert is_refused(altered[name], proof)


def test_a_proof_cannot_be_used_for_another_receipt():
    claim, openings = two_registers()
    assert is_refused(claim, prove(CONTEXT, claim, openings), b"another receipt")


def scalars_of(proof):
    """Give each scalar of a proof: the field, and where it stands."""
    parts = msgspec.msgpack.decode(proof)
    for field, data in enumerate(parts):
        for first in range(0, len(data), 32):
            is_point = field == 3 and first % 128 == 0
            if not is_point:
                yield field, first


def with_bytes(proof, field, first, data) -> bytes:
    parts = msgspec.msgpack.decode(proof)
    parts[field] = parts[field][:first] + data + parts[field][first + len(data) :]
    return msgspec.msgpack.encode(parts)


def test_a_scalar_written_as_itself_plus_the_order_is_refused():
    claim, openings = two_registers()
    proof = prove(CONTEXT, claim, openings)
    parts = msgspec.msgpack.decode(proof)
    for field, first in scalars_of(proof):
        scalar = int.from_bytes(parts[field][first : first + 32], "little")
        forged = with_bytes(proof, field, first, (scalar + ORDER).to_bytes(32, "little"))
        with pytest.raises(CipherError, match="one form"):
            verify(CONTEXT, claim, forged)


def test_any_scalar_or_point_changed_is_refused():
    claim, openings = two_registers()
    proof = prove(CONTEXT, claim, openings)
    size = len(msgspec.msgpack.decode(proof)[3])
    for field, first in scalars_of(proof):
        assert is_refused(claim, with_bytes(proof, field, first, secrets.token_bytes(31)))
    for first in range(0, size, 128):
        for point in (IDENTITY, SMALL_ORDER, bytes(32), generator("amount"), combine([], 7)):
            assert is_refused(claim, with_bytes(proof, 3, first, point))
        moved = add(msgspec.msgpack.decode(proof)[3][first : first + 32], SMALL_ORDER)
        assert is_refused(claim, with_bytes(proof, 3, first, moved))


@given(st.binary(max_size=80))
def test_no_bytes_are_a_proof(data):
    claim, _ = CLAIMED
    assert is_refused(claim, data)


@given(st.integers(0), st.integers(1, 255))
@settings(max_examples=40, deadline=None)
def test_any_byte_changed_is_refused(position, flip):
    claim, proof = CLAIMED
    changed = bytearray(proof)
    changed[position % len(proof)] ^= flip
    assert is_refused(claim, bytes(changed))
    assert is_refused(claim, proof[: position % len(proof)])
    assert is_refused(claim, proof + b"\0")


def test_a_proof_says_nothing_by_its_size_and_two_of_one_claim_are_unlike():
    claim, openings = two_registers()
    proofs = [prove(CONTEXT, claim, openings) for _ in range(3)]
    assert len(set(proofs)) == len(proofs)
    low = [opening([0] * 12), opening([0] * 12)]
    small = claim_of(low, claim.interval.weights, 1_000, 1_833)
    assert {len(p) for p in proofs} == {len(prove(CONTEXT, small, low))}


def test_claims_of_another_shape_are_refused_on_both_sides():
    claim, openings = two_registers()
    rows = claim.interval.weights
    for bad in (
        Claim(claim.sums),
        Claim((), (), claim.interval),
        Claim(claim.sums, (), Interval(rows[:1], 0, 10)),
        Claim(claim.sums, (), Interval((rows[0][:11], rows[1]), 0, 10)),
        Claim(claim.sums, (), Interval(((1 << 80, *rows[0][1:]), rows[1]), 0, 10)),
        Claim(claim.sums, (), Interval(rows, 10, 9)),
        Claim(claim.sums, (), Interval(rows, 0, 1 << 64)),
    ):
        with pytest.raises(CipherError):
            prove(CONTEXT, bad, openings)
        assert is_refused(bad, CLAIMED[1])


# Each check of the verifier taken out on purpose: the attack that it stops must then succeed.


def test_without_the_one_form_of_scalars_a_proof_is_malleable(monkeypatch):
    claim, proof = CLAIMED
    data = msgspec.msgpack.decode(proof)[1]
    more = (int.from_bytes(data[:32], "little") + ORDER).to_bytes(32, "little")
    forged = with_bytes(proof, 1, 0, more)
    assert is_refused(claim, forged)
    monkeypatch.setattr(amount_proof, "read_scalar", lambda d: int.from_bytes(d, "little"))
    assert not is_refused(claim, forged)


def test_without_the_context_in_the_hash_a_proof_can_be_replayed(monkeypatch):
    hashed = amount_proof._challenge
    monkeypatch.setattr(amount_proof, "_challenge", lambda _, *rest: hashed(b"", *rest))
    claim, openings = two_registers()
    assert not is_refused(claim, prove(CONTEXT, claim, openings), b"another receipt")


def test_without_the_proofs_of_bits_a_total_can_be_lowered(monkeypatch):
    """A "bit" of -1000 would move the interval wherever a forger wants it."""
    claim, openings = two_registers()
    interval = claim.interval
    lower = Interval(interval.weights, interval.low + 3_000, interval.high + 3_000)
    forged_claim = msgspec.structs.replace(claim, interval=lower)
    monkeypatch.setattr(amount_proof, "_check_truth", lambda *_: None)

    def any_number(interval, openings):
        left = total(interval.weights, openings) - interval.low
        bits = [amount_proof._Bit(s, is_set=False) for s in steps(interval.high - interval.low)]
        bits[0].point = combine([(left, generator("amount"))], bits[0].blinding)
        return bits

    monkeypatch.setattr(amount_proof, "_choose_bits", any_number)
    forged = prove(CONTEXT, forged_claim, openings)
    assert is_refused(forged_claim, forged)
    hashed = amount_proof._challenge

    def without_bits(context, claim, points, announced):
        return hashed(context, claim, points, announced[: len(claim.sums) + 1])

    monkeypatch.setattr(amount_proof, "_challenge", without_bits)
    assert not is_refused(forged_claim, prove(CONTEXT, forged_claim, openings))


def test_sums_of_days_are_what_is_proven_of():
    days = [([d, 2 * d, *[0] * 10], secrets.randbelow(ORDER)) for d in range(1, 31)]
    sums = add_all(commit_day(values, blinding) for values, blinding in days)
    part = Opening(
        tuple(map(sum, zip(*(values for values, _ in days), strict=True))),
        sum(blinding for _, blinding in days),
    )
    weights = ((27_000, 20_680, *[0] * 10),)
    amount = total(weights, [part])
    claim = Claim((sums,), (), Interval(weights, amount - 5, amount + 9))
    verify(CONTEXT, claim, prove(CONTEXT, claim, [part]))


def _claimed() -> tuple[Claim, bytes]:
    claim, openings = two_registers()
    return claim, prove(CONTEXT, claim, openings)


CLAIMED = _claimed()
