"""The area lane's cipher: sums open with every seed, and a missing one leaves noise."""

import math
import secrets
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.area_cipher import (
    SHAPES,
    MaskContext,
    Shape,
    add_up,
    check_shape,
    from_bytes,
    mask,
    mask_key,
    mask_values,
    to_bytes,
    unmask,
)
from protocol.errors import CipherError
from tests.support.sweeps import swept

DAY = 20_522
HOUSEHOLDS = 1_024
SLOTS = 97
CONSTANT = 1_234_567
# False alarm below 1e-9: the upper quantile of chi-square by Wilson and Hilferty, at z = 6.
Z = 6.0


def chi_square_is_uniform(words) -> bool:
    """Say whether the bytes of words, uint64[...], pass for uniform, each place by itself."""
    columns = np.ascontiguousarray(words).view(np.uint8).reshape(-1, 8)
    expected = len(columns) / 256
    limit = 255 * (1 - 2 / (9 * 255) + Z * math.sqrt(2 / (9 * 255))) ** 3
    statistics = [
        ((np.bincount(column, minlength=256) - expected) ** 2 / expected).sum()
        for column in columns.T
    ]
    return max(statistics) < limit


def seed_of(household: int, number: int, salt=b"") -> bytes:
    return (b"%d seed %d" % (household, number) + salt).ljust(32, b".")


def nonce_of(household: int, day: int = DAY) -> bytes:
    return (b"%d on %d" % (household, day)).ljust(16, b".")


def key_of(household: int) -> bytes:
    return b"%016d" % household


def context_of(**changes) -> MaskContext:
    fields = {"document": bytes(32), "measure": "curve", "group": "75", "slots": SLOTS, "day": DAY}
    return MaskContext(**(fields | changes))


def left_to_a_coalition(shape, coalition, *, seeds=seed_of, nonces=nonce_of, keys=key_of, day=DAY):
    """What t - 1 trustees and the cloud have of a constant plaintext.

    Returns the ciphertexts less all masks they know, uint64[HOUSEHOLDS, SLOTS], and these masks.
    """
    held = {number for trustee in coalition for number in shape.sets_of(trustee)}
    numbers = range(len(shape.seed_sets))
    rows = np.empty((HOUSEHOLDS, SLOTS), np.uint64)
    known = {number: np.empty_like(rows) for number in held}
    for household in range(HOUSEHOLDS):
        own = [seeds(household, number) for number in numbers]
        args = (context_of(day=day), nonces(household, day))
        key = keys(household)
        masked = mask_values(np.full(SLOTS, CONSTANT), own, key, *args)
        for number in held:
            known[number][household] = mask(mask_key(own[number], key, day), *args)
            masked -= known[number][household]
        rows[household] = masked
    return rows, known


def views(rows, known):
    """Give what an attacker would look at: the remainder, and it against all that is at hand."""
    yield rows
    yield rows[:, 1:] - rows[:, :-1]
    yield rows[1:] - rows[:-1]
    for words in known.values():
        yield rows - words


def is_uniform(left) -> bool:
    return all(chi_square_is_uniform(view) for view in views(*left))


def coalitions(shape):
    return combinations(range(shape.trustees), shape.threshold - 1)


@pytest.mark.parametrize(
    ("shape", "coalition"),
    swept([(shape, coalition) for shape in SHAPES for coalition in coalitions(shape)], 4),
    ids=str,
)
def test_what_any_coalition_below_the_threshold_is_left_with_is_uniform(shape, coalition):
    assert is_uniform(left_to_a_coalition(shape, coalition))


def test_every_coalition_below_the_threshold_lacks_a_seed_and_every_quorum_has_all():
    for shape in SHAPES:
        for code in range(2**shape.trustees):
            members = [n for n in range(shape.trustees) if code >> n & 1]
            assert shape.covers(members) == (len(members) >= shape.threshold)


def test_sabotage_with_a_quorum_the_remainder_is_the_plaintext():
    rows, known = left_to_a_coalition(Shape(2, 2), (0, 1))
    assert (rows == CONSTANT).all()
    assert not is_uniform((rows, known))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sabotage_one_seed_for_all_sets_is_seen(shape):
    """A coalition that holds a missing seed under another number takes its mask off."""
    coalition = range(shape.threshold - 1)
    left = left_to_a_coalition(shape, coalition, seeds=lambda household, _: seed_of(household, 0))
    assert not is_uniform(left)


def test_sabotage_a_seed_and_nonce_that_households_share_are_seen():
    left = left_to_a_coalition(
        Shape(3, 4),
        (0, 1),
        seeds=lambda _, number: seed_of(0, number),
        nonces=lambda _, day: nonce_of(0, day),
        keys=lambda _: key_of(0),
    )
    assert not is_uniform(left)


def test_the_household_key_keeps_a_seed_that_is_shared_apart():
    left = left_to_a_coalition(Shape(3, 4), (0, 1), seeds=lambda _, number: seed_of(0, number))
    assert is_uniform(left)


def test_sabotage_a_context_without_the_day_is_seen(monkeypatch):
    """One keystream on two days: the remainder's difference is that of the plaintexts."""

    def two_days():
        left = [
            left_to_a_coalition(
                Shape(3, 4), (0, 1), nonces=lambda household, _: nonce_of(household), day=day
            )[0]
            for day in (DAY, DAY + 1)
        ]
        return left[1] - left[0]

    assert chi_square_is_uniform(two_days())
    # The month's keys of both days are the same.
    monkeypatch.setattr(MaskContext, "encoded", lambda _: b"")
    assert not chi_square_is_uniform(two_days())


def test_sabotage_a_biased_mask_is_seen():
    rows, known = left_to_a_coalition(Shape(2, 3), (0,))
    assert not is_uniform((rows & np.uint64(2**63 - 1), known))
    assert not is_uniform((np.where(rows % np.uint64(40) == 0, CONSTANT, rows), known))


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(SHAPES), st.data())
def test_sum_of_masked_unmasks_to_the_sum(shape, data):
    count, slots = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 97))
    bound = 2**63 // count - 1
    values = np.array(
        data.draw(
            st.lists(
                st.lists(st.integers(-bound, bound), min_size=slots, max_size=slots),
                min_size=count,
                max_size=count,
            )
        )
        if slots < 5
        else np.random.default_rng(slots).integers(-bound, bound, (count, slots)),
        np.int64,
    )
    numbers = range(len(shape.seed_sets))
    seeds = [[secrets.token_bytes(32) for _ in numbers] for _ in range(count)]
    nonces = [secrets.token_bytes(16) for _ in range(count)]
    context = context_of(slots=slots)
    rows = np.array(
        [mask_values(values[n], seeds[n], key_of(n), context, nonces[n]) for n in range(count)]
    )
    masks = [
        add_up(
            np.array(
                [
                    mask(mask_key(seeds[n][number], key_of(n), DAY), context, nonces[n])
                    for n in range(count)
                ]
            )
        )
        for number in numbers
    ]
    assert (unmask(add_up(rows), masks) == values.sum(axis=0)).all()
    assert len(numbers) == 1 or not (unmask(add_up(rows), masks[1:]) == values.sum(axis=0)).all()


def test_masks_differ_by_each_part_of_the_context_nonce_household_month_and_seed():
    key, nonce = mask_key(seed_of(0, 0), key_of(0), DAY), nonce_of(0)
    changes = {"document": b"d" * 32, "measure": "classes", "group": "7", "slots": 98}
    assert {*changes, "day"} == set(MaskContext.__struct_fields__)
    streams = [
        mask(key, context_of(), nonce),
        mask(key, context_of(day=DAY + 1), nonce),
        *(mask(key, context_of(**{name: value}), nonce) for name, value in changes.items()),
        mask(key, context_of(), nonce_of(1)),
        mask(mask_key(seed_of(0, 1), key_of(0), DAY), context_of(), nonce),
        mask(mask_key(seed_of(0, 0), key_of(1), DAY), context_of(), nonce),
        mask(mask_key(seed_of(0, 0), key_of(0), DAY + 31), context_of(day=DAY + 31), nonce),
    ]
    words = np.concatenate(streams)
    assert len(set(words.tolist())) == len(words)


@given(st.data())
def test_two_contexts_never_have_one_encoding(data):
    texts = st.text("ab\0", max_size=3)
    contexts = st.builds(
        MaskContext, st.binary(max_size=2), texts, texts, st.integers(1, 300), st.integers(0, 300)
    )
    first, second = data.draw(contexts), data.draw(contexts)
    assert (first.encoded() == second.encoded()) == (first == second)


def test_month_key_is_one_for_a_month():
    first = mask_key(seed_of(0, 0), key_of(0), DAY)
    assert first == mask_key(seed_of(0, 0), key_of(0), DAY + 1)
    assert len(first) == 32


def test_words_go_over_the_wire_and_half_a_word_is_refused():
    words = np.array([0, 1, 2**64 - 1], np.uint64)
    assert (from_bytes(to_bytes(words)) == words).all()
    assert to_bytes(words)[8:16] == b"\1" + bytes(7)
    with pytest.raises(CipherError):
        from_bytes(b"1234567")


def test_other_shapes_are_refused():
    for shape in SHAPES:
        check_shape(shape)
    with pytest.raises(CipherError, match="not offered"):
        check_shape(Shape(1, 2))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_two_sets_take_as_many_liars_as_honest_trustees_leave_to_two_quorums(shape):
    """Each honest trustee answers for one set, a liar for both; counted over all splits."""
    everyone = set(range(shape.trustees))
    needed = min(
        liars
        for liars in range(shape.threshold + 1)
        for one in combinations(range(liars, shape.trustees), shape.threshold - liars)
        if shape.covers({*range(liars), *(everyone - set(one))})
        and shape.covers({*range(liars), *one})
    )
    assert shape.liars_for_two_sets == needed
