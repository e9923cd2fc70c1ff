"""When a chip publishes its status: seldom, and never at the moment of a change.

A change is published once it has lasted a random delay. A change that is undone before is never
published, and one that keeps turning into others is published after a longer random time.
In addition the chip publishes once a day at a random minute, and at once where a broker that was
stopped has published its will. What was published is stored, so that
a mere start publishes nothing and many starts cannot publish more often than one long run.
"""

import random
from datetime import datetime, timedelta

import msgspec

from protocol.calendar import Instant, day_number, day_of_number, day_start, legal_day
from protocol.status import State

DELAY_S = (600.0, 1_200.0)
# A chip whose state keeps changing, as on a flickering line, waits no longer than this.
LONGEST_S = (2_400.0, 3_600.0)
MESSAGES_A_DAY = 6
_MINUTES_A_DAY = 24 * 60
# No drawn minute is further away, so such a time was drawn under a wrong clock.
_FURTHEST = timedelta(days=2)
# A host without a hardware clock starts with a wrong time; the drawn minute is kept for this long.
_CLOCK_IS_SET_WITHIN_S = 3_600.0
# A minute that passed longer ago was missed: the clock was set, or there was no session.
_ROUND = timedelta(minutes=2)


class Facts(msgspec.Struct, frozen=True):
    """The facts whose change is worth a message."""

    state: State
    tic_mode: str | None
    software: str
    not_after: Instant | None
    software_rolled_back_from: str | None = None


class PublishedStatus(msgspec.Struct, frozen=True):
    """The last published status, and how many were published that day.

    Attributes:
        facts: those of the last message.
        day: number of the legal day of that message; `sent` messages were sent on it.
        daily_at: the random minute of the next daily message.
    """

    facts: Facts
    day: int
    sent: int
    daily_at: Instant


class Schedule:
    """Decides when to publish; the caller stores what it returns, then sends it."""

    def __init__(self, published: PublishedStatus | None, rng: random.Random) -> None:
        """Continue from what was published before the start, None if nothing ever was."""
        self._published = published
        self._rng = rng
        self._change: tuple[Facts, float] | None = None
        self._differs_until_s: float | None = None
        self._is_far_since_s: float | None = None
        self._is_fresh = True
        self._is_overwritten = False

    @property
    def published(self) -> PublishedStatus | None:
        """What was last published, None if nothing ever was."""
        return self._published

    def step(
        self, facts: Facts, now: datetime, now_s: float, *, may_send: bool
    ) -> PublishedStatus | None:
        """Return the status to publish now for `facts`, None if none is due.

        `now_s` is monotonic; `now` may be set. A chip's first message goes out at once.
        """
        published = self._published
        if published is None:
            return self._publish(facts, now) if may_send else None
        self._published = published = self._with_daily(published, now, now_s)
        is_due = self._is_due(published, facts, now, now_s)
        is_again = self._is_overwritten and not is_due
        if not (is_due or is_again) or not may_send:
            return None
        if self._sent_on(now) >= MESSAGES_A_DAY:
            if now >= published.daily_at:
                self._published = msgspec.structs.replace(published, daily_at=self._tomorrow(now))
            return None
        if is_again:
            return self._publish(published.facts, now)
        self._change = self._differs_until_s = None
        return self._publish(facts, now)

    def goodbye(self, now: datetime) -> PublishedStatus | None:
        """Return the last status of a chip that stops; None if the day's messages run out.

        One message is left for the next start. A chip that has never published stops silently.
        """
        published = self._published
        if published is None or self._sent_on(now) >= MESSAGES_A_DAY - 1:
            return None
        return self._publish(
            msgspec.structs.replace(published.facts, state=State.DISCONNECTED), now
        )

    def shown(self, state: State, *, is_early: bool = False) -> None:
        """Record which state of this chip the broker shows, whoever published it.

        One that this chip has not published is replaced like a change: once it has lasted. A will
        that is published before its delay (`is_early`) says nothing of what happens in the home,
        so the next step publishes what was published before again.
        """
        published = self._published
        if published is None:
            return
        is_other = state is not published.facts.state
        self._is_overwritten = is_other and is_early and published.facts.state.is_online
        if is_other and not self._is_overwritten:
            facts = msgspec.structs.replace(published.facts, state=state)
            self._published = msgspec.structs.replace(published, facts=facts)

    def _is_due(
        self, published: PublishedStatus, facts: Facts, now: datetime, now_s: float
    ) -> bool:
        is_daily = now >= published.daily_at
        if facts == published.facts:
            self._change = self._differs_until_s = None
            return is_daily
        if self._differs_until_s is None:
            self._differs_until_s = now_s + self._rng.uniform(*LONGEST_S)
        if self._change is None or self._change[0] != facts:
            self._change = facts, now_s + self._rng.uniform(*DELAY_S)
        return is_daily or now_s >= min(self._change[1], self._differs_until_s)

    def _with_daily(
        self, published: PublishedStatus, now: datetime, now_s: float
    ) -> PublishedStatus:
        """Draw the minute again if it was missed, or a clock was wrong.

        Otherwise a chip would publish at the moment at which power, clock or session come back.
        """
        daily_at = published.daily_at
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
        return msgspec.structs.replace(published, daily_at=daily_at)

    def _publish(self, facts: Facts, now: datetime) -> PublishedStatus:
        published = self._published
        self._is_overwritten = False
        is_daily = published is None or now >= published.daily_at
        self._published = PublishedStatus(
            facts,
            day_number(legal_day(now)),
            self._sent_on(now) + 1,
            self._tomorrow(now) if published is None or is_daily else published.daily_at,
        )
        return self._published

    def _sent_on(self, now: datetime) -> int:
        """Return the number of messages sent today; setting the clock back a little adds none."""
        published, today = self._published, day_number(legal_day(now))
        return (
            published.sent if published is not None and today <= published.day <= today + 1 else 0
        )

    def _tomorrow(self, now: datetime) -> datetime:
        """Draw a minute of the next legal day."""
        tomorrow = day_of_number(day_number(legal_day(now)) + 1)
        return day_start(tomorrow) + timedelta(minutes=self._rng.randrange(_MINUTES_A_DAY))
