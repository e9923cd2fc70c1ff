"""Tracks requests to trustees and their answers; uses neither the store nor the link.

Requests are small even for many households, so they are simply repeated: at growing intervals, and
at once when a trustee reports that it is back. A trustee may be away for weeks.
"""

from collections.abc import Iterator

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud.release.opening import answer_pages_max, is_well_formed
from cloud.release.pages import Collector
from protocol.backoff import NO_JITTER, RetryPolicy, RetryTimer
from protocol.envelope import Address, open_message
from protocol.errors import MessageRefused, Reason
from protocol.governance import TrusteeSet
from protocol.ids import DeviceId
from protocol.packed import read_packed
from protocol.topics import TrusteeKind
from protocol.trustee_messages import Answer, AnswerPage, FromTrustee, Known, Refused, SetRequest

# One worker asks few trustees, so jitter has no use.
ASK_AGAIN = RetryPolicy(first_s=10.0, cap_s=900.0, jitter=NO_JITTER)
# At most this many requests wait for one trustee at a time; others follow as it answers.
WINDOW = 64

# Refusals that a trustee never takes back, because the request itself breaks a rule.
FINAL = frozenset(
    {Reason.ANSWERED, Reason.TOO_FEW, Reason.PARTITION, Reason.BOUNDS, Reason.CONFLICT}
)


class _Waiting:
    """One request to one trustee."""

    def __init__(self) -> None:
        self.timer = RetryTimer()
        self.collector = Collector()
        self.answer: Answer | None = None
        self.refused: Refused | None = None

    @property
    def is_done(self) -> bool:
        return self.answer is not None or self.is_refused_for_good

    @property
    def is_refused_for_good(self) -> bool:
        return self.refused is not None and self.refused.reason in FINAL


class _Open(msgspec.Struct):
    """One request and its state at each trustee, by number."""

    request: SetRequest
    trustees: TrusteeSet
    slots: int
    waiting: dict[int, _Waiting]


class Asking:
    """All open requests. Times are seconds of a monotonic clock."""

    def __init__(self, collectivity: str) -> None:
        self._collectivity = collectivity
        self._open: dict[bytes, _Open] = {}
        self._known: dict[str, Known] = {}
        self._keys: dict[str, set[bytes]] = {}
        self._returned: set[str] = set()
        self._asked_anew_s: dict[str, float] = {}

    def trust(self, trustees: TrusteeSet) -> None:
        """Accept messages signed by the members of this set."""
        for trustee in trustees.trustees:
            self._keys.setdefault(trustee.name, set()).add(trustee.signing_key)

    def want(self, request: SetRequest, trustees: TrusteeSet, slots: int) -> None:
        """Ask all trustees of a set until `forget`; `slots` is the number of the group's slots."""
        self.trust(trustees)
        numbers = range(trustees.shape.trustees)
        self._open.setdefault(
            request.id, _Open(request, trustees, slots, {number: _Waiting() for number in numbers})
        )

    def forget(self, request_id: bytes) -> None:
        """Stop asking."""
        self._open.pop(request_id, None)

    def names(self) -> list[str]:
        """Return the names of all known trustees, in order."""
        return sorted(self._keys)

    def known(self, name: str) -> Known | None:
        """Return a trustee's last report of what it knows."""
        return self._known.get(name)

    def due(self, now_s: float) -> Iterator[tuple[str, SetRequest]]:
        """Yield (trustee, request) to send now; each becomes due again later."""
        self._ask_returned(now_s)
        sent: dict[str, int] = {}
        for open_request in self._open.values():
            for number, waiting in open_request.waiting.items():
                name = open_request.trustees.trustees[number].name
                if waiting.is_done or sent.get(name, 0) >= WINDOW:
                    continue
                sent[name] = sent.get(name, 0) + 1
                if now_s >= waiting.timer.due_s:
                    waiting.timer.sent(now_s, ASK_AGAIN)
                    yield name, open_request.request

    def answers(self, request_id: bytes) -> dict[int, Answer]:
        """Return the answers to a request by number of the trustee."""
        open_request = self._open.get(request_id)
        if open_request is None:
            return {}
        return {
            number: waiting.answer
            for number, waiting in open_request.waiting.items()
            if waiting.answer is not None
        }

    def is_complete(self, request_id: bytes) -> bool:
        """Return whether every trustee has answered or has finally refused."""
        open_request = self._open.get(request_id)
        return open_request is not None and all(
            waiting.is_done for waiting in open_request.waiting.values()
        )

    def refusal(self, request_id: bytes) -> str:
        """Return a sentence if final refusals leave too few trustees, else an empty string."""
        open_request = self._open.get(request_id)
        if open_request is None:
            return ""
        refused = {
            number: waiting.refused
            for number, waiting in open_request.waiting.items()
            if waiting.refused is not None and waiting.is_refused_for_good
        }
        if open_request.trustees.shape.covers(set(open_request.waiting) - set(refused)):
            return ""
        reasons = "; ".join(
            f"{open_request.trustees.trustees[number].name}: {refusal.reason} ({refusal.detail})"
            for number, refusal in refused.items()
        )
        return f"Trustees refuse to open this figure: {reasons}."

    def take(self, name: str, payload: bytes) -> None:
        """Process a message from a trustee's response topic.

        Raises:
            MessageRefused: it is not signed by a trustee of this name, or is malformed.
        """
        message = self._open_message(name, payload).message
        if isinstance(message, Known):
            self._note_known(name, message)
        elif isinstance(message, Refused):
            match = self._find(message.request, name)
            if match is not None and match[2].answer is None:
                match[2].refused = message
        else:
            self._take_page(name, message)

    def _take_page(self, name: str, page: AnswerPage) -> None:
        match = self._find(page.request, name)
        if match is None or match[2].answer is not None:
            return  # already answered, or no longer asked
        open_request, number, waiting = match
        shape, slots = open_request.trustees.shape, open_request.slots
        if page.pages > answer_pages_max(open_request.request, shape, number, slots):
            raise MessageRefused(Reason.BOUNDS, "more pages than an answer has")
        data = waiting.collector.add(page)
        if data is None:
            return
        waiting.collector = Collector()
        try:
            answer = read_packed(data, Answer)
        except msgspec.MsgspecError as exc:
            raise MessageRefused(Reason.MALFORMED, "no answer") from exc
        if not is_well_formed(answer, open_request.request, shape, number, slots):
            raise MessageRefused(Reason.BOUNDS, "no answer to what was asked")
        waiting.answer = answer

    def _note_known(self, name: str, known: Known) -> None:
        """Record a trustee's report; if it has come back, its open requests are soon due."""
        if self._known.get(name) != known and known.is_ready:
            self._returned.add(name)
        self._known[name] = known

    def _ask_returned(self, now_s: float) -> None:
        """Make the open requests to trustees that have come back due, not too often for each."""
        for name in sorted(self._returned):
            if now_s - self._asked_anew_s.get(name, -ASK_AGAIN.first_s) < ASK_AGAIN.first_s:
                continue
            self._returned.discard(name)
            self._asked_anew_s[name] = now_s
            for open_request in self._open.values():
                for number, waiting in open_request.waiting.items():
                    if open_request.trustees.trustees[number].name == name and not waiting.is_done:
                        waiting.timer = RetryTimer()

    def _find(self, request_id: bytes, name: str) -> tuple[_Open, int, _Waiting] | None:
        open_request = self._open.get(request_id)
        if open_request is None:
            return None
        for number, trustee in enumerate(open_request.trustees.trustees):
            if trustee.name == name:
                return open_request, number, open_request.waiting[number]
        return None

    def _open_message(self, name: str, payload: bytes) -> FromTrustee:
        address = Address(self._collectivity, DeviceId(name), TrusteeKind.RESPONSE)
        refused = MessageRefused(Reason.SIGNATURE, "no trustee of this name")
        for key in sorted(self._keys.get(name, ())):
            try:
                public_key = Ed25519PublicKey.from_public_bytes(key)
                return open_message(address, payload, public_key, FromTrustee)
            except MessageRefused as exc:
                refused = exc
        raise refused
