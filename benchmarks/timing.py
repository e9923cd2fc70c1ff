"""Times functions over several runs, with one figure per run.

CPU time covers the whole process with its threads. It measures cost even while the machine is busy
with something else. Wall time is for work that waits for a disk or broker.
"""

import time
from collections.abc import Callable, Sequence


def cpu_s(function: Callable[[], object], *, runs: int, times: int = 1) -> list[float]:
    """Return a call's CPU seconds for each of `runs`, the mean of `times`, after a warm-up."""
    return _measure(time.process_time, function, runs, times)


def wall_s(function: Callable[[], object], *, runs: int, times: int = 1) -> list[float]:
    """Return a call's wall seconds for each of `runs`, the mean of `times`, after a warm-up."""
    return _measure(time.perf_counter, function, runs, times)


def scaled(count: int, scale: float, least: int = 1) -> int:
    """Return `count` times `scale`, but at least `least`."""
    return max(least, round(count * scale))


def per(seconds: Sequence[float], count: float) -> list[float]:
    """Return each of `seconds` divided by `count`."""
    return [value / count for value in seconds]


def _measure(
    clock: Callable[[], float], function: Callable[[], object], runs: int, times: int
) -> list[float]:
    function()
    seconds = []
    for _ in range(runs):
        begun = clock()
        for _ in range(times):
            function()
        seconds.append((clock() - begun) / times)
    return seconds
