import itertools
import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.tic.decoder import Decoder
from edge.tic.frame import Frame, Mode
from edge.tic.groups import GroupRefusal, encode_group
from tests.support.sweeps import swept
from tests.unit.tic.tic_streams import (
    SINGLE_FAULTS,
    frame_bytes,
    meter_stream,
    reported,
    with_parity,
)

HISTORIQUE = frame_bytes(
    Mode.HISTORIQUE,
    [("ADCO", "031961098836", None), ("BASE", "041098906", None), ("PAPP", "01590", None)],
)
STANDARD = frame_bytes(
    Mode.STANDARD,
    [("ADSC", "041876543210", None), ("DATE", "", "H260114182030"), ("EAST", "011887649", None)],
)
BASE = encode_group(Mode.HISTORIQUE, "BASE", "041098906")


def decode(stream: bytes) -> list[Frame]:
    decoder = Decoder()
    return decoder.feed(stream) + decoder.finish()


@given(st.integers(0, 10**6), st.lists(st.integers(1, 400)), st.booleans())
def test_the_result_does_not_depend_on_how_the_stream_is_portioned(seed, portions, is_parity):
    rng = random.Random(seed)
    stream, _ = meter_stream(rng)
    stream = with_parity(stream) if is_parity else stream
    stream = rng.choice(SINGLE_FAULTS)(rng, stream)
    decoder = Decoder()
    frames = []
    rest = stream
    for size in portions:
        frames += decoder.feed(rest[:size])
        rest = rest[size:]
    frames += decoder.feed(rest) + decoder.finish()
    assert frames == decode(stream)


def test_portions_of_one_byte_give_the_same_over_garbage_longer_than_any_limit():
    garbage = random.Random(3).randbytes(20_000) + b"\x55" * 20_000
    stream = garbage + HISTORIQUE * 2
    decoder = Decoder()
    frames = [frame for byte in stream for frame in decoder.feed(bytes([byte]))]
    assert frames + decoder.finish() == decode(stream)


def test_a_frame_comes_out_with_its_etx():
    decoder = Decoder()
    assert decoder.feed(HISTORIQUE[:-1]) == []
    (frame,) = decoder.feed(HISTORIQUE[-1:])
    assert frame.is_complete
    assert (frame.start, frame.end) == (0, len(HISTORIQUE))


def test_an_interrupted_frame_is_not_complete_and_leaks_nothing_of_the_cut_group():
    cut = HISTORIQUE.index(b"41098906")
    interrupted, whole = decode(HISTORIQUE[:cut] + b"\x04" + HISTORIQUE)
    assert (interrupted.closed_by, interrupted.is_complete) == ("EOT", False)
    assert set(interrupted.groups) == {"ADCO"}
    assert whole.is_complete


def test_a_frame_without_etx_ends_where_the_next_one_begins():
    first, second = decode(HISTORIQUE[:-1] + HISTORIQUE)
    assert (first.closed_by, first.is_complete, first.end) == ("STX", False, len(HISTORIQUE) - 1)
    assert second.is_complete


def test_a_damaged_group_costs_that_group_alone():
    (frame,) = decode(HISTORIQUE.replace(b"041098906", b"041098907"))
    assert set(frame.groups) == {"ADCO", "PAPP"}
    assert [rejected.reason for rejected in frame.rejected] == [GroupRefusal.CHECKSUM]
    assert frame.rejected[0].raw.startswith("BASE 041098907 ")


@pytest.mark.parametrize("noise", [b"\r\n", b"\n", b"\r", b"\r\r\n\n"])
def test_groups_are_split_on_either_line_end(noise):
    stream = HISTORIQUE.replace(b"\r\n", noise)
    (frame,) = decode(stream)
    assert frame.is_complete
    assert len(frame.groups) == 3


def test_line_ends_around_the_markers_are_no_groups():
    (frame,) = decode(b"\x02\r" + HISTORIQUE[1:-1] + b"\n\x03\r\n")
    assert frame.is_complete


def test_a_label_seen_twice_keeps_the_last_value_and_the_frame_is_not_complete():
    again = encode_group(Mode.HISTORIQUE, "BASE", "041098907")
    (frame,) = decode(b"\x02" + BASE + again + b"\x03")
    assert frame.groups["BASE"].value == "041098907"
    assert frame.duplicate_labels == ("BASE",)
    assert not frame.is_complete


def test_a_change_of_mode_is_followed():
    decoder = Decoder()
    stream = HISTORIQUE * 2 + HISTORIQUE[:20] + STANDARD[30:] + STANDARD * 2 + HISTORIQUE
    modes = [frame.mode for frame in decoder.feed(stream) if frame.is_complete]
    assert modes == ["historique", "historique", "standard", "standard", "historique"]
    assert decoder.mode is Mode.HISTORIQUE
    decoder.feed(STANDARD)
    assert decoder.mode is Mode.STANDARD


def test_groups_of_the_other_mode_never_share_a_frame():
    east = encode_group(Mode.STANDARD, "EAST", "011887649")
    (frame,) = decode(b"\x02" + BASE + east + b"\x03")
    assert frame.mode is Mode.STANDARD
    assert set(frame.groups) == {"EAST"}
    assert [rejected.reason for rejected in frame.rejected] == [GroupRefusal.MODE]


def test_short_overload_frames_are_told_from_full_ones():
    groups = [("ADIR1", "022", None), ("ADCO", "031961098836", None), ("IINST1", "022", None)]
    short, full = decode(frame_bytes(Mode.HISTORIQUE, groups) + HISTORIQUE)
    assert (short.is_short, short.is_complete) == (True, True)
    assert not full.is_short


def test_an_overload_warning_in_a_long_frame_does_not_make_it_short():
    groups = [("ADIR1", "022", None), ("ADCO", "031961098836", None), ("BASE", "041098906", None)]
    (frame,) = decode(frame_bytes(Mode.HISTORIQUE, groups))
    assert not frame.is_short


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        bytes(5000),
        b"\xff" * 5000,
        b"\x02\x03" * 500,
        b"\r\n" * 500,
        random.Random(1).randbytes(300_000),
        bytes(byte & 0x7F for byte in random.Random(2).randbytes(300_000)),
    ],
)
def test_garbage_gives_no_frame_and_no_mode(garbage):
    decoder = Decoder()
    assert decoder.feed(garbage) + decoder.finish() == []
    assert decoder.mode is None


def test_a_meter_is_found_after_garbage_of_any_length():
    garbage = random.Random(4).randbytes(200_000)
    assert reported(decode(garbage + b"\n" + HISTORIQUE * 2)) == reported(decode(HISTORIQUE))


def test_garbage_after_a_meter_gives_at_most_one_frame_without_groups():
    frames = decode(HISTORIQUE + random.Random(5).randbytes(200_000) + b"\r" + HISTORIQUE)
    assert sum(not frame.groups for frame in frames) <= 2
    assert sum(frame.is_complete for frame in frames) == 2


@pytest.mark.parametrize("stuff", swept([b"\x02A B\r\n", b"\x55", b"\r\n", b"A B C\r\n"], 4))
def test_memory_stays_bounded_whatever_comes(stuff):
    decoder = Decoder()
    portion = stuff * (65_536 // len(stuff))
    decoder.feed(HISTORIQUE + portion)
    tracemalloc.start()
    for _ in range(6):
        decoder.feed(portion)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 200_000


def test_a_cut_head_and_tail_are_reported_as_such():
    head, whole, tail = decode(HISTORIQUE[10:] + HISTORIQUE + HISTORIQUE[:25])
    assert (head.opened_by, head.closed_by, head.is_complete) == ("none", "ETX", False)
    assert whole.is_complete
    assert (tail.opened_by, tail.closed_by, tail.is_complete) == ("STX", "EOF", False)


def test_offsets_cover_the_stream_without_gap():
    frames = decode(HISTORIQUE[10:] + HISTORIQUE * 3 + HISTORIQUE[:25])
    assert frames[0].start == 0
    assert all(one.end == next_.start for one, next_ in itertools.pairwise(frames))


def test_decoding_goes_on_after_the_source_was_lost():
    decoder = Decoder()
    (cut,) = decoder.feed(HISTORIQUE[:25]) + decoder.finish()
    (head, whole) = decoder.feed(HISTORIQUE[30:] + HISTORIQUE)
    assert cut.closed_by == "EOF"
    assert (head.opened_by, whole.is_complete) == ("none", True)


def test_quality_is_one_on_a_clean_line_whatever_its_ends_cut_off():
    decoder = Decoder()
    decoder.feed(HISTORIQUE[10:] + HISTORIQUE * 3 + HISTORIQUE[:25])
    decoder.finish()
    quality = decoder.quality
    assert (quality.share, quality.recent_share) == (1.0, 1.0)
    assert quality.refused == 2


def test_recent_quality_forgets_what_the_total_remembers():
    decoder = Decoder()
    decoder.feed(HISTORIQUE.replace(b"0", b"1") * 20 + HISTORIQUE * 40)
    quality = decoder.quality
    assert quality.recent_share == 1.0
    assert quality.share is not None
    assert 0.5 < quality.share < 1.0


def test_quality_is_unknown_before_the_first_byte_and_zero_on_garbage():
    decoder = Decoder()
    assert decoder.quality.share is None
    decoder.feed(bytes(100))
    assert decoder.quality.share == 0.0
