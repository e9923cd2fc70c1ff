"""How often something may come from each of many: so many a day, a part of them at once."""

import time
from collections.abc import Callable

# This part of a day's may come at once, the rest evenly over the day.
AT_ONCE = 0.25
DAY_S = 86_400.0
_KEPT_LEAST = 1_024


class Pace:
    """Counts by name; what it admits of one name within any 24 hours is at most `daily`.

    It remembers names as long as they count, so its memory is bounded by those who hurry.
    """

    def __init__(self, daily: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Count by `clock`, which returns seconds and never goes back."""
        self._clock = clock
        # The seconds for which one counts, and how many of them may have gathered.
        self._one_s = DAY_S / (daily * (1 - AT_ONCE))
        self._most_s = self._one_s * max(daily * AT_ONCE, 1.0)
        # When what each name has had will all have been counted off.
        self._until_s: dict[str, float] = {}
        self._kept_most = _KEPT_LEAST

    def admits(self, name: str) -> bool:
        """Count one more of a name, unless there are too many; return whether it was counted."""
        now_s = self._clock()
        until_s = max(self._until_s.get(name, now_s), now_s) + self._one_s
        # A thousandth of one, since seconds are rounded.
        if until_s - now_s > self._most_s + self._one_s / 1_000:
            return False
        if len(self._until_s) >= self._kept_most:
            self._until_s = {name: at_s for name, at_s in self._until_s.items() if at_s > now_s}
            self._kept_most = max(2 * len(self._until_s), _KEPT_LEAST)
        self._until_s[name] = until_s
        return True
