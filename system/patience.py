"""Waiting that ends when nothing has moved for a while, however long it takes in all.

A slow or busy machine makes everything take longer; it does not make it stand still.
"""

import time
from collections.abc import Callable

POLL_S = 0.05


class Patience:
    """A limit by lack of progress."""

    def __init__(self, limit_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Run out once `limit_s` seconds have gone by without progress; `clock` counts seconds."""
        self._limit_s = limit_s
        self._clock = clock
        self._progress: object = None
        self._moved_s = clock()

    def lasts(self, progress: object = None) -> bool:
        """Say whether to go on waiting.

        `progress`: anything that compares unequal to what it was before once something has moved,
        such as a count; None where nothing can be counted.
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
    """Wait until `condition` holds, as long as `progress` moves; say whether it holds."""
    while not condition():
        if not patience.lasts(progress()):
            return condition()  # who looks may have been held up longer than what is looked at
        pause()
    return True
