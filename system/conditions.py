"""Conditions that last, told as events: when they begin or change, once a day, and when they end.

A loop that finds the same again each round would fill the log with it, and hide what is new.
"""

import time
from collections.abc import Callable, Hashable

AGAIN_AFTER_S = 86_400.0


class Condition:
    """One condition, such as a broker that is away; `begins` and `ends` say whether to tell it."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        """Take the clock by which a day passes."""
        self._monotonic_s = monotonic_s
        self._why: Hashable = None
        self._told_at_s: float | None = None

    def begins(self, why: Hashable = "") -> bool:
        """Take note that the condition holds; True if that, or why, is new or a day old."""
        now_s = self._monotonic_s()
        is_known = self._told_at_s is not None and self._why == why
        if is_known and now_s - (self._told_at_s or 0.0) < AGAIN_AFTER_S:
            return False
        self._why, self._told_at_s = why, now_s
        return True

    def ends(self) -> bool:
        """Take note that the condition does not hold; True if it did."""
        was_told = self._told_at_s is not None
        self._told_at_s = None
        return was_told


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
        self._told_at_s: dict[Hashable, float] = {}

    def is_new(self, *what: Hashable) -> bool:
        """Take note of a finding; True if it has not been told within a day."""
        now_s = self._monotonic_s()
        told_at_s = self._told_at_s.get(what)
        if told_at_s is not None and now_s - told_at_s < AGAIN_AFTER_S:
            return False
        self._told_at_s.pop(what, None)
        self._told_at_s[what] = now_s
        if len(self._told_at_s) > self._most:
            del self._told_at_s[next(iter(self._told_at_s))]
        return True
