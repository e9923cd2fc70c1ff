"""When who is killed and started again: drawn from a seed, in simulated time."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Of its share of the time, a victim is killed in the first part and is back before the last.
KILLED_WITHIN, BACK_WITHIN = 0.6, 0.9
# The longest that anyone stays away: some quarter-hours of a chip are then never read.
AWAY_MAX = timedelta(hours=2)


@dataclass(frozen=True, order=True)
class Event:
    """At this instant the victim is killed, or started again."""

    at: datetime
    victim: str
    is_kill: bool


def draw_schedule(
    seed: int, victims: Sequence[str], kills: int, start: datetime, end: datetime
) -> list[Event]:
    """Draw `kills` kills of each victim over [start, end), and when each is back."""
    rng = random.Random(seed)
    share = (end - start) / kills
    events = []
    for victim in victims:
        for number in range(kills):
            begun = start + number * share
            killed = begun + share * rng.uniform(0, KILLED_WITHIN)
            latest = min(begun + share * BACK_WITHIN, killed + AWAY_MAX)
            back = killed + (latest - killed) * rng.random()
            events += [Event(killed, victim, is_kill=True), Event(back, victim, is_kill=False)]
    return sorted(events)
