"""A line that falls silent, says nothing that can be read, or comes back is told once."""

from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from tests.support.chip_bench import PLATFORM_KEY, Bench, make_identity
from tests.support.chip_cloud import FakeCloud


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


@pytest.mark.xfail(reason="a dead line is no event of the log")
def test_a_line_that_falls_silent_is_told_within_half_a_minute(bench):
    bench.begin()
    assert lasting(bench, 31) == ["line_silent"]
