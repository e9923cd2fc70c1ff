"""When a chip speaks of itself to the outside: seldom, and never at the moment of a change.

A change is told once it has lasted a drawn delay; one that is taken back meanwhile is never told,
and one that keeps turning into others is told after a longer drawn time.
Beside this the chip speaks once a day at a drawn minute, whatever it has to say. What was told is kept, so that a start
alone says nothing and a storm of starts cannot speak more often than one long run.
"""

import random
from datetime import datetime, timedelta

import msgspec

from protocol.calendar import Instant, day_number, day_of_number, day_start, legal_day
from protocol.status import State

DELAY_S = (600.0, 1_200.0)
# A chip that is never twice the same, as on a flickering line, waits no longer than this.
LONGEST_S = (2_400.0, 3_600.0)
MESSAGES_A_DAY = 6
_MINUTES_A_DAY = 24 * 60
# Nobody draws a minute further away: such a time was drawn under a clock that was wrong.
_FURTHEST = timedelta(days=2)
# A host without a clock of its own begins with a wrong one; the minute drawn before is kept so long.
_CLOCK_IS_SET_WITHIN_S = 3_600.0
# A minute that passed longer ago was passed over: the clock was set, or there was no session.
_ROUND = timedelta(minutes=2)


class Facts(msgspec.Struct, frozen=True):
    """Of what a change is worth a message."""

    state: State
    tic_mode: str | None
    software: str
    not_after: Instant | None


class PublishedStatus(msgspec.Struct, frozen=True):
    """What the outside knows, and how often it was told.

    Attributes:
        facts: those of the last message.
        day: number of the legal day of that message; `sent` messages went on it.
        daily_at: the drawn minute of the next daily message.
    """

    facts: Facts
    day: int
    sent: int
    daily_at: Instant


class Schedule:
    """Decides; the caller keeps what it is given, and then sends."""

    def __init__(self, told: PublishedStatus | None, rng: random.Random) -> None:
        """Go on from what was told before the start, None: nothing ever was."""
        self._told = told
        self._rng = rng
        self._change: tuple[Facts, float] | None = None
        self._differs_until_s: float | None = None
        self._is_far_since_s: float | None = None
        self._is_fresh = True

    @property
    def told(self) -> PublishedStatus | None:
        """What the outside knows; None: the chip has never spoken."""
        return self._told

    def step(
        self, facts: Facts, now: datetime, now_s: float, *, may_send: bool
    ) -> PublishedStatus | None:
        """Look at `facts`; return what is told by the message that is due now, None: none is.

        `now_s` runs evenly, `now` may be set. The first word of a chip goes at once.
        """
        told = self._told
        if told is None:
            return self._tell(facts, now) if may_send else None
        self._told = told = self._with_daily(told, now, now_s)
        is_due = self._is_due(told, facts, now, now_s)
        if not is_due or not may_send:
            return None
        if self._sent_on(now) >= MESSAGES_A_DAY:
            if now >= told.daily_at:
                self._told = msgspec.structs.replace(told, daily_at=self._tomorrow(now))
            return None
        return self._tell(facts, now)

    def goodbye(self, now: datetime) -> PublishedStatus | None:
        """Return what is told by a chip that stops; None where the day's messages are needed.

        One is left for the return. A chip that has never spoken stops in silence.
        """
        told = self._told
        if told is None or self._sent_on(now) >= MESSAGES_A_DAY - 1:
            return None
        return self._tell(msgspec.structs.replace(told.facts, state=State.DISCONNECTED), now)

    def lost(self) -> None:
        """Take note that the broker has called this chip lost."""
        told = self._told
        if told is not None and told.facts.state is not State.DISCONNECTED:
            facts = msgspec.structs.replace(told.facts, state=State.LOST)
            self._told = msgspec.structs.replace(told, facts=facts)

    def _is_due(self, told: PublishedStatus, facts: Facts, now: datetime, now_s: float) -> bool:
        is_daily = now >= told.daily_at
        if facts == told.facts:
            self._change = self._differs_until_s = None
            return is_daily
        if self._differs_until_s is None:
            self._differs_until_s = now_s + self._rng.uniform(*LONGEST_S)
        if self._change is None or self._change[0] != facts:
            self._change = facts, now_s + self._rng.uniform(*DELAY_S)
        return is_daily or now_s >= min(self._change[1], self._differs_until_s)

    def _with_daily(self, told: PublishedStatus, now: datetime, now_s: float) -> PublishedStatus:
        """Draw the minute again if it was passed over, or a clock was wrong.

        Otherwise a chip would speak at the moment at which power, clock or session come back.
        """
        daily_at = told.daily_at
        is_far = daily_at - now > _FURTHEST
        if not is_far:
            self._is_far_since_s = None
        elif self._is_far_since_s is None:
            self._is_far_since_s = now_s
        elif now_s - self._is_far_since_s > _CLOCK_IS_SET_WITHIN_S:
            daily_at = self._tomorrow(now)
        if daily_at <= now and (self._is_fresh or now - daily_at > _ROUND):
            daily_at = now + timedelta(seconds=self._rng.uniform(*DELAY_S))
        self._is_fresh = False
        return msgspec.structs.replace(told, daily_at=daily_at)

    def _tell(self, facts: Facts, now: datetime) -> PublishedStatus:
        told = self._told
        self._change = self._differs_until_s = None
        is_daily = told is None or now >= told.daily_at
        self._told = PublishedStatus(
            facts,
            day_number(legal_day(now)),
            self._sent_on(now) + 1,
            self._tomorrow(now) if told is None or is_daily else told.daily_at,
        )
        return self._told

    def _sent_on(self, now: datetime) -> int:
        """Count the messages of the day; a clock that was set back a little gives no more."""
        told, today = self._told, day_number(legal_day(now))
        return told.sent if told is not None and today <= told.day <= today + 1 else 0

    def _tomorrow(self, now: datetime) -> datetime:
        """Draw a minute of the next legal day."""
        tomorrow = day_of_number(day_number(legal_day(now)) + 1)
        return day_start(tomorrow) + timedelta(minutes=self._rng.randrange(_MINUTES_A_DAY))
