"""A schedule of kills and restarts, drawn from a seed, in simulated time."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# A victim is killed in the first part of its share of the time, and is back before the last part.
KILLED_WITHIN, BACK_WITHIN = 0.6, 0.9
# The longest absence; a chip then misses some quarter-hours.
AWAY_MAX = timedelta(hours=2)


@dataclass(frozen=True, order=True)
class Event:
    """A kill or restart of a victim at an instant."""

    at: datetime
    victim: str
    is_kill: bool


def draw_schedule(
    seed: int, victims: Sequence[str], kills: int, start: datetime, end: datetime
) -> list[Event]:
    """Draw `kills` kills of each victim over [start, end), and a restart after each."""
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
