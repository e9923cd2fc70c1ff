"""Sends frames over time: at the line's pace, or faster than real time."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from edge.simulate.faults import Wire
from edge.simulate.home import SimulatedHome

QUARTER_HOUR_S = 900
FRAMES_PER_WALL_SECOND = 100
UNPACED_FRAME_STEP_S = 60
CHUNK_S = 0.05


class TimedFrame(NamedTuple):
    """A frame, the Unix second at which it begins, and how long it occupies the line."""

    at_s: float
    data: bytes
    busy_s: float


def default_frame_step_s(speed: float | None) -> int:
    """Return the simulated seconds between frames.

    In real time it is 0: frames follow each other as the line carries them. Faster, it is the
    smallest divisor of a quarter-hour with at most 100 frames a real second, so that a frame begins
    on every quarter-hour boundary. Unpaced (None), it is a minute.
    """
    if speed is None:
        return UNPACED_FRAME_STEP_S
    if speed <= 1:
        return 0
    wanted_s = speed / FRAMES_PER_WALL_SECOND
    divisors = (step for step in range(1, QUARTER_HOUR_S) if QUARTER_HOUR_S % step == 0)
    return next((step for step in divisors if step >= wanted_s), QUARTER_HOUR_S)


def frames(
    home: SimulatedHome, start: datetime, end: datetime, frame_step_s: int
) -> Iterator[TimedFrame]:
    """Yield frames over [start, end]; a frame begins at `end` if the step fits.

    Frames begin at whole multiples of the step, and never before the line is free.
    """
    at_s = start.timestamp()
    end_s = end.timestamp()
    while at_s <= end_s:
        at = datetime.fromtimestamp(at_s, UTC)
        back = home.mains_back(at)
        if back is not None:
            at_s = _on_grid(back.timestamp(), frame_step_s)
            continue
        frame = home.frame_at(at)
        busy_s = home.meter_at(at).frame_duration_s(frame)
        yield TimedFrame(at_s, frame, busy_s)
        at_s = _on_grid(at_s + busy_s, frame_step_s)


def play(
    stream: Iterator[TimedFrame],
    wire: Wire,
    sink: Callable[[bytes], None],
    speed: float | None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Send the frames to `sink`, `speed` times faster than real time; None: without pacing.

    A frame's bytes are spread over the time that the line takes for them. Returns the number of
    frames sent. A sink that blocks delays later frames, but no frame is omitted.
    """
    count = 0
    begun_s: tuple[float, float] | None = None
    for at_s, frame, busy_s in stream:
        arrived = wire.carry(frame, int(at_s))
        if speed is None:
            sink(arrived)
        else:
            begun_s = begun_s or (clock(), at_s)
            due_s = begun_s[0] + (at_s - begun_s[1]) / speed
            for delay_s, chunk in _chunks(arrived, busy_s / speed):
                wait_s = due_s + delay_s - clock()
                if wait_s > 0:
                    sleep(wait_s)
                sink(chunk)
        count += 1
    return count


def _chunks(frame: bytes, busy_s: float) -> Iterator[tuple[float, bytes]]:
    parts = max(1, round(busy_s / CHUNK_S))
    size = max(1, -(-len(frame) // parts))
    for at in range(0, len(frame), size):
        yield busy_s * at / len(frame), frame[at : at + size]


def _on_grid(at_s: float, step_s: int) -> float:
    return at_s if step_s == 0 else -(-at_s // step_s) * step_s
