"""Draws the household's seeds, seals them to the trustees, and publishes them.

The message also names the documents and the roster entry that the chip has seen. So new seeds are
drawn for a new set of trustees, and whenever the chip has seen something new: no contribution is
made under a document that the message with its seeds does not name.
"""

from datetime import UTC, datetime, timedelta

import structlog

from edge.area.trust import TrustedMeasures, TrustedSet, TrustState
from edge.mqtt.handler import HandlerContext
from edge.mqtt.message import Publish
from edge.privacy.contribution import Seeds
from edge.vault.area import KeyShares
from edge.vault.signer import Signer
from protocol.area_cipher import month_number
from protocol.area_messages import SeedLetters, SeenHeads
from protocol.calendar import day_number, legal_day
from protocol.envelope import Address, open_message
from protocol.errors import MessageRefused
from protocol.measures import DEADLINE_MAX_H
from protocol.seeds import draw_seeds, heads_seen, write_letters
from protocol.topics import Kind, device_topic

# Generations count seconds since then: a lost or restored vault does not know its last generation,
# but the clock has advanced.
GENERATIONS_SINCE = datetime(2020, 1, 1, tzinfo=UTC)
# Least time between new seeds for contributions that were stored and could not be opened.
SEEDS_AGE_S = 30 * 86_400

log = structlog.get_logger()


def next_generation(previous: int, now: datetime) -> int:
    """Return a generation above `previous` and above all that were drawn before `now`."""
    return max(previous + 1, int((now - GENERATIONS_SINCE).total_seconds()))


def draw_key_shares(
    signer: Signer, trusted: TrustedSet, generation: int, month: int, seen: SeenHeads
) -> KeyShares:
    """Draw a month's seeds for a set of trustees and seal each trustee's share."""
    trustees, trustee_set = trusted.trustees, trusted.hash
    seeds = draw_seeds(trustees.shape)
    message = write_letters(
        seeds, trustees, trustee_set, signer.household.id, generation, month, seen
    )
    return KeyShares(Seeds(generation, trustee_set, seeds, month), signer.seal(Kind.KEY, message))


def open_month(trust: TrustState, now: datetime) -> int:
    """Return the first month (number of its first day) of which a day may still be contributed."""
    deadline_h = max((each.measures.deadline_h for each in trust.measures), default=DEADLINE_MAX_H)
    return month_number(day_number(legal_day(now - timedelta(hours=deadline_h))))


class SeedKeeper:
    """The household's seeds in the vault."""

    def __init__(self, context: HandlerContext) -> None:
        """Keep the seeds of the household of `context.signer`."""
        self._signer, self._vault, self._clock = context.signer, context.vault, context.clock
        self._published_generation = 0
        self._open_month = 0
        self._is_clean = False
        # The heads that the latest key shares name, by their generation.
        self._named: tuple[int, SeenHeads | None] = (0, None)

    def connect(self) -> None:
        """Start a session, in which the key shares are published again."""
        self._published_generation = 0

    def seeds_for(self, trust: TrustState, in_force: TrustedMeasures, day: int) -> Seeds | None:
        """Return the seeds for a day's contribution under measures; None if there are none."""
        shares = self._vault.area.key_shares(in_force.measures.trustees)
        named = None if shares is None else self._heads_of(shares)
        if shares is None or named is None or shares.seeds.month > day:
            return None
        newest = trust.version_of(named.measures)
        is_named = newest is not None and newest >= in_force.measures.version
        return shares.seeds if is_named else None

    def need(
        self, trust: TrustState, in_force: TrustedMeasures, now: datetime, *, is_anew: bool = False
    ) -> None:
        """Draw seeds for the trustees of `in_force`, unless those in the vault name all heads."""
        trustee_set, seen = trust.set_of(in_force.measures.trustees), _seen(trust)
        if trustee_set is None or seen is None:
            return
        shares = self._vault.area.key_shares(trustee_set.hash)
        if shares is not None and self._heads_of(shares) == seen and not is_anew:
            return
        latest = self._vault.area.key_shares()
        generation = next_generation(
            0 if latest is None else latest.seeds.generation, self._clock.now()
        )
        month = open_month(trust, now)
        shares = draw_key_shares(self._signer, trustee_set, generation, month, seen)
        with self._vault.area_change() as area:
            area.put_key_shares(shares)
        self._is_clean = False
        log.info("area_seeds_drawn", generation=generation)

    def forget(self, trust: TrustState, now: datetime) -> None:
        """Delete the seeds of months of which no day can be contributed any more.

        `now` is the meter's time. What is deleted is gone from the vault's file and its log.
        """
        month = open_month(trust, now)
        if month > self._open_month:
            with self._vault.area_change() as area:
                has_changed = area.forget_seeds(month)
            self._open_month = month
            self._is_clean = self._is_clean and not has_changed
        if not self._is_clean:
            self._is_clean = self._vault.truncate_wal()

    def are_old(self, in_force: TrustedMeasures) -> bool:
        """Return whether the seeds have had a month to reach every trustee, as new ones need."""
        shares = self._vault.area.key_shares(in_force.measures.trustees)
        return shares is not None and (
            next_generation(0, self._clock.now()) - shares.seeds.generation >= SEEDS_AGE_S
        )

    def outgoing(self) -> list[Publish]:
        """Return the message with the latest key shares, once a session."""
        shares = self._vault.area.key_shares()
        if shares is None or shares.seeds.generation == self._published_generation:
            return []
        self._published_generation = shares.seeds.generation
        if not shares.payload or self._vault.departures.get() is not None:
            return []  # a former chip sent them, or the household has left
        topic = device_topic(self._signer.collectivity, self._signer.device, Kind.KEY)
        return [Publish(topic, shares.payload, retain=True)]

    def _heads_of(self, shares: KeyShares) -> SeenHeads | None:
        """Return the heads that key shares name; None if another chip or key signed them."""
        generation = shares.seeds.generation
        if self._named[0] != generation:
            address = Address(self._signer.collectivity, self._signer.device, Kind.KEY)
            key = self._signer.key.public_key()
            try:
                named = open_message(address, shares.payload, key, SeedLetters).seen
            except MessageRefused:
                named = None
            self._named = (generation, named)
        return self._named[1]


def _seen(trust: TrustState) -> SeenHeads | None:
    """Return the heads of all that the chip has; None while it lacks one of them."""
    newest = max(trust.measures, key=lambda trusted: trusted.measures.version, default=None)
    if newest is None or not trust.entries:
        return None
    return heads_seen(trust.sets[-1].hash, newest.hash, trust.entries[-1])
