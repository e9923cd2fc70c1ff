"""How long something takes: several runs, each its own figure.

CPU time of the whole process, threads included, since what is asked is what a thing costs and the
machine may be busy with something else; wall time where waiting for disk or broker is the point.
"""

import time
from collections.abc import Callable, Sequence


def cpu_s(function: Callable[[], object], *, runs: int, times: int = 1) -> list[float]:
    """Return the CPU seconds of one call, `runs` times, each over `times` calls; once to warm up."""
    return _measure(time.process_time, function, runs, times)


def wall_s(function: Callable[[], object], *, runs: int, times: int = 1) -> list[float]:
    """Return the wall seconds of one call, `runs` times, each over `times` calls; once to warm up."""
    return _measure(time.perf_counter, function, runs, times)


def scaled(count: int, scale: float, least: int = 1) -> int:
    """Return `count` at a scale, never below `least`."""
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
