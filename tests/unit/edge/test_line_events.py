"""A line that falls silent, says nothing that can be read, or comes back is told once."""

from datetime import UTC, datetime, timedelta
from itertools import repeat

import pytest
from structlog.testing import capture_logs

from edge.simulate.link import PtyLink
from edge.status.line import LineFault, LineWatch
from edge.status.presence import Presence, SessionState
from edge.status.report import advise
from edge.tic.decoder import Decoder
from edge.tic.serial_line import SerialSource, Timing
from tests.support.chip_bench import PLATFORM_KEY, Bench, make_identity
from tests.support.chip_cloud import FakeCloud

GROUPS = (b"ADCO 021861000000", b"OPTARIF BASE", b"ISOUSC 30", b"BASE 002565285", b"PTEC TH..")
FRAME = b"\x02%s\x03" % b"".join(
    b"\n%s %c\r" % (group, (sum(group) & 0x3F) + 0x20) for group in GROUPS
)
LOST_AND_BACK = ("serial_line_lost", "serial_line_opened")


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
            bench.chip.feed(sends, bench.clock.host_time())
            bench.chip.outgoing()
    return [each["event"] for each in logs if each["event"].startswith("line_")]


def reading(bench, seconds):
    """Let the meter be read for a while; returns the events of the line."""
    with capture_logs() as logs:
        for _ in range(seconds):
            bench.clock.seconds += 1
            bench.clock.at += timedelta(seconds=1)
            bench.chip.observe(bench.meter.frame(bench.clock.at), bench.clock.host_time())
            bench.chip.outgoing()
    return [each["event"] for each in logs if each["event"].startswith("line_")]


def presence_of(line):
    now = datetime.now(UTC)
    return Presence(1, 1, "", now, line, now, SessionState(is_up=True, since=now))


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


def test_a_line_that_is_back_is_told_once(bench):
    bench.begin()
    assert lasting(bench, 30) == ["line_silent"]
    assert reading(bench, 240) == []
    assert reading(bench, 180) == ["line_back"]
    assert reading(bench, 600) == []


@pytest.mark.parametrize("every_s", [5, 19, 25, 29, 45, 200])
@pytest.mark.parametrize("sends", [FRAME, b"\x55"])
def test_a_line_that_comes_and_goes_for_a_day_is_one_bad_spell(every_s, sends):
    now_s, decoder = [0.0], Decoder()
    watch = LineWatch(decoder)
    with capture_logs() as logs:
        for second in range(86_400):
            now_s[0] += 1
            if second % every_s == 0:
                watch.record_bytes(now_s[0])
                for frame in decoder.feed(sends):
                    watch.record_frame(frame, datetime.now(UTC), now_s[0])
            watch.check(now_s[0])
    assert len(logs) <= 2


def test_nothing_is_judged_in_the_first_half_minute():
    watch = LineWatch(Decoder())
    for second in range(1, 31):
        watch.check(float(second))
        watch.record_bytes(float(second))
        state = watch.state(float(second))
        assert (state.is_starting, state.fault) == (True, None)
        assert advise(presence_of(state), None, datetime.now(UTC), has_left=False) == ()
    watch.check(31.0)
    assert not watch.state(31.0).is_starting
    assert watch.state(31.0).fault is LineFault.GARBLED


def test_a_capture_that_has_ended_is_not_silent(bench):
    bench.begin()
    bench.chip.finish(bench.clock.host_time())
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
                    watch.record_bytes(now[0])
                for frame in decoder.feed(data):
                    watch.record_frame(frame, datetime.now(UTC), now[0])
                watch.check(now[0])

        try:
            for _ in range(2):
                with PtyLink(link) as line:
                    pass_s(2)
                    line.wait_for_reader()
                    for _ in range(310):
                        line.send(FRAME)
                        pass_s(1)
                pass_s(40)
        finally:
            source.close()
    told = [each["event"] for each in logs]
    assert told == [
        *("serial_line_opened", "serial_line_lost", "line_silent"),
        *("serial_line_opened", "line_back", "serial_line_lost", "line_silent"),
    ]


def test_an_adapter_that_flickers_does_not_fill_the_log(tmp_path):
    link, now = tmp_path / "linky", [0.0]
    timing = Timing(monotonic=lambda: now[0], sleep=lambda _: None)
    with capture_logs() as logs:
        source = SerialSource(link, lambda: 0, delays=lambda: repeat(0.5), timing=timing)
        try:
            for _ in range(100):
                with PtyLink(link):
                    now[0] += 1
                    source.read(0.01)
                now[0] += 1
                source.read(0.01)
        finally:
            source.close()
    told = [each["event"] for each in logs]
    assert told == ["serial_line_opened", *LOST_AND_BACK * (len(told) // 2)]
    assert 3 <= len(told) <= 23
