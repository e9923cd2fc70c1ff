"""No fault of the line makes a value that the meter did not send."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.tic.consistency import ConsistencyCheck
from edge.tic.decoder import Decoder
from edge.tic.frame import Frame
from edge.tic.labels import LABELS
from tests.unit.tic.tic_streams import (
    SINGLE_FAULTS,
    lose_stretch,
    meter_stream,
    repeat_stretch,
    reported,
    swap_bytes,
    with_parity,
)

STREAMS = 100_000
START = datetime(2026, 1, 14, 17, tzinfo=UTC)
PERIOD = timedelta(seconds=1)
# Eight frames' rise and the most that the limits allow in one frame period.
DRAWABLE_WH = 40


def decode(stream: bytes) -> list[Frame]:
    decoder = Decoder()
    return decoder.feed(stream) + decoder.finish()


def check_damaged_stream(seed: int) -> None:
    """A fault in each of several frames, on a line with or without parity.

    Two faults in one group may cancel: what then passes is for `ConsistencyCheck`, see below.
    """
    rng = random.Random(seed)
    stream, said = meter_stream(rng)
    if rng.random() < 0.5:
        stream = with_parity(stream)
    frames = [frame + b"\x03" for frame in stream.split(b"\x03")[:-1]]
    damaged = b"".join(rng.choice(SINGLE_FAULTS)(rng, frame) for frame in frames)
    false = reported(decode(damaged)) - said
    assert not false, f"seed {seed}: {false}"


def check_random_stream(seed: int) -> None:
    """Random bytes, some of them drawn from what meters send."""
    rng = random.Random(seed)
    alphabet = b"\x02\x03\x04\r\n\t 0123456789ABCDEFHIJMNOPRSTU.-+"
    size = rng.randrange(600)
    stream = rng.randbytes(size) if seed % 2 else bytes(rng.choices(alphabet, k=size))
    assert decode(stream) == [], f"seed {seed}"


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_damaged_streams_give_no_false_value(seed):
    check_damaged_stream(seed)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_random_streams_give_nothing(seed):
    check_random_stream(seed)


@given(st.binary(max_size=2000))
def test_any_bytes_are_survived(stream):
    decode(stream)


@pytest.mark.long
def test_a_hundred_thousand_streams_give_no_exception_and_no_false_value():
    for seed in range(STREAMS):
        if seed % 4 == 0:
            check_random_stream(seed)
        else:
            check_damaged_stream(seed)


@pytest.mark.parametrize("fault", [swap_bytes, lose_stretch, repeat_stretch])
def test_what_the_checksum_cannot_see_is_held_back_by_the_frames_before(fault):
    """A false register may pass only within what could have been drawn since the last frame."""
    passed = 0
    for seed in range(400):
        rng = random.Random(seed)
        stream, said = meter_stream(rng, frames=8)
        third = len(stream) // 3
        damaged = stream[:third] + fault(rng, stream[third : 2 * third]) + stream[2 * third :]
        check = ConsistencyCheck()
        frames = [check.check(frame, START + n * PERIOD) for n, frame in enumerate(decode(damaged))]
        for label, value, _ in reported(frames) - said:
            assert not LABELS[label].is_fixed, f"seed {seed}: {label} {value}"
            if LABELS[label].is_register:
                true = min(int(true) for name, true, _ in said if name == label)
                assert 0 <= int(value) - true <= DRAWABLE_WH, f"seed {seed}: {label} {value}"
        passed += len(reported(frames))
    assert passed > 400 * 10
