"""Retry with exponential back-off: a policy as a value, and a timer that counts attempts.

The ceiling of a wait grows exponentially up to a cap, and the wait is drawn below or around it. Of
the usual strategies, full jitter serves many clients with the least work for the server
("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

# The range from which a wait is drawn, as fractions of its ceiling.
FULL_JITTER = (0.0, 1.0)
QUARTER_JITTER = (0.75, 1.25)
NO_JITTER = (1.0, 1.0)
# Limits the exponent; any growth reaches any cap long before.
_ATTEMPTS_MAX = 64

_RANDOM = random.SystemRandom()


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When to try again, in seconds.

    Attributes:
        first_s: the ceiling of the first wait.
        growth: the factor from each ceiling to the next.
        cap_s: the highest ceiling.
        jitter: the range from which a wait is drawn uniformly, as fractions of its ceiling.
        floor_s: added to every wait.
    """

    first_s: float = 0.5
    growth: float = 2.0
    cap_s: float = 30.0
    jitter: tuple[float, float] = FULL_JITTER
    floor_s: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.first_s <= self.cap_s:
            raise ValueError("a retry policy has 0 < first_s <= cap_s")
        if self.growth < 1 or not 0 <= self.jitter[0] <= self.jitter[1] or self.floor_s < 0:
            raise ValueError("a retry policy has growth >= 1, 0 <= jitter, floor_s >= 0")

    def wait_s(self, attempts: int, rng: random.Random | None = None) -> float:
        """Draw the wait in seconds; `attempts` counts the attempts before the latest one."""
        grown_s = self.first_s * self.growth ** min(attempts, _ATTEMPTS_MAX)
        return self.floor_s + min(self.cap_s, grown_s) * (rng or _RANDOM).uniform(*self.jitter)

    def waits_s(self, rng: random.Random | None = None) -> Iterator[float]:
        """Yield waits without end. After a success, start again with a new generator."""
        attempts = 0
        while True:
            yield self.wait_s(attempts, rng)
            attempts += 1


@dataclass(slots=True)
class RetryTimer:
    """Times a message that is sent again until it is answered.

    `due_s` is the time of the next attempt on the monotonic clock.
    """

    due_s: float = 0.0
    attempts: int = 0

    def sent(self, now_s: float, policy: RetryPolicy, rng: random.Random | None = None) -> None:
        """Record that it was just sent."""
        self.due_s = now_s + policy.wait_s(self.attempts, rng)
        self.attempts += 1

    def restart(self, now_s: float) -> None:
        """Make it due now if it was sent before, since that attempt may be lost."""
        if self.attempts:
            self.attempts, self.due_s = 0, now_s
