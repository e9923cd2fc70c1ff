"""What to send next, given what the cloud has acknowledged; knows no broker.

The record is the vault; here is only what is under way. Sending ends with the cloud's ack, never
with the broker's. A new block goes out at once (or after its turn in the send window); what lies
in the vault unsent is drained at a bounded rate beside it. Everything kept here is bounded.
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
    """Where unsent messages lie."""

    def unsent(self, limit: int) -> list[Key]:
        """Return what the cloud has not acknowledged, in the order in which it should go."""


class OutboxSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How fast and how often.

    Attributes:
        backlog_per_s: old messages a second.
        backlog_window: old messages under way at once.
        in_flight_max: messages under way at once, new ones included.
        ack_timeout_s: an unacknowledged message goes again after this, then after twice this, …
        ack_timeout_max_s: up to this.
        refused_pause_s: a message that was refused rests this long.
        whole_pause_s, whole_pause_max_s: the same as the timeouts for asking what the cloud holds.
    """

    backlog_per_s: Rate = 4.0
    backlog_window: Window = 16
    in_flight_max: Window = 64
    ack_timeout_s: Pause = 60.0
    ack_timeout_max_s: Pause = 3_600.0
    refused_pause_s: Pause = 900.0
    whole_pause_s: Pause = 15.0
    whole_pause_max_s: Pause = 1_800.0


# A header that was refused for want of nothing is rare; its blocks follow it soon.
_NO_EPOCH_PAUSE_S = 5.0
_SUPPRESSED_MAX = 256
_LIVE_MAX = 512
# No household has as many incarnations; a cloud that names more makes the chip forget and ask anew.
_STATES_MAX = 65_536


@dataclass(slots=True)
class _Sent(RetryTimer):
    """A message under way."""

    is_backlog: bool = False


class AckResult(msgspec.Struct, frozen=True):
    """What an ack came to.

    `conflicts` are blocks for which the cloud holds other coefficients; `whole` is all that it
    holds, None where the ack does not say.
    """

    conflicts: tuple[Key, ...]
    whole: tuple[IncarnationState, ...] | None


class Outbox:
    """Decides; the caller sends and reports back."""

    def __init__(
        self,
        queue: UnsentQueue,
        settings: OutboxSettings | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """Draw from `queue`."""
        self._queue = queue
        self._settings = settings or OutboxSettings()
        self._rng = rng or random.SystemRandom()
        self._is_connected = False
        self._are_blocks_allowed = False
        self._are_blocks_held = False
        self._live: list[tuple[float, Key]] = []
        self._in_flight: dict[Key, _Sent] = {}
        self._resting: dict[Key, float] = {}
        self._left: set[Key] = set()
        self._tokens = float(self._settings.backlog_window)
        self._tokens_at_s = 0.0
        self._is_backlog_possible = True
        self._states: dict[bytes, IncarnationState] = {}
        self._told: dict[bytes, IncarnationState] = {}
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
        """Whether there is a session."""
        return self._is_connected

    def connect(self) -> None:
        """Take note of a new session: what was under way in the last one may be lost."""
        self._is_connected = True
        self._is_backlog_possible = True

    def disconnect(self) -> None:
        """Take note that nothing can be sent; what was under way goes again."""
        self._is_connected = False
        self._in_flight.clear()
        self._ask_again_s = 0.0

    def allow_blocks(self, *, are_allowed: bool) -> None:
        """Send blocks, or nothing but headers while it is not known what the cloud holds."""
        self._are_blocks_allowed = are_allowed
        self._is_backlog_possible = True

    def hold_blocks(self, *, are_held: bool) -> None:
        """Hold blocks back, or no longer: what they hold may still have to be taken back."""
        if are_held != self._are_blocks_held:
            self._are_blocks_held = are_held
            self._is_backlog_possible = True

    def add(self, keys: Iterable[Key], now_s: float, delay_s: float = 0.0) -> None:
        """Take new messages that go out after `delay_s`; headers do not wait."""
        for key in keys:
            if len(self._live) >= _LIVE_MAX:
                self._is_backlog_possible = True
                return
            heapq.heappush(self._live, (now_s if key.is_header else now_s + delay_s, key))

    def due(self, now_s: float) -> list[Key]:
        """Return what is to be sent now, headers first; it counts as under way from now on."""
        if not self._is_connected:
            return []
        keys = self._due_live(now_s) + self._due_again(now_s) + self._due_backlog(now_s)
        return sorted(keys, key=lambda key: not key.is_header)

    def has_left(self, key: Key) -> bool:
        """Say whether a block that the cloud has not acknowledged may have left the chip."""
        return key in self._left

    def forget(self, key: Key) -> None:
        """Take note that `key` is not to be sent any more."""
        self._in_flight.pop(key, None)
        self._resting.pop(key, None)

    def refuse(self, key: Key, now_s: float, pause_s: float | None = None) -> None:
        """Let a refused message rest; it is never sent again blindly."""
        self._in_flight.pop(key, None)
        if len(self._resting) >= _SUPPRESSED_MAX:
            self._resting.pop(next(iter(self._resting)))
        self._resting[key] = now_s + (
            self._settings.refused_pause_s if pause_s is None else pause_s
        )

    def take(self, ack: Ack, now_s: float) -> AckResult:
        """Take an ack.

        A whole state may come in parts, of which the last says so; it counts where the digest shows
        that no part is missing. A digest that does not fit, or another store, lets the chip ask.
        """
        told = {state.incarnation: state for state in ack.states}
        for kept in (self._told, self._states):
            if len(kept) > _STATES_MAX:
                kept.clear()
        self._told |= told
        whole = self._whole(ack, told)
        self._states = self._states | told if whole is None else whole
        for key in [key for key in self._in_flight if self._is_held(key)]:
            del self._in_flight[key]
        self._left = {key for key in self._left if not self._is_held(key)}
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
        """Ask for all that the cloud holds at the next occasion."""
        self._is_doubtful = True
        self._ask_again_s = 0.0

    def ask_whole(self, now_s: float) -> bool:
        """Say whether to ask the cloud now for all that it holds; True counts as asked."""
        is_due = (
            self._is_connected
            and self._is_doubtful
            and (not self._may_send_blocks or not self._in_flight or now_s >= self._patience_ends_s)
            and now_s >= self._ask_again_s
        )
        if is_due:
            self._told.clear()
            self._ask_again_s = now_s + next(self._pauses)
        return is_due

    def _due_live(self, now_s: float) -> list[Key]:
        keys = []
        waiting = []
        while self._live and self._live[0][0] <= now_s:
            if len(self._in_flight) >= self._settings.in_flight_max:
                self._live.clear()  # the vault has them; they follow when acks make room
                self._is_backlog_possible = True
                break
            at_s, key = heapq.heappop(self._live)
            if not key.is_header and not self._may_send_blocks:
                waiting.append((at_s, key))
            elif key not in self._in_flight and not self._is_held(key):
                self._depart(key, now_s, is_backlog=False)
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
        under_way = sum(flight.is_backlog for flight in self._in_flight.values())
        room = min(
            self._settings.backlog_window - under_way,
            self._settings.in_flight_max - len(self._in_flight),
        )
        if not self._is_backlog_possible or room <= 0 or self._fill_tokens(now_s) < 1:
            return []
        busy = self._in_flight.keys() | self._resting.keys() | {key for _, key in self._live}
        found = [key for key in self._queue.unsent(len(busy) + room + 1) if key not in busy]
        if not self._may_send_blocks:
            found = [key for key in found if key.is_header]
        self._is_backlog_possible = bool(found)
        keys = []
        for key in found[:room]:
            if not self._take_token(now_s):
                break
            self._depart(key, now_s, is_backlog=True)
            keys.append(key)
        return keys

    def _depart(self, key: Key, now_s: float, *, is_backlog: bool) -> None:
        sent = self._in_flight[key] = _Sent(is_backlog=is_backlog)
        sent.sent(now_s, self._resend, self._rng)
        if not key.is_header:
            self._left.add(key)

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
        """The cloud answers again: what has been sent more than once need not wait its time out."""
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
        self, ack: Ack, told: dict[bytes, IncarnationState]
    ) -> dict[bytes, IncarnationState] | None:
        if not ack.is_whole:
            return None
        return next((each for each in (told, self._told.copy()) if _agree(each, ack)), None)

    def _take_refusals(self, ack: Ack, now_s: float) -> list[Key]:
        conflicts = []
        for refusal in ack.refused:
            key = Key(refusal.incarnation, refusal.sequence)
            if refusal.reason is Reason.CONFLICT and refusal.sequence:
                self.forget(key)
                conflicts.append(key)
            elif refusal.reason is Reason.NO_EPOCH:
                self.refuse(key, now_s, _NO_EPOCH_PAUSE_S)
                for other in [each for each in self._in_flight if each.is_header]:
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
