"""Frames in time: grid, pace, and the line's limits."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from edge.simulate.curve import Curve
from edge.simulate.faults import Faults, Wire
from edge.simulate.home import HomeSettings, build_home
from edge.simulate.player import default_frame_step_s, frames, play
from edge.tic.frame import Mode

START = datetime(2025, 1, 1, tzinfo=UTC)


def home(mode: Mode = Mode.STANDARD, **settings):
    curve = Curve(int(START.timestamp()), 1_800, np.full(96, 700, dtype=np.int64))
    return build_home(curve, HomeSettings(mode=mode, **settings))


class FakeClock:
    """A clock that only sleeping moves; records when each chunk was sent."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.sent: list[tuple[float, bytes]] = []

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def send(self, data: bytes) -> None:
        self.sent.append((self.now_s, data))


def played(stream, speed: float | None) -> FakeClock:
    clock = FakeClock()
    play(stream, Wire(Faults(), 0), clock.send, speed, clock=clock, sleep=clock.sleep)
    return clock


@pytest.mark.parametrize(
    ("speed", "step_s"),
    [(1, 0), (0.5, 0), (60, 1), (1_000, 10), (43_200, 450), (10**9, 900), (None, 60)],
)
def test_default_step_divides_the_quarter_hour(speed, step_s):
    assert default_frame_step_s(speed) == step_s


def test_frames_stand_on_the_grid_and_on_both_ends():
    end = START + timedelta(hours=1)
    instants = [sent.at_s - START.timestamp() for sent in frames(home(), START, end, 450)]
    assert instants == [450.0 * n for n in range(9)]


@pytest.mark.parametrize(
    ("mode", "settings", "period_s"),
    [
        (Mode.STANDARD, {}, (0.9, 1.0)),
        (Mode.STANDARD, {"phases": 3, "is_producer": True}, (1.3, 1.8)),
        (Mode.HISTORIQUE, {}, (1.2, 2.5)),
    ],
)
def test_line_carries_a_frame_at_its_own_baud_rate(mode, settings, period_s):
    stream = frames(home(mode, **settings), START, START + timedelta(minutes=5), 0)
    instants = [sent.at_s for sent in stream]
    periods = np.diff(instants)
    assert period_s[0] < periods.min() <= periods.max() < period_s[1]


def test_step_shorter_than_a_frame_waits_for_the_line():
    stream = list(frames(home(Mode.HISTORIQUE), START, START + timedelta(minutes=1), 1))
    assert {after.at_s - before.at_s for before, after in pairwise(stream)} == {2.0}


def test_real_time_spreads_the_bytes_over_the_frame():
    stream = list(frames(home(), START, START + timedelta(seconds=3), 0))
    clock = played(iter(stream), 1.0)
    assert b"".join(data for _, data in clock.sent) == b"".join(sent.data for sent in stream)
    for (before_s, data), (after_s, _) in pairwise(clock.sent):
        assert after_s - before_s >= len(data) * 10 / 9_600 - 1e-9
        assert len(data) <= 60


def test_speed_makes_simulated_time_pass_faster():
    stream = list(frames(home(), START, START + timedelta(hours=2), 450))
    clock = played(iter(stream), 7_200.0)
    assert clock.now_s == pytest.approx(101.0, abs=0.01)
    assert [data for _, data in clock.sent] == [sent.data for sent in stream]


def test_unpaced_play_never_sleeps():
    clock = played(frames(home(), START, START + timedelta(hours=2), 60), None)
    assert clock.now_s == 100.0
    assert len(clock.sent) == 121
