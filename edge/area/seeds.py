"""Draws the household's seeds, seals them to the trustees, and publishes them.

The message also names the documents and the roster entry that the chip has seen. So new seeds are
drawn for a new set of trustees, and whenever the chip has seen something new: no contribution is
made under a document that the message with its seeds does not name. Beside that, new seeds are drawn
each quarter. They are sealed to the trustees' keys of their month, and the message is deleted, here
and at the broker, when the trustees have deleted these.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog

from edge.area.sealing import SealingKeyRequest
from edge.area.trust import TrustedMeasures, TrustedSet, TrustState
from edge.mqtt.handler import HandlerContext
from edge.mqtt.message import Publish
from edge.privacy.contribution import Seeds
from edge.vault.area import KeyShares
from edge.vault.signer import Signer
from protocol.area_cipher import month_number
from protocol.area_messages import SeenHeads
from protocol.calendar import day_number, day_of_number, legal_day, next_month
from protocol.measures import DEADLINE_MAX_H
from protocol.seeds import (
    RENEWED_AFTER_DAYS,
    RENEWED_WITHIN_DAYS,
    DrawnSeeds,
    draw_seeds,
    first_open_month,
    heads_seen,
    write_letters,
)
from protocol.topics import Kind, device_topic

# Generations count seconds since then: a lost or restored vault does not know its last generation,
# but the clock has advanced.
GENERATIONS_SINCE = datetime(2020, 1, 1, tzinfo=UTC)
# Least time between new seeds for contributions that were stored and could not be opened.
SEEDS_AGE_S = 30 * 86_400
# Key shares that are older have been published, if the broker has kept the session since.
FRESH_S = 86_400

log = structlog.get_logger()


def next_generation(previous: int, now: datetime) -> int:
    """Return a generation above `previous` and above all that were drawn before `now`."""
    return max(previous + 1, int((now - GENERATIONS_SINCE).total_seconds()))


def draw_key_shares(
    signer: Signer,
    trusted: TrustedSet,
    generation: int,
    month: int,
    sealing_keys: Sequence[bytes],
    seen: SeenHeads,
) -> KeyShares:
    """Draw a month's seeds for a set of trustees and seal each trustee's share to its key."""
    trustees, trustee_set = trusted.trustees, trusted.hash
    drawn = DrawnSeeds(signer.household.id, generation, month, draw_seeds(trustees.shape))
    message = write_letters(drawn, trustees, trustee_set, sealing_keys, seen)
    seeds = Seeds(generation, trustee_set, drawn.seeds, month)
    return KeyShares(seeds, signer.seal(Kind.KEY, message), month, seen)


def open_month(trust: TrustState, now: datetime) -> int:
    """Return the first month (number of its first day) of which a day may still be contributed."""
    return month_number(day_number(legal_day(now - timedelta(hours=_deadline_h(trust)))))


class SeedKeeper:
    """The household's seeds in the vault."""

    def __init__(self, context: HandlerContext) -> None:
        """Keep the seeds of the household of `context.signer`."""
        self._signer, self._vault, self._clock = context.signer, context.vault, context.clock
        self._sealing = SealingKeyRequest(context.signer.collectivity, context.clock)
        self._topic = device_topic(context.signer.collectivity, context.signer.device, Kind.KEY)
        self._renewal_day = context.signer.household.draw("seeds renewal", RENEWED_WITHIN_DAYS)
        self._is_published = False
        self._is_wanted_anew = False
        self._months = (0, 0)
        self._is_clean = False

    def connect(self, *, is_resumed: bool) -> None:
        """Start a session, in which the key shares are published if the broker may lack them.

        One that resumes the session of a few minutes ago retains them, unless they are fresh: then
        they may have been on their way.
        """
        shares = self._vault.area.key_shares()
        is_settled = shares is not None and self._age_s(shares) >= FRESH_S and shares.payload != b""
        self._is_published = is_resumed and is_settled
        self._sealing.connect()

    def disconnect(self) -> None:
        """End the session."""
        self._sealing.disconnect()

    def topics(self) -> frozenset[str]:
        """Return the topics of the sealing keys that are wanted."""
        return self._sealing.topics()

    def take_sealing_key(self, topic: str, payload: bytes) -> bool:
        """Take a trustee's sealing key; see `SealingKeyRequest.take`."""
        return self._sealing.take(topic, payload)

    def seeds_for(self, trust: TrustState, in_force: TrustedMeasures, day: int) -> Seeds | None:
        """Return the seeds for a day's contribution under measures; None if there are none."""
        shares = self._vault.area.key_shares(in_force.measures.trustees)
        if shares is None or shares.seeds.month > day:
            return None
        newest = trust.version_of(shares.seen.measures)
        is_named = newest is not None and newest >= in_force.measures.version
        return shares.seeds if is_named else None

    def want_anew(self) -> None:
        """Have `need` draw new seeds, whatever there is."""
        self._is_wanted_anew = True

    def need(self, trust: TrustState, in_force: TrustedMeasures, now: datetime) -> None:
        """Draw seeds for the trustees of `in_force` if those in the vault do not do.

        They do while they name all heads, are of no month to come, and are less than a quarter old.
        New ones are drawn once the trustees' sealing keys have come. `now` is the meter's time.
        """
        trustee_set, seen = trust.set_of(in_force.measures.trustees), _seen(trust)
        if trustee_set is None or seen is None:
            return
        shares = self._vault.area.key_shares(trustee_set.hash)
        if shares is not None and not self._is_wanted_anew and self._do(shares, seen, now):
            self._sealing.drop()
            return
        month = open_month(trust, now)
        keys = self._sealing.keys(trustee_set, month)
        if keys is None:
            return
        latest = self._vault.area.key_shares()
        generation = next_generation(
            0 if latest is None else latest.seeds.generation, self._clock.now()
        )
        shares = draw_key_shares(self._signer, trustee_set, generation, month, keys, seen)
        with self._vault.area_change() as area:
            area.put_key_shares(shares)
        self._is_published = self._is_clean = self._is_wanted_anew = False
        self._sealing.drop()
        log.info("area_seeds_drawn", generation=generation, trustees=sum(map(bool, keys)))

    def forget(self, trust: TrustState, now: datetime) -> None:
        """Delete the seeds of months of which no day can be contributed any more.

        Also delete the messages with seeds of months that trustees have closed. `now` is the
        meter's time. What is deleted is gone from the vault's file and its log.
        """
        today = day_number(legal_day(now))
        months = open_month(trust, now), first_open_month(today, _deadline_h(trust))
        if months[0] > self._months[0] or months[1] > self._months[1]:
            with self._vault.area_change() as area:
                has_changed = area.forget_seeds(months[0])
                has_closed = area.forget_letters(months[1])
            self._months = months
            self._is_clean = self._is_clean and not has_changed and not has_closed
            self._is_published = self._is_published and not has_closed
        if not self._is_clean:
            self._is_clean = self._vault.truncate_wal()

    def are_old(self, in_force: TrustedMeasures) -> bool:
        """Return whether the seeds have had a month to reach every trustee, as new ones need."""
        shares = self._vault.area.key_shares(in_force.measures.trustees)
        return shares is not None and self._age_s(shares) >= SEEDS_AGE_S

    def outgoing(self) -> list[Publish]:
        """Return the message with the latest key shares, once a session.

        If its month is closed, return the empty message that clears it, until the broker confirms.
        """
        shares = None if self._is_published else self._vault.area.key_shares()
        if shares is None:
            return []
        self._is_published = True
        is_former = not shares.seeds.trustees  # the household came with them from another chip
        if is_former or shares.is_cleared or self._vault.departures.get() is not None:
            return []
        return [Publish(self._topic, shares.payload, retain=True)]

    def published(self, publish: Publish) -> None:
        """Record the broker's acknowledgement of a message that clears the key shares."""
        if publish.topic == self._topic and not publish.payload:
            with self._vault.area_change() as area:
                area.mark_cleared()

    def _do(self, shares: KeyShares, seen: SeenHeads, now: datetime) -> bool:
        today = day_number(legal_day(now))
        is_ahead = shares.seeds.month > today
        # A generation is of the machine's clock, which may have been years ahead then. The month
        # that the seeds were sealed to is of the meter's, and may have ended days before.
        sealed_until = day_number(next_month(day_of_number(shares.sealed_month)))
        age_days = max(self._age_s(shares) // 86_400, today - sealed_until)
        return (
            shares.seen == seen
            and not is_ahead
            and age_days < RENEWED_AFTER_DAYS + self._renewal_day
        )

    def _age_s(self, shares: KeyShares) -> int:
        return next_generation(0, self._clock.now()) - shares.seeds.generation


def _seen(trust: TrustState) -> SeenHeads | None:
    """Return the heads of all that the chip has; None while it lacks one of them."""
    newest = max(trust.measures, key=lambda trusted: trusted.measures.version, default=None)
    if newest is None or not trust.entries:
        return None
    return heads_seen(trust.sets[-1].hash, newest.hash, trust.entries[-1])


def _deadline_h(trust: TrustState) -> int:
    return max((each.measures.deadline_h for each in trust.measures), default=DEADLINE_MAX_H)
