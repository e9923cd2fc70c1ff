"""What a chip says of itself is true when it is said, and is not said more often than agreed."""

import json

import pytest

from tests.support.chip_bench import PLATFORM_KEY, Bench, instant, make_identity
from tests.support.chip_cloud import FakeCloud
from tests.unit.tic.tic_streams import Mode, frame_bytes

START = instant(2026, 5, 5, 10)
SILENT_S = 11.0


@pytest.fixture
def bench(tmp_path):
    identity = make_identity()
    bench = Bench(tmp_path / "chip", FakeCloud(identity, PLATFORM_KEY), identity, START)
    yield bench
    bench.kill()


def test_a_meter_that_has_hung_up_has_no_line_quality(bench):
    bench.begin()
    frame = frame_bytes(Mode.HISTORIQUE, [("PAPP", "00440", None), ("IINST", "002", None)])
    for _ in range(4):
        bench.chip.feed(frame, bench.clock.host_time())
    assert json.loads(bench.chip.goodbye().payload)["line_quality"] == 1.0
    bench.clock.seconds += SILENT_S
    assert json.loads(bench.chip.goodbye().payload)["line_quality"] == 0.0


def test_two_quiet_days_take_a_handful_of_messages(bench):
    bench.begin()
    for _ in range(20):
        bench.connect(is_online=False)
        bench.connect(is_online=True)
        bench.pump()
    bench.run(96 * 2)
    assert 2 <= len(bench.statuses) <= 12
