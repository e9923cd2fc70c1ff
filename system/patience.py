"""Waits that give up after a time without progress, however long they take in total.

A slow or busy machine makes everything take longer, but does not stop progress.
"""

import time
from collections.abc import Callable

POLL_S = 0.05


class Patience:
    """A limit by lack of progress."""

    def __init__(self, limit_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Run out after `limit_s` seconds without progress; `clock` returns seconds."""
        self._limit_s = limit_s
        self._clock = clock
        self._progress: object = None
        self._moved_s = clock()

    def lasts(self, progress: object = None) -> bool:
        """Return whether to go on waiting.

        `progress` is any value that changes with progress, such as a count; None if nothing can be
        counted.
        """
        now_s = self._clock()
        if progress != self._progress:
            self._progress, self._moved_s = progress, now_s
        return now_s - self._moved_s < self._limit_s


def wait_until(
    condition: Callable[[], bool],
    patience: Patience,
    progress: Callable[[], object] = lambda: None,
    pause: Callable[[], None] = lambda: time.sleep(POLL_S),
) -> bool:
    """Wait until `condition` holds, as long as `progress` changes; returns whether it holds."""
    while not condition():
        if not patience.lasts(progress()):
            return condition()  # this process may have been delayed longer than the other
        pause()
    return True
