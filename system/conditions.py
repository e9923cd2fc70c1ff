"""Reports lasting conditions as events: when they begin or change, once a day, and when they end.

A loop that reported the same condition in every round would fill the log and hide what is new. So
would a condition that comes and goes, so its beginnings are limited to a burst of ten, then one in
ten minutes.
"""

import time
from collections.abc import Callable, Hashable

AGAIN_AFTER_S = 86_400.0
REPORTS_AT_ONCE = 10.0
REPORT_EVERY_S = 600.0


class Condition:
    """One condition, such as an absent broker; `begins` and `ends` return whether to report it.

    Attributes:
        times: how often it has occurred since its end was last reported.
    """

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        """Store the clock that measures a day."""
        self._monotonic_s = monotonic_s
        self._why: Hashable = None
        self._reported_at_s: float | None = None
        self._allowed = REPORTS_AT_ONCE
        self._allowed_at_s: float | None = None
        self._has_ended = True
        self.times = 0

    def begins(self, why: Hashable = "") -> bool:
        """Record that the condition holds; True if it or `why` is new, or a day has passed."""
        now_s = self._monotonic_s()
        self.times = 1 if self._has_ended else self.times + 1
        self._has_ended = False
        is_known = self._reported_at_s is not None and self._why == why
        if is_known and now_s - (self._reported_at_s or 0.0) < AGAIN_AFTER_S:
            return False
        if not self._may_report(now_s):
            return False
        self._why, self._reported_at_s = why, now_s
        return True

    def ends(self) -> bool:
        """Record that the condition does not hold; True if it was reported before."""
        was_reported = self._reported_at_s is not None
        self._reported_at_s = None
        self._has_ended |= was_reported
        return was_reported

    def _may_report(self, now_s: float) -> bool:
        since_s = 0.0 if self._allowed_at_s is None else now_s - self._allowed_at_s
        self._allowed = min(REPORTS_AT_ONCE, self._allowed + since_s / REPORT_EVERY_S)
        self._allowed_at_s = now_s
        if self._allowed < 1.0:
            return False
        self._allowed -= 1.0
        return True


class Repeated:
    """Limits repeated findings, such as a document refused each time it arrives, to one a day.

    It remembers `most` different findings; beyond that, the oldest counts as new again.
    """

    def __init__(
        self, monotonic_s: Callable[[], float] = time.monotonic, most: int = 1_000
    ) -> None:
        """Store the clock that measures a day."""
        self._monotonic_s = monotonic_s
        self._most = most
        self._reported: dict[Hashable, tuple[float, int]] = {}

    def found(self, *what: Hashable, times: int = 1) -> int:
        """Record a finding; returns how often to report it, 0 if it was reported within a day."""
        now_s = self._monotonic_s()
        reported_at_s, unreported = self._reported.get(what, (float("-inf"), 0))
        unreported += times
        if now_s - reported_at_s < AGAIN_AFTER_S:
            self._reported[what] = reported_at_s, unreported
            return 0
        self._reported.pop(what, None)
        self._reported[what] = now_s, 0
        if len(self._reported) > self._most:
            del self._reported[next(iter(self._reported))]
        return unreported
