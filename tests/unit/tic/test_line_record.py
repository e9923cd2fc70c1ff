"""The record of a line gives the same bytes at the same times, and is never silently lost."""

import os
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.tic.decoder import Decoder
from edge.tic.diagnosis import LineFault
from edge.tic.intake import Intake
from edge.tic.masking import Mask
from edge.tic.record import (
    MAGIC,
    VERSION,
    Arrival,
    Finding,
    RecordHead,
    RecordReader,
    encode_line,
)
from edge.tic.recorder import Recorder
from edge.tic.replay import Replay
from edge.tic.serial_line import Timing
from edge.tic.source import StreamSource
from protocol.errors import ConfigError, FrameError
from tests.support.spoiled_line import BOTH, FAULTS
from tests.unit.tic.test_masking import Home

BEGAN = datetime(2026, 3, 10, 12, tzinfo=UTC)
HEAD = encode_line(RecordHead(VERSION, BEGAN, False, "0.1.0"))
ARRIVALS = st.lists(
    st.builds(Arrival, st.integers(0, 10**9), st.sampled_from([0, 1200, 9600]), st.binary()),
    max_size=20,
).map(lambda arrivals: sorted(arrivals, key=lambda each: each.at_us))


def recorder(path: Path, limit_bytes: int = 10**6, *, is_masked: bool = False) -> Recorder:
    return Recorder(path, limit_bytes=limit_bytes, is_masked=is_masked, began=BEGAN)


def play(path: Path) -> list[Arrival]:
    source = StreamSource.open(path)
    played = []
    try:
        while True:
            if source.read(1.0):
                played.append(source.arrival)
    except EOFError:
        source.close()
        return played


@given(ARRIVALS, st.integers(1, 50))
def test_a_record_is_read_in_any_portions(arrivals, size):
    record = HEAD + b"".join(map(encode_line, arrivals))
    reader = RecordReader()
    read = []
    for at in range(0, len(record), size):
        read += reader.feed(record[at : at + size])
    assert read == arrivals


def test_what_was_found_stands_between_the_bytes_in_which_it_was_found(tmp_path):
    path = tmp_path / "record"
    with recorder(path, is_masked=True) as written:
        written.note(1, 9600, 4)
        written.note_faults(1, (LineFault.INVERTED,))
        written.note(2, 9600, 2)
        written.note_faults(2, (LineFault.INVERTED,))
        written.add(b"ab")
        written.add(b"cd")
        written.note_faults(3, ())
        written.add(b"ef")
    lines = RecordReader().feed(path.read_bytes())
    assert lines == [
        *(Arrival(1, 9600, b"ab"), Arrival(1, 9600, b"cd"), Finding(1, (LineFault.INVERTED,))),
        *(Arrival(2, 9600, b"ef"), Finding(3, ())),
    ]
    assert b"".join(each.data for each in play(path)) == b"abcdef"


def faults(path, record=None):
    """Decode a capture or a record, to a masked record if one is named; return what is wrong."""
    source, finder = StreamSource.open(path), Decoder()
    mask = None if record is None else Mask()
    with nullcontext() if record is None else recorder(record, is_masked=True) as written:
        intake = Intake(source, finder, mask=mask, recorder=written)
        with suppress(EOFError):
            while True:
                intake.step(0.0)
        intake.finish()
    source.close()
    return intake.faults()


@pytest.mark.parametrize(
    ("spoil", "mode"),
    [(spoil, mode) for _, spoil, modes in FAULTS for mode in modes]
    + [(lambda stream, _: stream, mode) for mode in BOTH],
)
def test_a_masked_record_shows_what_was_wrong_with_the_line(tmp_path, spoil, mode):
    home = next(home for seed in count() if (home := Home(seed, frames=12)).mode is mode)
    capture, record, again = (tmp_path / name for name in ("capture", "record", "again"))
    capture.write_bytes(spoil(home.stream, mode))
    wanted = faults(capture)
    assert faults(capture, record) == wanted
    assert faults(record, again) == wanted
    assert faults(again) == wanted


def test_a_record_of_the_first_version_is_read():
    head = encode_line(RecordHead(1, BEGAN, False, "0.1.0"))
    assert RecordReader().feed(head + encode_line(Arrival(5, 0, b"a"))) == [Arrival(5, 0, b"a")]


def test_a_replay_keeps_the_pace_of_the_line(tmp_path):
    path, now_s, slept = tmp_path / "record", [50.0], []

    def sleep(seconds):
        slept.append(seconds)
        now_s[0] += seconds

    arrivals = [Arrival(at, 9600, b"%d" % at) for at in (0, 150_000, 2_000_000, 2_000_001)]
    path.write_bytes(HEAD + b"".join(map(encode_line, arrivals)))
    replay = Replay(StreamSource.open(path), Timing(lambda: now_s[0], sleep))
    came = []
    with suppress(EOFError):
        while True:
            if data := replay.read(0.2):
                came.append((round((now_s[0] - 50) * 1e6), data))
                assert replay.arrival.data == data
    replay.close()
    assert came == [(each.at_us, each.data) for each in arrivals]
    assert max(slept) <= 0.2


def test_a_record_is_recognised_and_a_capture_is_left_alone(tmp_path):
    path = tmp_path / "record"
    path.write_bytes(HEAD + encode_line(Arrival(5, 9600, b"\x02\nAB")))
    assert play(path) == [Arrival(5, 9600, b"\x02\nAB")]
    for start in (MAGIC[:5], b"\x02\nADSC"):
        path.write_bytes(start)
        assert StreamSource.open(path).read(1.0) in (start, b"")


def test_a_record_that_was_cut_gives_what_is_whole(tmp_path):
    path = tmp_path / "record"
    whole = HEAD + encode_line(Arrival(5, 9600, b"\x02\nAB")) * 2
    path.write_bytes(whole[:-7])
    assert play(path) == [Arrival(5, 9600, b"\x02\nAB")]


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (b'{"volet_line_record":1}\n', 1),
        (HEAD + b"[1,2]\n", 2),
        (HEAD + b'[-1,0,""]\n', 2),
        (HEAD + encode_line(Arrival(9, 0, b"a")) + encode_line(Arrival(8, 0, b"a")), 3),
        (HEAD + b"[" * 200_000, 2),
        (HEAD + b'{"at_us":1,"faults":["none that is known"]}\n', 2),
    ],
)
def test_a_damaged_record_is_refused_with_the_line(record, line):
    with pytest.raises(FrameError, match=f"at line {line};"):
        RecordReader().feed(record)


def test_a_newer_record_asks_for_a_newer_volet():
    with pytest.raises(FrameError, match="newer Volet"):
        RecordReader().feed(encode_line(RecordHead(VERSION + 1, BEGAN, False, "9.0.0")))


def test_nothing_is_overwritten(tmp_path):
    path = tmp_path / "record"
    path.write_bytes(b"mine")
    with pytest.raises(ConfigError, match="there already"):
        recorder(path)
    assert path.read_bytes() == b"mine"


def test_no_record_is_left_of_a_line_that_could_not_be_opened(tmp_path):
    path = tmp_path / "record"
    with suppress(ConfigError), recorder(path):
        raise ConfigError("held by another program")
    assert not path.exists()
    with suppress(ConfigError), recorder(path) as written:
        written.note(0, 0, 1)
        written.add(b"a")
        raise ConfigError("damaged later")
    assert path.exists()


def test_a_record_is_for_its_owner_alone(tmp_path):
    with recorder(tmp_path / "record"):
        pass
    assert (tmp_path / "record").stat().st_mode & 0o777 == 0o600


def test_the_record_ends_at_its_limit_with_whole_lines(tmp_path):
    path = tmp_path / "record"
    with recorder(path, 2_000) as written:
        for at_us in range(1_000):
            written.note(at_us, 9600, 10)
            written.add(b"0123456789")
        assert "ends here" in written.stopped
        assert not written._awaited
    assert 1_900 < path.stat().st_size <= 2_000
    assert [each.at_us for each in play(path)] == list(range(len(play(path))))


def test_a_full_disk_ends_the_record_and_not_the_decoding(tmp_path, monkeypatch):
    with recorder(tmp_path / "record") as written:
        monkeypatch.setattr(os, "write", full)
        written.note(0, 9600, 3)
        written.add(b"abc")
        assert "No space left" in written.stopped


def full(*_arguments):
    raise OSError(28, "No space left on device")


class Reads:
    """A source that returns a stream in reads of the given sizes."""

    def __init__(self, path: Path, stream: bytes, sizes: list[int]) -> None:
        path.write_bytes(stream)
        self.source = StreamSource.open(path)
        self.source.read = self.read
        self.stream, self.sizes = stream, sizes

    def read(self, _timeout_s: float) -> bytes:
        if not self.stream:
            raise EOFError
        size = self.sizes[len(self.stream) % len(self.sizes)]
        data, self.stream = self.stream[:size], self.stream[size:]
        return data


@pytest.mark.parametrize("is_masked", [False, True])
def test_times_and_lengths_are_those_of_the_line(tmp_path, is_masked):
    home = Home(5)
    ticks = iter(range(10**6))
    with recorder(tmp_path / "record", is_masked=is_masked) as written:
        reads = Reads(tmp_path / "line", home.stream, [1, 7, 16, 120])
        intake = Intake(
            reads.source,
            Decoder(),
            mask=Mask() if is_masked else None,
            recorder=written,
            clock=lambda: next(ticks) / 1_000,
        )
        with suppress(EOFError):
            while True:
                intake.step(0.0)
        intake.finish()
    played = play(tmp_path / "record")
    data = b"".join(each.data for each in played)
    assert (data == home.stream) != is_masked
    assert len(data) == len(home.stream)
    again = Reads(tmp_path / "again", home.stream, [1, 7, 16, 120])
    sizes: dict[int, int] = {}
    for each in played:
        sizes[each.at_us] = sizes.get(each.at_us, 0) + len(each.data)
    expected = []
    while again.stream:
        expected.append(len(again.read(0.0)))
    assert list(sizes.values()) == expected
    assert sorted(sizes) == list(sizes)
