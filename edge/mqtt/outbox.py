"""Decides what to send next, given what the cloud has acknowledged; independent of the broker.

The vault is the record; the outbox only holds what is in flight. A message is sent until the cloud
acknowledges it; the broker's PUBACK is not enough. A new block goes out at once, or at its turn in
the send window. Older unsent messages follow from the vault at a bounded rate. Everything kept here
is bounded.
"""

import heapq
import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Protocol

import msgspec

from edge.vault.blocks import holds
from edge.vault.rows import Key
from protocol.backoff import QUARTER_JITTER, RetryPolicy, RetryTimer
from protocol.errors import Reason
from protocol.messages import Ack, IncarnationState, holdings_digest

Rate = Annotated[float, msgspec.Meta(gt=0, le=10_000)]
Window = Annotated[int, msgspec.Meta(ge=1, le=128)]
Pause = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class UnsentQueue(Protocol):
    """The store of unsent messages."""

    def unsent(self, limit: int) -> list[Key]:
        """Return at most `limit` messages that the cloud has not acknowledged, in sending order."""


class OutboxSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How fast and how often the chip sends.

    Attributes:
        backlog_per_s: old messages a second.
        backlog_window: old messages in flight at once.
        in_flight_max: messages in flight at once, new ones included.
        ack_timeout_s: an unacknowledged message is sent again after this, then twice this, …
        ack_timeout_max_s: up to this.
        refused_pause_s: a refused message is not sent for this long.
        whole_pause_s, whole_pause_max_s: the same as the timeouts, for asking what the cloud holds.
    """

    backlog_per_s: Rate = 4.0
    backlog_window: Window = 16
    in_flight_max: Window = 64
    ack_timeout_s: Pause = 60.0
    ack_timeout_max_s: Pause = 3_600.0
    refused_pause_s: Pause = 900.0
    whole_pause_s: Pause = 15.0
    whole_pause_max_s: Pause = 1_800.0


# A block that lacks its header waits only briefly: the header is sent again at once.
_NO_EPOCH_PAUSE_S = 5.0
_SUPPRESSED_MAX = 256
_LIVE_MAX = 512
# No household has as many incarnations; if a cloud names more, the chip forgets and asks again.
_STATES_MAX = 65_536


@dataclass(slots=True)
class _Sent(RetryTimer):
    """A message in flight."""

    is_backlog: bool = False


class AckResult(msgspec.Struct, frozen=True):
    """The result of an ack.

    `conflicts` are blocks for which the cloud holds other coefficients. `whole` is everything that
    it holds, None if the ack does not complete a full state.
    """

    conflicts: tuple[Key, ...]
    whole: tuple[IncarnationState, ...] | None


class Outbox:
    """Decides what to send; the caller sends it and reports back."""

    def __init__(
        self,
        queue: UnsentQueue,
        settings: OutboxSettings | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """Send the messages of `queue`."""
        self._queue = queue
        self._settings = settings or OutboxSettings()
        self._rng = rng or random.SystemRandom()
        self._is_connected = False
        self._are_blocks_allowed = False
        self._are_blocks_held = False
        self._live: list[tuple[float, Key]] = []
        self._in_flight: dict[Key, _Sent] = {}
        self._resting: dict[Key, float] = {}
        self._sent: set[Key] = set()
        self._tokens = float(self._settings.backlog_window)
        self._tokens_at_s = 0.0
        self._is_backlog_possible = True
        self._states: dict[bytes, IncarnationState] = {}
        self._reported: dict[bytes, IncarnationState] = {}
        self._store_generation: bytes | None = None
        self._is_doubtful = True
        self._patience_ends_s = 0.0
        self._ask_again_s = 0.0
        self._resend, self._ask_whole = _policies(self._settings)
        self._pauses = self._ask_whole.waits_s(self._rng)

    @property
    def _may_send_blocks(self) -> bool:
        return self._are_blocks_allowed and not self._are_blocks_held

    @property
    def is_connected(self) -> bool:
        """True if there is a session."""
        return self._is_connected

    def connect(self) -> None:
        """Begin a session: messages in flight in the last one may be lost."""
        self._is_connected = True
        self._is_backlog_possible = True

    def disconnect(self) -> None:
        """End the session: messages in flight will be sent again."""
        self._is_connected = False
        self._in_flight.clear()
        self._ask_again_s = 0.0

    def allow_blocks(self, *, are_allowed: bool) -> None:
        """Allow blocks, or only headers while it is not known what the cloud holds."""
        self._are_blocks_allowed = are_allowed
        self._is_backlog_possible = True

    def hold_blocks(self, *, are_held: bool) -> None:
        """Hold blocks back, or release them; their values may still have to be corrected."""
        if are_held != self._are_blocks_held:
            self._are_blocks_held = are_held
            self._is_backlog_possible = True

    def add(self, keys: Iterable[Key], now_s: float, delay_s: float = 0.0) -> None:
        """Add new messages to send after `delay_s`; headers do not wait."""
        for key in keys:
            if len(self._live) >= _LIVE_MAX:
                self._is_backlog_possible = True
                return
            heapq.heappush(self._live, (now_s if key.is_header else now_s + delay_s, key))

    def due(self, now_s: float) -> list[Key]:
        """Return the messages to send now, headers first; they count as in flight from now on."""
        if not self._is_connected:
            return []
        keys = self._due_live(now_s) + self._due_again(now_s) + self._due_backlog(now_s)
        return sorted(keys, key=lambda key: not key.is_header)

    def has_left(self, key: Key) -> bool:
        """Return whether a block that the cloud has not acknowledged may have left the chip."""
        return key in self._sent

    def forget(self, key: Key) -> None:
        """Stop sending `key`."""
        self._in_flight.pop(key, None)
        self._resting.pop(key, None)

    def refuse(self, key: Key, now_s: float, pause_s: float | None = None) -> None:
        """Keep a refused message back for a pause, so that it is not sent again at once."""
        self._in_flight.pop(key, None)
        if len(self._resting) >= _SUPPRESSED_MAX:
            self._resting.pop(next(iter(self._resting)))
        self._resting[key] = now_s + (
            self._settings.refused_pause_s if pause_s is None else pause_s
        )

    def take(self, ack: Ack, now_s: float) -> AckResult:
        """Handle an ack.

        A full state may come in parts, of which the last is marked. It counts only if the digest
        shows that no part is missing. A digest that does not match, or another store, makes the
        chip ask for the full state.
        """
        reported = {state.incarnation: state for state in ack.states}
        for states in (self._reported, self._states):
            if len(states) > _STATES_MAX:
                states.clear()
        self._reported |= reported
        whole = self._whole(ack, reported)
        self._states = self._states | reported if whole is None else whole
        for key in [key for key in self._in_flight if self._is_held(key)]:
            del self._in_flight[key]
        self._sent = {key for key in self._sent if not self._is_held(key)}
        conflicts = self._take_refusals(ack, now_s)
        self._is_backlog_possible = True
        self._wake(now_s)
        if whole is not None:
            self._is_doubtful = False
            self._store_generation = ack.store_generation
            self._pauses = self._ask_whole.waits_s(self._rng)
        elif ack.store_generation != self._store_generation or not _agree(self._states, ack):
            if not self._is_doubtful:
                self._patience_ends_s = now_s + self._settings.ack_timeout_s
            self._is_doubtful = True
        return AckResult(tuple(conflicts), None if whole is None else tuple(whole.values()))

    def request_full_state(self) -> None:
        """Ask as soon as possible for everything that the cloud holds."""
        self._is_doubtful = True
        self._ask_again_s = 0.0

    def ask_whole(self, now_s: float) -> bool:
        """Return whether to ask the cloud now for its full state; True counts as asked."""
        is_due = (
            self._is_connected
            and self._is_doubtful
            and (not self._may_send_blocks or not self._in_flight or now_s >= self._patience_ends_s)
            and now_s >= self._ask_again_s
        )
        if is_due:
            self._reported.clear()
            self._ask_again_s = now_s + next(self._pauses)
        return is_due

    def _due_live(self, now_s: float) -> list[Key]:
        keys = []
        waiting = []
        while self._live and self._live[0][0] <= now_s:
            if len(self._in_flight) >= self._settings.in_flight_max:
                self._live.clear()  # the vault has them; they are sent when acks make room
                self._is_backlog_possible = True
                break
            at_s, key = heapq.heappop(self._live)
            if not key.is_header and not self._may_send_blocks:
                waiting.append((at_s, key))
            elif key not in self._in_flight and not self._is_held(key):
                self._mark_sent(key, now_s, is_backlog=False)
                keys.append(key)
        for entry in waiting:
            heapq.heappush(self._live, entry)
        return keys

    def _due_again(self, now_s: float) -> list[Key]:
        keys = []
        for key, flight in self._in_flight.items():
            if flight.due_s <= now_s and self._take_token(now_s):
                flight.sent(now_s, self._resend, self._rng)
                keys.append(key)
        return keys

    def _due_backlog(self, now_s: float) -> list[Key]:
        for key in [key for key, until_s in self._resting.items() if until_s <= now_s]:
            del self._resting[key]
            self._is_backlog_possible = True
        in_flight = sum(flight.is_backlog for flight in self._in_flight.values())
        room = min(
            self._settings.backlog_window - in_flight,
            self._settings.in_flight_max - len(self._in_flight),
        )
        if not self._is_backlog_possible or room <= 0 or self._fill_tokens(now_s) < 1:
            return []
        busy = self._in_flight.keys() | self._resting.keys() | {key for _, key in self._live}
        unsent = [key for key in self._queue.unsent(len(busy) + room + 1) if key not in busy]
        if not self._may_send_blocks:
            unsent = [key for key in unsent if key.is_header]
        self._is_backlog_possible = bool(unsent)
        keys = []
        for key in unsent[:room]:
            if not self._take_token(now_s):
                break
            self._mark_sent(key, now_s, is_backlog=True)
            keys.append(key)
        return keys

    def _mark_sent(self, key: Key, now_s: float, *, is_backlog: bool) -> None:
        sent = self._in_flight[key] = _Sent(is_backlog=is_backlog)
        sent.sent(now_s, self._resend, self._rng)
        if not key.is_header:
            self._sent.add(key)

    def _fill_tokens(self, now_s: float) -> float:
        elapsed_s = max(0.0, now_s - self._tokens_at_s)
        self._tokens = min(
            float(self._settings.backlog_window),
            self._tokens + elapsed_s * self._settings.backlog_per_s,
        )
        self._tokens_at_s = now_s
        return self._tokens

    def _take_token(self, now_s: float) -> bool:
        if self._fill_tokens(now_s) < 1:
            return False
        self._tokens -= 1
        return True

    def _wake(self, now_s: float) -> None:
        """Shorten the wait of messages sent more than once, now that the cloud answers again."""
        for flight in self._in_flight.values():
            if flight.attempts > 1:
                flight.attempts = 1
                flight.due_s = min(flight.due_s, now_s + self._resend.wait_s(0, self._rng))

    def _is_held(self, key: Key) -> bool:
        state = self._states.get(key.incarnation)
        if state is None:
            return False
        return key.month in state.months if key.is_header else holds(state, key.sequence)

    def _whole(
        self, ack: Ack, reported: dict[bytes, IncarnationState]
    ) -> dict[bytes, IncarnationState] | None:
        if not ack.is_whole:
            return None
        return next(
            (states for states in (reported, self._reported.copy()) if _agree(states, ack)), None
        )

    def _take_refusals(self, ack: Ack, now_s: float) -> list[Key]:
        conflicts = []
        for refusal in ack.refused:
            key = Key(refusal.incarnation, refusal.sequence)
            if refusal.reason is Reason.CONFLICT and refusal.sequence:
                self.forget(key)
                conflicts.append(key)
            elif refusal.reason is Reason.NO_EPOCH:
                self.refuse(key, now_s, _NO_EPOCH_PAUSE_S)
                for other in [sent for sent in self._in_flight if sent.is_header]:
                    if other.incarnation == refusal.incarnation and not self._is_held(other):
                        del self._in_flight[other]
            elif refusal.sequence:
                self.refuse(key, now_s)
        return conflicts


def _policies(settings: OutboxSettings) -> tuple[RetryPolicy, RetryPolicy]:
    """Return when a message is sent again, and when the chip asks again what the cloud holds."""
    resend = RetryPolicy(
        first_s=min(settings.ack_timeout_s, settings.ack_timeout_max_s),
        cap_s=settings.ack_timeout_max_s,
        jitter=QUARTER_JITTER,
    )
    ask_whole = RetryPolicy(
        first_s=settings.whole_pause_s,
        cap_s=max(settings.whole_pause_s, settings.whole_pause_max_s),
        floor_s=settings.whole_pause_s,
    )
    return resend, ask_whole


def _agree(states: dict[bytes, IncarnationState], ack: Ack) -> bool:
    return holdings_digest(list(states.values())) == ack.holdings
