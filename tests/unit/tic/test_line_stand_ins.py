"""What clients of the home network get in the place of true numbers."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.tic.decoder import Decoder
from edge.tic.frame import Mode
from edge.tic.groups import encode_group
from edge.tic.masking import Mask, StandIns
from edge.tic.repeater.choice import load_repeater, turn_on
from tests.unit.tic.test_masking import SEEDS, Home, damaged, frames, left, shape
from tests.unit.tic.tic_streams import with_parity

OTHERS = StandIns(b"000000246813", b"00000013579246")
NUMBERS = {"ADSC": OTHERS.serial, "ADCO": OTHERS.serial, "PRM": OTHERS.prm}
MASKED = {*NUMBERS, "MSG1", "MSG2"}


def masked(stream: bytes, cuts=()) -> bytes:
    """Mask a stream that comes in portions cut at `cuts`."""
    mask, done, at = Mask(OTHERS), b"", 0
    mask._shuffle = list.sort
    for end in (*cuts, len(stream)):
        done += mask.feed(stream[at:end])
        at = end
    return done + mask.finish()


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(0, 30), st.booleans())
def test_true_numbers_are_never_there_however_the_line_is_damaged(seed, count, has_parity):
    home = Home(seed)
    stream = damaged(home, count, has_parity=has_parity)
    cuts = sorted(home.rng.sample(range(len(stream)), min(9, len(stream))))
    done = masked(stream, cuts)
    assert left(home, done) == set()
    assert len(done) == len(stream)


@pytest.mark.parametrize("seed", range(4))
def test_a_line_that_is_cut_anywhere_gives_the_same(seed):
    """Also one of which each byte comes by itself."""
    home = Home(seed, frames=2)
    stream = with_parity(home.stream) if seed % 2 else home.stream
    whole = masked(stream)
    assert masked(stream, range(1, len(stream))) == whole
    assert all(masked(stream, [at]) == whole for at in range(seed, len(stream), 4))
    assert left(home, whole) == set()


@pytest.mark.parametrize("seed", range(3))
def test_no_single_lost_or_wrong_byte_shows_a_number(seed):
    """Each byte of the second frame in turn is lost, or has the one or the other wrong bit."""
    home = Home(seed, frames=2)
    stream = home.stream
    for at in range(len(stream) // 2, len(stream)):
        instead = (b"", bytes([stream[at] ^ 1]), bytes([stream[at] ^ 0x40]))[(at + seed) % 3]
        assert left(home, masked(stream[:at] + instead + stream[at + 1 :])) == set(), at


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.booleans())
def test_all_other_bytes_are_unchanged_and_frames_decode(seed, has_parity):
    home = Home(seed)
    stream = with_parity(home.stream) if has_parity else home.stream
    done = masked(stream)
    assert shape(done) == shape(stream)
    for ours, theirs in zip(frames(done), frames(stream), strict=True):
        for name in theirs.groups:
            if name in NUMBERS:
                assert ours.groups[name].value.encode() == NUMBERS[name]
            else:
                assert (ours.groups[name] == theirs.groups[name]) == (name not in MASKED)
    for own, other in zip(done.split(b"\n"), stream.split(b"\n"), strict=True):
        name = bytes(byte & 0x7F for byte in other).replace(b"\t", b" ").split(b" ")[0].decode()
        assert (own == other) or name in {*MASKED, "NEWER"}


@pytest.mark.parametrize("value", ["12345678", "02187653XXXXXXXX", "XXXXXXXXXXXX", "021876531234"])
def test_a_number_of_another_length_is_replaced_as_a_whole(value):

    line = b"\x02" + encode_group(Mode.HISTORIQUE, "ADCO", value[:14]) + b"\x03"
    decoder = Decoder()
    (frame,) = [*decoder.feed(masked(line)), *decoder.finish()]
    found = frame.groups["ADCO"].value
    assert found in {OTHERS.serial.decode()[: len(value)], "X" * len(value[:14])}
    assert len(found) == len(value[:14])


def test_drawn_numbers_are_no_makers_and_stay(tmp_path):
    first = turn_on(tmp_path, has_true_numbers=False)
    assert (len(first.serial), len(first.prm)) == (12, 14)
    assert (first.serial[:6], first.prm[:2]) == ("000000", "00")
    assert turn_on(tmp_path, has_true_numbers=True).stand_ins == first.stand_ins
    assert load_repeater(tmp_path).stand_ins == first.stand_ins
    (tmp_path / "repeater.json").unlink()
    assert turn_on(tmp_path, has_true_numbers=False).stand_ins != first.stand_ins


def test_a_number_that_is_left_would_be_found():
    home = Home(random.Random(1).randrange(99))
    assert left(home, home.stream)
