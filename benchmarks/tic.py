"""TIC decoding, beside two decoders from PyPI on the same bytes, and the cost of a live line.

The input comes from Volet's emulator. Power changes every second and frames follow each other as on
the line, so as much of a frame repeats as on a real line.
"""

import os
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Protocol

import msgspec
import numpy as np

from benchmarks.row import Row, Rows
from benchmarks.tic_peers import EnedisTic, PeerFrame, SerialTeleinfo
from benchmarks.timing import cpu_s, scaled
from edge.simulate.curve import Curve
from edge.simulate.home import HomeSettings, build_home
from edge.simulate.meter import BAUD, BITS_PER_CHARACTER
from edge.simulate.player import frames
from edge.simulate.tariff import MeterOption
from edge.tic.decoder import Decoder
from edge.tic.frame import Frame, Mode
from edge.tic.source import StreamSource
from protocol.calendar import day_start

START = day_start(date(2026, 1, 12))
LINE_MINUTES = 20
RUNS = 7
READ_BYTES = 512
# A serial port returns the bytes since the last read, here ten times a second.
LIVE_READS_PER_S = 10
MB = 1_000_000


class Peer(Protocol):
    """A decoder for comparison."""

    name: str

    def decode(self, data: bytes) -> list[PeerFrame]:
        """Return the frames it reports, each from label to raw data."""


class Line(msgspec.Struct, frozen=True):
    """A meter's output in `duration_s` seconds: `frame_count` undamaged frames."""

    name: str
    mode: Mode
    data: bytes
    frame_count: int
    duration_s: float


def run(scale: float) -> list[Row]:
    """Measure; raises AssertionError if decoders disagree about a frame."""
    rows = Rows("tic")
    runs = scaled(RUNS, scale, 3)
    minutes = max(1.0, LINE_MINUTES * scale)
    standard = make_line(Mode.STANDARD, MeterOption.TEMPO, minutes)
    historique = make_line(Mode.HISTORIQUE, MeterOption.HPHC, minutes)
    _compare(rows, standard, [EnedisTic()], runs)
    _compare(rows, historique, [EnedisTic(), SerialTeleinfo()], runs)
    three_phase = make_line(Mode.STANDARD, MeterOption.TEMPO, minutes, phases=3)
    for line in (standard, three_phase, historique):
        _live(rows, line, runs)
    return rows.rows


def make_line(mode: Mode, option: MeterOption, minutes: float, phases: int = 1) -> Line:
    """Return a meter's output for some minutes, with frames one after another."""
    seconds = int(minutes * 60)
    rng = np.random.default_rng(4)
    walk_w = 900 + np.cumsum(rng.normal(0, 15, seconds + 2))
    power_w = np.clip(walk_w, 80, 8_000).astype(np.int64)
    curve = Curve(int(START.timestamp()), 1, power_w)
    settings = HomeSettings(mode=mode, option=option, phases=phases, is_producer=phases > 1, seed=3)
    home = build_home(curve, settings)
    sent = [frame.data for frame in frames(home, START, START + timedelta(seconds=seconds), 0)]
    data = b"".join(sent)
    kind = f"{mode.value}, {phases}-phase" if phases > 1 else mode.value
    return Line(kind, mode, data, len(sent), len(data) * BITS_PER_CHARACTER / BAUD[mode])


def decode(data: bytes, read_bytes: int = READ_BYTES) -> list[Frame]:
    """Decode with Volet's decoder, chunk by chunk."""
    decoder = Decoder()
    decoded: list[Frame] = []
    for at in range(0, len(data), read_bytes):
        decoded += decoder.feed(data[at : at + read_bytes])
    return decoded + decoder.finish()


def _read_and_decode(line: Line, read_bytes: int) -> None:
    """Decode the line from a pipe; the time includes writing to it, to Volet's disadvantage."""
    reader, writer = os.pipe()
    source = StreamSource(reader)
    decoder = Decoder()
    count = 0
    try:
        for at in range(0, len(line.data), read_bytes):
            os.write(writer, line.data[at : at + read_bytes])
            count += len(decoder.feed(source.read(1.0)))
    finally:
        os.close(writer)
        source.close()
    assert count + len(decoder.finish()) == line.frame_count


def _compare(rows: Rows, line: Line, peers: Sequence[Peer], runs: int) -> None:
    decoded = decode(line.data)
    assert len(decoded) == line.frame_count
    assert all(frame.is_complete for frame in decoded)
    ours_s = cpu_s(lambda: decode(line.data), runs=runs)
    ours = _speed(rows, f"{line.name}: Volet", line, ours_s)
    for peer in peers:
        reported = _check(line, decoded, peer.decode(line.data))
        peer_s = cpu_s(_decoding(peer, line.data), runs=runs)
        name = f"{line.name}: {peer.name}"
        theirs = _speed(rows, name, line, peer_s)
        rows.add(
            f"{name}: frames reported",
            100 * reported,
            "% of ours",
            note="on clean input, its edges included",
        )
        rows.add(f"{line.name}: Volet / {peer.name}", ours / theirs, "times as fast")


def _decoding(peer: Peer, data: bytes) -> Callable[[], object]:
    return lambda: peer.decode(data)


def _check(line: Line, decoded: Sequence[Frame], reported: Sequence[PeerFrame]) -> float:
    """Find each frame of the peer among ours, in order; returns the share of ours it reports.

    A peer may lose frames, but must not report one that Volet does not.
    """
    ours = iter(
        [{label: group.value for label, group in frame.groups.items()} for frame in decoded]
    )
    for peer_frame in reported:
        assert any(frame == dict(peer_frame) for frame in ours), (line.name, peer_frame)
    return len(reported) / len(decoded)


def _speed(rows: Rows, name: str, line: Line, seconds: Sequence[float]) -> float:
    """Add rows of frames and bytes per second; returns MB per second."""
    megabytes = [len(line.data) / MB / run_s for run_s in seconds]
    rows.add(name, [line.frame_count / run_s for run_s in seconds], "frames/s")
    return rows.add(name, megabytes, "MB/s")


def _live(rows: Rows, line: Line, runs: int) -> None:
    """Measure the share of a core for reading and decoding, with ten small reads a second."""
    read_bytes = BAUD[line.mode] // BITS_PER_CHARACTER // LIVE_READS_PER_S
    seconds = cpu_s(lambda: _read_and_decode(line, read_bytes), runs=runs)
    rows.add(
        f"{line.name}: a live line at {BAUD[line.mode]} baud",
        [100 * run_s / line.duration_s for run_s in seconds],
        "% of a core",
        note=f"{line.duration_s / 60:.0f} minutes of bytes, {read_bytes} at a time",
    )
