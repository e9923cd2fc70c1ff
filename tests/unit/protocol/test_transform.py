"""A curve's transform, days of 92, 96 and 100 quarter-hours, and the clip on the grid."""

from datetime import date

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from protocol.errors import CipherError, DocumentRefused
from protocol.transform import (
    Transform,
    clip_to_grid,
    clock_places,
    day_type,
    from_clock,
    read_transform,
    to_clock,
)

SHORT, PLAIN, LONG = date(2026, 3, 29), date(2026, 3, 30), date(2026, 10, 25)
ABSENT = np.full(96, -7.0)


def make(rows=3):
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(rows, 96)).astype("<f4")
    profiles = rng.normal(size=(2, 96)).astype("<f4")
    return Transform(200, rows, matrix.tobytes(), profiles.tobytes(), bytes(32))


def test_a_transform_survives_its_bytes():
    transform = make()
    read = read_transform(msgspec.msgpack.encode(transform))
    assert read == transform
    assert read.matrix_values().shape == (3, 96)
    assert not np.array_equal(read.profile(PLAIN), read.profile(LONG))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        msgspec.msgpack.encode(msgspec.structs.replace(make(), rows=4)),
        msgspec.msgpack.encode(msgspec.structs.replace(make(), profiles=bytes(4))),
        msgspec.msgpack.encode(
            msgspec.structs.replace(make(), matrix=np.full((3, 96), np.nan, "<f4").tobytes())
        ),
    ],
)
def test_what_is_no_transform_is_refused(data):
    with pytest.raises(DocumentRefused):
        read_transform(data)


def test_a_plain_day_stays_as_it_is():
    curve = np.arange(96.0)
    assert np.array_equal(to_clock(curve, PLAIN, ABSENT), curve)
    assert np.array_equal(from_clock(curve, PLAIN), curve)
    assert [day_type(each) for each in (PLAIN, SHORT)] == [0, 1]


def test_the_hour_that_the_clock_skips_is_the_profiles():
    clock = to_clock(np.arange(92.0), SHORT, ABSENT)
    assert np.array_equal(clock[8:12], ABSENT[8:12])
    assert np.array_equal(np.delete(clock, range(8, 12)), np.arange(92.0))
    assert np.array_equal(from_clock(clock, SHORT), np.arange(92.0))


def test_the_hour_that_comes_twice_is_the_mean_of_its_two():
    clock = to_clock(np.arange(100.0), LONG, ABSENT)
    assert np.array_equal(clock[8:12], (np.arange(8.0, 12) + np.arange(12.0, 16)) / 2)
    assert np.array_equal(clock[12:], np.arange(16.0, 100))
    assert len(from_clock(clock, LONG)) == 100


def test_each_place_of_the_clock_comes_as_often_as_the_day_says():
    for day, count in ((SHORT, 92), (PLAIN, 96), (LONG, 100)):
        assert len(clock_places(day)) == count
        assert set(clock_places(day)) <= set(range(96))


def test_a_curve_of_another_length_is_refused():
    with pytest.raises(CipherError, match="92 quarter-hours"):
        to_clock(np.zeros(96), SHORT, ABSENT)


@given(arrays(np.float64, st.integers(1, 96), elements=st.floats(-1e6, 1e6)), st.integers(8, 32))
def test_a_clipped_code_is_never_longer_than_the_grid(code, bits):
    grid = 1 << bits
    scaled = clip_to_grid(code, grid)
    assert sum(int(value) ** 2 for value in scaled) <= grid**2
    norm = float(np.linalg.norm(code))
    wanted = code * grid / max(norm, 1.0)
    assert np.abs(scaled - wanted).max() <= 2 + 1e-6 * grid


def test_a_transform_has_a_row_or_more():
    one = make(rows=1)
    assert read_transform(msgspec.msgpack.encode(one)) == one
    none = msgspec.structs.replace(one, rows=0, matrix=b"")
    with pytest.raises(DocumentRefused):
        read_transform(msgspec.msgpack.encode(none))
