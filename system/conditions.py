"""Conditions that last, told as events: when they begin or change, once a day, and when they end.

A loop that finds the same again each round would fill the log with it, and hide what is new. So
would a condition that comes and goes: its beginnings are told ten at once, then one in ten minutes.
"""

import time
from collections.abc import Callable, Hashable

AGAIN_AFTER_S = 86_400.0
TOLD_AT_ONCE = 10.0
TOLD_EVERY_S = 600.0


class Condition:
    """One condition, such as a broker that is away; `begins` and `ends` say whether to tell it.

    Attributes:
        times: how often it has been found since it was last told that it had ended.
    """

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        """Take the clock by which a day passes."""
        self._monotonic_s = monotonic_s
        self._why: Hashable = None
        self._told_at_s: float | None = None
        self._allowed = TOLD_AT_ONCE
        self._allowed_at_s: float | None = None
        self._has_ended = True
        self.times = 0

    def begins(self, why: Hashable = "") -> bool:
        """Take note that the condition holds; True if that, or why, is new or a day old."""
        now_s = self._monotonic_s()
        self.times = 1 if self._has_ended else self.times + 1
        self._has_ended = False
        is_known = self._told_at_s is not None and self._why == why
        if is_known and now_s - (self._told_at_s or 0.0) < AGAIN_AFTER_S:
            return False
        if not self._may_tell(now_s):
            return False
        self._why, self._told_at_s = why, now_s
        return True

    def ends(self) -> bool:
        """Take note that the condition does not hold; True if it was told that it did."""
        was_told = self._told_at_s is not None
        self._told_at_s = None
        self._has_ended |= was_told
        return was_told

    def _may_tell(self, now_s: float) -> bool:
        since_s = 0.0 if self._allowed_at_s is None else now_s - self._allowed_at_s
        self._allowed = min(TOLD_AT_ONCE, self._allowed + since_s / TOLD_EVERY_S)
        self._allowed_at_s = now_s
        if self._allowed < 1.0:
            return False
        self._allowed -= 1.0
        return True


class Repeated:
    """What is found over and over, such as a document refused each time it comes: told once a day.

    Keeps so many different ones; when there are more, the oldest counts as new again.
    """

    def __init__(
        self, monotonic_s: Callable[[], float] = time.monotonic, most: int = 1_000
    ) -> None:
        """Take the clock by which a day passes."""
        self._monotonic_s = monotonic_s
        self._most = most
        self._told: dict[Hashable, tuple[float, int]] = {}

    def found(self, *what: Hashable, times: int = 1) -> int:
        """Take note of a finding; 0 if it was told within a day, else how often it was found since."""
        now_s = self._monotonic_s()
        told_at_s, untold = self._told.get(what, (float("-inf"), 0))
        untold += times
        if now_s - told_at_s < AGAIN_AFTER_S:
            self._told[what] = told_at_s, untold
            return 0
        self._told.pop(what, None)
        self._told[what] = now_s, 0
        if len(self._told) > self._most:
            del self._told[next(iter(self._told))]
        return untold
