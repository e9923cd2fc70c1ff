"""How long to wait before trying again: exponential, capped, full jitter.

After "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): of the usual ways, drawing
uniformly below a doubling ceiling clears a crowd of clients with the least work for the server.
"""

import random
from collections.abc import Iterator


def backoff(
    *, base_s: float = 0.5, cap_s: float = 30.0, rng: random.Random | None = None
) -> Iterator[float]:
    """Draw delays in seconds without end, each uniform in [0, min(cap_s, base_s·2^attempt)].

    A success begins anew with a new generator.
    """
    if not 0 < base_s <= cap_s:
        raise ValueError("a back-off has 0 < base_s <= cap_s")
    draw = (rng or random.SystemRandom()).uniform
    ceiling_s = base_s
    while True:
        yield draw(0, ceiling_s)
        ceiling_s = min(cap_s, ceiling_s * 2)
