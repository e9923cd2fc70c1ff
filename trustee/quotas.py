"""How many messages a trustee takes from each sender in a day; the rest is dropped unread.

The broker lets everybody write own topics only, so a message counts for the sender of its topic
before anything of it is verified. Who is cut off loses nothing: chips' messages are retained, and
trustees compare their logs every hour.
"""

import time
from collections.abc import Callable

from protocol.errors import MessageRefused, Reason
from system.pace import Pace

# As many as the cloud takes; a chip sends one for each new set of seeds.
KEYS_A_DAY = 1_000
# A trustee sends one for each answer, and greets the others when it starts, and every hour.
PEER_MESSAGES_A_DAY = 20_000
# Those that are answered with all that the sender says it lacks.
PEER_QUESTIONS_A_DAY = 1_000


class Quotas:
    """Counts messages of chips and of the other trustees."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Count by `clock`, which returns seconds and never goes back."""
        self._keys = Pace(KEYS_A_DAY, clock)
        self._messages = Pace(PEER_MESSAGES_A_DAY, clock)
        self._questions = Pace(PEER_QUESTIONS_A_DAY, clock)

    def count_key(self, topic: str) -> None:
        """Count a chip's message; raises MessageRefused if it is beyond."""
        _check(self._keys, topic, "more messages than a chip may send")

    def count_message(self, peer: str) -> None:
        """Count a message of another trustee; raises MessageRefused if it is beyond."""
        _check(self._messages, peer, f"more messages than {peer} may send")

    def count_question(self, peer: str) -> None:
        """Count a question of another trustee; raises MessageRefused if it is beyond."""
        _check(self._questions, peer, f"more questions than {peer} may ask")


def _check(pace: Pace, sender: str, detail: str) -> None:
    if not pace.admits(sender):
        raise MessageRefused(Reason.QUOTA, detail)
