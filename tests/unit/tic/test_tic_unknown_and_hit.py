"""What a later meter, an odd text or a hit line end must not cost."""

import json

import pytest

from edge.tic.decoder import Decoder
from edge.tic.frame import Frame, Mode
from edge.tic.groups import GroupRefusal, encode_group
from edge.tic.labels import LABELS
from edge.tic.report import frame_line
from tests.unit.tic.tic_streams import Triple, frame_bytes, with_parity

HEAD: list[Triple] = [("ADSC", "041876543210", None), ("EAST", "000001000", None)]
UNKNOWN: list[Triple] = [
    ("EASF11", "000000001", None),
    ("CCMAXSN", "00042", "H260114182030"),
    ("NEWTEXT", "Anything at all", None),
]
ODD_TEXT = "H PLEINE/CREUSEs"


def decode(*pieces: bytes) -> list[Frame]:
    decoder = Decoder()
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    return frames + decoder.finish()


def lined(*pieces: bytes) -> float | None:
    decoder = Decoder()
    for piece in pieces:
        decoder.feed(piece)
    return decoder.quality.share


def test_groups_of_a_later_meter_are_set_aside_and_the_frame_is_complete():
    stream = frame_bytes(Mode.STANDARD, [*HEAD, *UNKNOWN])
    (frame,) = decode(stream)
    assert frame.is_complete
    assert set(frame.groups) == {"ADSC", "EAST"}
    assert not frame.rejected
    assert lined(stream) == 1.0
    assert json.loads(frame_line(frame))["unknown"] == [
        "EASF11\t000000001",
        "CCMAXSN\tH260114182030\t00042",
        "NEWTEXT\tAnything at all",
    ]


def test_historique_gets_no_labels_anew():
    stream = frame_bytes(Mode.HISTORIQUE, [("BASE", "000001000", None), ("NEW1", "7", None)])
    (frame,) = decode(stream)
    assert [each.reason for each in frame.rejected] == [GroupRefusal.LABEL]


@pytest.mark.parametrize("label", ["EASFp1", "URM\x133", "X", "TOOLONGALABEL", "1EAST", "eAST"])
def test_what_no_meter_calls_a_group_is_refused(label):
    (frame,) = decode(frame_bytes(Mode.STANDARD, [*HEAD, (label, "000000001", None)]))
    assert not frame.is_complete
    assert [each.reason for each in frame.rejected] == [GroupRefusal.LABEL]


def test_a_label_of_the_other_mode_is_refused():
    (frame,) = decode(frame_bytes(Mode.STANDARD, [*HEAD, ("BASE", "000001000", None)]))
    assert [each.reason for each in frame.rejected] == [GroupRefusal.LABEL]


def test_unknown_groups_alone_are_no_frame():
    assert decode(frame_bytes(Mode.STANDARD, UNKNOWN)) == []


def test_a_text_with_one_small_letter_is_read_once_a_second_frame_bears_it_out():
    stream = frame_bytes(Mode.STANDARD, [*HEAD, ("NGTF", ODD_TEXT, None)])
    frames = decode(stream, stream, stream)
    assert ["NGTF" in frame.groups for frame in frames] == [False, True, True]
    assert [frame.is_complete for frame in frames] == [False, True, True]
    assert frames[1].groups["NGTF"].value == ODD_TEXT


def test_where_parity_is_checked_one_small_letter_is_no_doubt():
    stream = with_parity(frame_bytes(Mode.STANDARD, [*HEAD, ("NGTF", ODD_TEXT, None)]))
    (frame,) = decode(stream)
    assert frame.groups["NGTF"].value == ODD_TEXT


def test_a_text_borne_out_stays_so_whatever_comes_between():
    decoder = Decoder()
    odd = frame_bytes(Mode.STANDARD, [*HEAD, ("NGTF", ODD_TEXT, None)])
    decoder.feed(odd + odd)
    for n in range(6_000):
        decoder.feed(frame_bytes(Mode.STANDARD, [("EAST", f"{n:09}", None)]))
    (frame,) = decoder.feed(odd)
    assert "NGTF" in frame.groups


def test_a_hit_letter_that_does_not_come_again_is_never_read():
    stream = b""
    for text in ("H PLEINE/CREUSE ", "H PLEINEoCREUSE ") * 8:
        stream += frame_bytes(Mode.STANDARD, [*HEAD, ("NGTF", text, None)])
    found = {frame.groups["NGTF"].value for frame in decode(stream) if "NGTF" in frame.groups}
    assert found == {"H PLEINE/CREUSE "}


@pytest.mark.parametrize("noise", [b"\x0e", b"\x0f", b"\x0b", b"K", b"\x7f", b"\x1a"])
def test_a_group_behind_a_hit_line_feed_is_whole(noise):
    group = encode_group(Mode.STANDARD, "EASF01", "000000700")
    stream = frame_bytes(Mode.STANDARD, HEAD).replace(b"\x03", noise + group[1:] + b"\x03")
    (frame,) = decode(stream)
    assert frame.groups["EASF01"].value == "000000700"
    assert frame.is_complete


def test_no_label_is_another_one_without_its_first_character():
    assert not {name for name in LABELS if name[1:] in LABELS}
