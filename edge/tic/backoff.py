"""How long to wait before trying again: exponential, capped, full jitter."""

import random


class Backoff:
    """Delays drawn uniformly from [0, min(cap, base × 2^attempt)], in seconds."""

    def __init__(
        self, *, base_s: float = 0.5, cap_s: float = 30.0, rng: random.Random | None = None
    ) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._ceiling_s = base_s
        self._rng = rng or random.SystemRandom()

    def next_delay_s(self) -> float:
        """Draw the delay before the next attempt; the one after may be twice as long."""
        delay_s = self._rng.uniform(0, self._ceiling_s)
        self._ceiling_s = min(self._cap_s, self._ceiling_s * 2)
        return delay_s

    def reset(self) -> None:
        """Begin again: the last attempt was a success."""
        self._ceiling_s = self._base_s
