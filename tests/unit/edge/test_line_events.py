"""A line that falls silent, says nothing that can be read, or comes back is told once."""

from datetime import UTC, datetime
from itertools import repeat

import pytest
from structlog.testing import capture_logs

from edge.simulate.link import PtyLink
from edge.status.line import LineWatch
from edge.tic.decoder import Decoder
from edge.tic.serial_line import SerialSource, Timing
from tests.support.chip_bench import PLATFORM_KEY, Bench, make_identity
from tests.support.chip_cloud import FakeCloud

GROUPS = (b"ADCO 021861000000", b"OPTARIF BASE", b"ISOUSC 30", b"BASE 002565285", b"PTEC TH..")
FRAME = b"\x02%s\x03" % b"".join(
    b"\n%s %c\r" % (group, (sum(group) & 0x3F) + 0x20) for group in GROUPS
)


@pytest.fixture
def bench(tmp_path):
    identity = make_identity()
    cloud = FakeCloud(identity, PLATFORM_KEY)
    bench = Bench(tmp_path / "chip", cloud, identity, datetime(2026, 5, 5, 8, tzinfo=UTC))
    yield bench
    bench.kill()


def lasting(bench, seconds, sends=b""):
    """Let the line go on for a while; returns the events of the line."""
    with capture_logs() as logs:
        for _ in range(seconds):
            bench.clock.seconds += 1
            bench.chip.feed(sends, bench.clock.now())
            bench.chip.outgoing()
    return [each["event"] for each in logs if each["event"].startswith("line_")]


def test_a_line_that_falls_silent_is_told_within_half_a_minute_and_once(bench):
    bench.begin()
    assert lasting(bench, 30) == ["line_silent"]
    assert lasting(bench, 3_600) == []


def test_a_line_that_never_spoke_is_told_too(bench):
    bench.start()
    bench.chip._line = LineWatch(bench.chip._decoder)
    assert lasting(bench, 30) == ["line_silent"]


def test_bytes_that_are_no_frames_are_told_apart_from_silence(bench):
    bench.begin()
    assert lasting(bench, 60, b"\xf0\x87\x13" * 40) == ["line_garbled"]
    assert lasting(bench, 60) == ["line_silent"]
    assert lasting(bench, 60, b"\xf0\x87\x13" * 40) == ["line_garbled"]


def test_a_line_that_is_back_is_told_once(bench):
    bench.begin()
    assert lasting(bench, 30) == ["line_silent"]
    bench.tick()
    assert lasting(bench, 5) == ["line_back"]


def test_a_capture_that_has_ended_is_not_silent(bench):
    bench.begin()
    bench.chip.finish(bench.clock.now())
    assert lasting(bench, 60) == []


def test_a_meter_that_hangs_up_is_told_and_so_is_its_return(tmp_path):
    """A real pty, whose other end goes away and comes again under the same name."""
    link, now = tmp_path / "linky", [0.0]
    timing = Timing(monotonic=lambda: now[0], sleep=lambda _: None)
    watch, decoder = None, Decoder()
    with capture_logs() as logs:
        source = SerialSource(
            link, lambda: decoder.quality.groups, delays=lambda: repeat(0.5), timing=timing
        )
        watch = LineWatch(decoder)

        def pass_s(seconds):
            for _ in range(seconds):
                now[0] += 1
                data = source.read(0.01)
                if data:
                    watch.heard(now[0])
                for frame in decoder.feed(data):
                    watch.saw(frame, datetime.now(UTC), now[0])
                watch.look(now[0])

        try:
            for _ in range(2):
                with PtyLink(link) as line:
                    pass_s(2)
                    line.wait_for_reader()
                    line.send(FRAME * 3)
                    pass_s(2)
                pass_s(40)
        finally:
            source.close()
    told = [each["event"] for each in logs]
    assert told == [
        *("serial_line_opened", "serial_line_lost", "line_silent"),
        *("serial_line_opened", "line_back", "serial_line_lost", "line_silent"),
    ]


@pytest.mark.xfail(strict=True, reason="a line that comes and goes fills the log")
def test_a_line_that_comes_and_goes_for_a_day_is_one_bad_spell():
    watch = LineWatch(Decoder())
    with capture_logs() as logs:
        for second in range(86_400):
            if second % 29 == 0:
                watch.heard(float(second + 1))
            watch.look(float(second + 1))
    assert len(logs) <= 2
