"""The decoder against captures of real and damaged meter output, where they are at hand."""

import json
import os
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from edge.tic.consistency import ConsistencyCheck
from edge.tic.decoder import Decoder
from edge.tic.report import frame_line

CAPTURES = (
    Path(os.environ.get("VOLET_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    / "captures"
)
EXPECTED = sorted(path for path in CAPTURES.glob("*.json") if path.name != "INDEX.json")
# The synthetic change of season leaps over most of an hour between two frames, on purpose.
CLEAN = [
    path
    for path in EXPECTED
    if json.loads(path.read_text())["quality"] == "clean" and "dst_autumn" not in path.stem
]

pytestmark = pytest.mark.skipif(not EXPECTED, reason="no TIC captures (set VOLET_SHARED)")


def triples(values: dict[str, dict[str, str | None]]) -> dict[str, tuple[str | None, ...]]:
    return {
        label: (value["value"], value["timestamp"], value["timestamp_iso"])
        for label, value in values.items()
    }


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.stem)
def test_a_capture_decodes_as_expected(path):
    expected = json.loads(path.read_text())
    decoder = Decoder()
    stream = path.with_suffix(".bin").read_bytes()
    frames = [json.loads(frame_line(f)) for f in decoder.feed(stream) + decoder.finish()]

    assert decoder.mode == expected["mode"]
    assert len(frames) == len(expected["frames"])
    for frame, wanted in zip(frames, expected["frames"], strict=True):
        places = ("start", "end", "opened_by", "closed_by", "complete")
        assert {key: frame[key] for key in places} == {key: wanted[key] for key in places}
        assert triples(frame["values"]) == triples(wanted["values"])
        assert len(frame["rejected"]) == len(wanted["rejected"])
        assert frame["decoded"] == wanted.get("decoded", {})


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.stem)
def test_a_capture_in_single_bytes_decodes_the_same(path):
    stream = path.with_suffix(".bin").read_bytes()
    whole, single = Decoder(), Decoder()
    at_once = whole.feed(stream) + whole.finish()
    by_byte = [frame for byte in stream for frame in single.feed(bytes([byte]))]
    assert by_byte + single.finish() == at_once


@pytest.mark.parametrize("path", CLEAN, ids=lambda path: path.stem)
def test_consistency_refuses_nothing_that_a_capture_holds_but_the_first_values(path):
    decoder, check = Decoder(), ConsistencyCheck()
    stream = path.with_suffix(".bin").read_bytes()
    held: Counter[str] = Counter()
    for frame in decoder.feed(stream) + decoder.finish():
        held.update(frame.groups.keys() - check.check(frame).groups.keys())
    assert all(count == 1 for count in held.values()), held


def test_the_autumn_change_of_season_advances_in_utc():
    path = CAPTURES / "synth_std_mono_dst_autumn.bin"
    instants = [frame.groups["DATE"].at for frame in Decoder().feed(path.read_bytes())]
    assert all(instants)
    assert instants == sorted(instants, key=lambda at: at.timestamp())
    assert instants[3] - instants[2] == timedelta(seconds=1)


def test_short_frames_are_marked():
    path = CAPTURES / "synth_hist_tri_shortframes.bin"
    shorts = [frame.is_short for frame in Decoder().feed(path.read_bytes())]
    assert Counter(shorts) == {True: 24, False: 3}
