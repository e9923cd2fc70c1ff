import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.tic.decoder import Decoder
from edge.tic.frame import Mode
from edge.tic.parity import BROKEN, MARKERS, ParityCheck
from tests.unit.tic.tic_streams import frame_bytes, meter_stream, reported, with_parity


@given(st.binary(max_size=400).map(lambda data: bytes(byte & 0x7F for byte in data)))
def test_sound_streams_of_both_kinds_come_out_the_same(stream):
    assert ParityCheck().clean(stream) == stream
    checked = ParityCheck()
    assert checked.clean(with_parity(stream)) == stream
    assert checked.errors == 0


def test_the_kind_of_stream_is_told():
    stream, _ = meter_stream(random.Random(1))
    plain, checked = ParityCheck(), ParityCheck()
    plain.clean(stream)
    checked.clean(with_parity(stream))
    assert (plain.is_checked, checked.is_checked) == (False, True)


def test_a_change_of_kind_is_followed_within_one_piece():
    stream, _ = meter_stream(random.Random(1))
    check = ParityCheck()
    for piece in (with_parity(stream), stream, with_parity(stream)):
        assert check.clean(piece) == stream


def test_a_broken_character_is_marked_and_counted():
    stream = with_parity(b"\nEAST\t011887649\t;\r")
    broken = stream[:8] + bytes([stream[8] ^ 1]) + stream[9:]
    check = ParityCheck()
    cleaned = check.clean(broken)
    assert [byte & BROKEN for byte in cleaned].count(BROKEN) == 1
    assert check.errors == 1


def test_a_flipped_parity_bit_costs_no_group():
    stream, said = meter_stream(random.Random(3))
    for sent in (stream, with_parity(stream)):
        for at in range(2, len(stream), 7):
            if stream[at] in MARKERS:
                continue
            decoder = Decoder()
            frames = decoder.feed(sent[:at] + bytes([sent[at] ^ 0x80]) + sent[at + 1 :])
            assert reported(frames) == said
            assert decoder.quality.parity_errors == 1


# Each byte of the stream has one bit flipped in every run, another one at each byte.
@pytest.mark.parametrize("bits", [1, pytest.param(8, marks=pytest.mark.long)])
def test_one_flipped_bit_of_a_stream_with_parity_never_gives_a_false_value(bits):
    stream, said = meter_stream(random.Random(4), frames=2)
    sent = with_parity(stream)
    for at in range(len(sent)):
        for bit in range(bits):
            decoder = Decoder()
            flipped = 1 << (at + bit) % 8
            damaged = sent[:at] + bytes([sent[at] ^ flipped]) + sent[at + 1 :]
            assert reported(decoder.feed(damaged) + decoder.finish()) <= said


def test_a_flipped_bit_that_the_checksum_cannot_see_is_caught_by_parity():
    groups = [
        ("NGTF", "Heures Creuses 1", None),
        ("MSG1", "PAS DE          MESSAGE         ", None),
    ]
    stream = with_parity(frame_bytes(Mode.STANDARD, groups))
    at = stream.index(with_parity(b"1"))
    decoder = Decoder()
    (frame,) = decoder.feed(stream[:at] + bytes([stream[at] ^ 0x40]) + stream[at + 1 :])
    assert set(frame.groups) == {"MSG1"}
    assert not frame.is_complete
    assert decoder.quality.parity_errors == 1


def test_a_broken_marker_ends_a_line_but_no_frame():
    groups = [("BASE", "041098906", None)]
    stream = with_parity(frame_bytes(Mode.HISTORIQUE, groups) * 2)
    etx = stream.index(3)
    decoder = Decoder()
    frames = decoder.feed(stream[:etx] + bytes([0x83]) + stream[etx + 1 :])
    assert [frame.closed_by for frame in frames] == ["STX", "ETX"]
    assert reported(frames) == set(groups)


def test_a_refused_group_shows_its_broken_characters_in_ascii():
    stream = with_parity(frame_bytes(Mode.HISTORIQUE, [("BASE", "041098906", None)] * 2))
    at = stream.index(with_parity(b"4"))
    broken = bytes(byte ^ 0x80 for byte in stream[at : at + 2])
    (frame,) = Decoder().feed(stream[:at] + broken + stream[at + 2 :])
    (refused,) = frame.rejected
    assert refused.raw == r"BASE 0\xb4\xb1098906 0"
    assert refused.reason == "parity error"
