"""What is asked of trustees and what they have said so far; knows no store and no link.

Requests are few bytes for many households, so they are simply asked again: at growing intervals,
and at once when a trustee says that it is there. A trustee may be away for weeks.
"""

from collections.abc import Iterator

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud.release.opening import is_well_formed
from cloud.release.pages import Collector
from protocol.backoff import NO_JITTER, RetryPolicy, RetryTimer
from protocol.envelope import Address, open_message
from protocol.errors import MessageRefused, Reason
from protocol.governance import TrusteeSet
from protocol.ids import DeviceId
from protocol.topics import TrusteeKind
from protocol.trustee_messages import Answer, AnswerPage, FromTrustee, Known, Refused, SetRequest

# One worker asks few trustees, so that no crowd is to be spread.
ASK_AGAIN = RetryPolicy(first_s=10.0, cap_s=900.0, jitter=NO_JITTER)
# So many requests wait for one trustee at a time; the next ones follow as it answers.
WINDOW = 64

# What a trustee will not take back: the request itself breaks a rule.
FINAL = frozenset(
    {Reason.ANSWERED, Reason.TOO_FEW, Reason.PARTITION, Reason.BOUNDS, Reason.CONFLICT}
)


class _Waiting:
    """One request at one trustee."""

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
    """One request and how it stands with each trustee, by number."""

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

    def trust(self, trustees: TrusteeSet) -> None:
        """Take what the members of this set sign."""
        for each in trustees.trustees:
            self._keys.setdefault(each.name, set()).add(each.signing_key)

    def want(self, request: SetRequest, trustees: TrusteeSet, slots: int) -> None:
        """Ask all trustees of a set, until `forget`; `slots` are those of the group."""
        self.trust(trustees)
        numbers = range(trustees.shape.trustees)
        self._open.setdefault(
            request.id, _Open(request, trustees, slots, {number: _Waiting() for number in numbers})
        )

    def forget(self, request_id: bytes) -> None:
        """Ask no longer."""
        self._open.pop(request_id, None)

    def names(self) -> list[str]:
        """Name every trustee that is trusted or asked."""
        return sorted(self._keys)

    def known(self, name: str) -> Known | None:
        """Return what a trustee last said that it knows."""
        return self._known.get(name)

    def due(self, now_s: float) -> Iterator[tuple[str, SetRequest]]:
        """Give (trustee, request) to be sent now; each becomes due again later."""
        sent: dict[str, int] = {}
        for one in self._open.values():
            for number, waiting in one.waiting.items():
                name = one.trustees.trustees[number].name
                if waiting.is_done or sent.get(name, 0) >= WINDOW:
                    continue
                sent[name] = sent.get(name, 0) + 1
                if now_s >= waiting.timer.due_s:
                    waiting.timer.sent(now_s, ASK_AGAIN)
                    yield name, one.request

    def answers(self, request_id: bytes) -> dict[int, Answer]:
        """Return the answers to a request by number of the trustee."""
        one = self._open.get(request_id)
        if one is None:
            return {}
        return {
            number: waiting.answer
            for number, waiting in one.waiting.items()
            if waiting.answer is not None
        }

    def is_complete(self, request_id: bytes) -> bool:
        """Say whether every trustee has answered, or has refused for good."""
        one = self._open.get(request_id)
        return one is not None and all(each.is_done for each in one.waiting.values())

    def refusal(self, request_id: bytes) -> str:
        """Return a sentence if trustees who refuse for good leave too few, else nothing."""
        one = self._open.get(request_id)
        if one is None:
            return ""
        refused = {
            number: waiting.refused
            for number, waiting in one.waiting.items()
            if waiting.refused is not None and waiting.is_refused_for_good
        }
        if one.trustees.shape.covers(set(one.waiting) - set(refused)):
            return ""
        words = "; ".join(
            f"{one.trustees.trustees[number].name}: {each.reason} ({each.detail})"
            for number, each in refused.items()
        )
        return f"Trustees refuse to open this figure: {words}."

    def take(self, name: str, payload: bytes) -> None:
        """Take what came on a trustee's response topic.

        Raises:
            MessageRefused: not signed by a trustee of this name, or not what it should be.
        """
        message = self._open_message(name, payload).message
        if isinstance(message, Known):
            self._hear(name, message)
        elif isinstance(message, Refused):
            found = self._find(message.request, name)
            if found is not None and found[2].answer is None:
                found[2].refused = message
        else:
            self._take_page(name, message)

    def _take_page(self, name: str, page: AnswerPage) -> None:
        found = self._find(page.request, name)
        if found is None or found[2].answer is not None:
            return  # answered before, or asked no longer
        one, number, waiting = found
        data = waiting.collector.add(page)
        if data is None:
            return
        waiting.collector = Collector()
        shape = one.trustees.shape
        try:
            answer = msgspec.msgpack.decode(data, type=Answer)
        except (msgspec.MsgspecError, ValueError) as exc:
            raise MessageRefused(Reason.MALFORMED, "no answer") from exc
        if not is_well_formed(answer, one.request, shape, number, one.slots):
            raise MessageRefused(Reason.BOUNDS, "no answer to what was asked")
        waiting.answer = answer

    def _hear(self, name: str, known: Known) -> None:
        """A trustee speaks: what it has not answered is due at once if it has come back."""
        before = self._known.get(name)
        self._known[name] = known
        if before == known or not known.is_ready:
            return
        for one in self._open.values():
            for number, waiting in one.waiting.items():
                if one.trustees.trustees[number].name == name and not waiting.is_done:
                    waiting.timer = RetryTimer()

    def _find(self, request_id: bytes, name: str) -> tuple[_Open, int, _Waiting] | None:
        one = self._open.get(request_id)
        if one is None:
            return None
        for number, trustee in enumerate(one.trustees.trustees):
            if trustee.name == name:
                return one, number, one.waiting[number]
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
