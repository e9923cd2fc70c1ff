"""When something that nobody has answered yet is sent again."""

import random
from dataclasses import dataclass

RESEND_S = 60.0
RESEND_MAX_S = 3_600.0
# A region's chips must not speak together after an outage.
SPREAD = 0.25

_rng = random.SystemRandom()


@dataclass(slots=True)
class RetryTimer:
    """Something on its way; sent again after a minute, then ever later, an hour at most.

    `due_s` is when it goes (again), on the clock that only rises.
    """

    due_s: float = 0.0
    attempts: int = 0

    def sent(self, now_s: float) -> None:
        """Take note that it was just sent."""
        longest_s = min(RESEND_MAX_S, RESEND_S * 2 ** min(self.attempts, 16))
        self.attempts += 1
        self.due_s = now_s + longest_s * _rng.uniform(1 - SPREAD, 1 + SPREAD)

    def restart(self, now_s: float) -> None:
        """Let it go now if it was sent before: a session has begun, what was sent may be lost."""
        if self.attempts:
            self.attempts, self.due_s = 0, now_s
