"""What a trustee does with a message: checks, writes down, then answers. Knows no broker.

"Answered" is in the log, on the disk, before an answer leaves. The answer follows from the request
and the seeds alone, so that a process killed between the two gives the same bytes later.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.area_cipher import to_bytes
from protocol.calendar import day_number, day_of_number, legal_day
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused, MessageRefused, Reason
from protocol.governance import Trustee as PublicTrustee
from protocol.hpke import SealingKey
from protocol.ids import DeviceId
from protocol.topics import Kind, device_topic, parse_device_topic
from protocol.trustee_messages import (
    Answer,
    AnswerPage,
    Ask,
    CosignedPage,
    Entries,
    FromPeer,
    FromTrustee,
    Known,
    LogEntry,
    Refused,
    RequestPage,
    RosterPage,
    SetRequest,
    ToTrustee,
    pages_of,
    sign_log_entry,
)
from system.conditions import Repeated
from trustee.documents import CONFIRMED, TrustedDocuments
from trustee.letters import HeldKeyShares
from trustee.log import TrusteeLog
from trustee.masks import Draw, check_masks, sums
from trustee.pages import Assembly
from trustee.peers import Peers
from trustee.rules import Asked, Bindings, Bound, check_request, households_of

# Six months: a figure waits for trustees that are away for weeks, then nobody asks any more.
KEPT_DAYS = 183

log = structlog.get_logger()


class TrusteeIdentity(msgspec.Struct, frozen=True):
    """Who a trustee is: its name, what it is called, and its two private keys."""

    collectivity: str
    name: str
    title: str
    signing_key: Ed25519PrivateKey
    sealing_key: SealingKey

    @classmethod
    def draw(cls, collectivity: str, name: str, title: str = "") -> "TrusteeIdentity":
        """Draw both keys."""
        signing_key = Ed25519PrivateKey.generate()
        return cls(collectivity, name, title or name, signing_key, SealingKey.generate())

    @property
    def public(self) -> PublicTrustee:
        """What stands in the set of trustees."""
        return PublicTrustee(
            self.name,
            self.title,
            self.signing_key.public_key().public_bytes_raw(),
            self.sealing_key.public_bytes,
        )


def today_number() -> int:
    """Return the number of the legal day that it is."""
    return day_number(legal_day(datetime.now(UTC)))


class TrusteeCore:
    """One trustee over its database.

    `today` gives the number of the day that it is; `is_alone`: for simulations in one process,
    answers without having heard of the other trustees.
    """

    def __init__(
        self,
        identity: TrusteeIdentity,
        kept: TrusteeLog,
        today: Callable[[], int] = today_number,
        *,
        is_alone: bool = False,
    ) -> None:
        """Load what the database holds."""
        self.identity = identity
        self.documents = TrustedDocuments(kept, identity.collectivity)
        self.peers = Peers(kept, self.documents, identity.name)
        self._log = kept
        self._today = today
        self._is_alone = is_alone
        self._letters = HeldKeyShares(kept, self.documents, identity.sealing_key, identity.name)
        self._pages = Assembly()
        self._bindings = Bindings()
        self._told: list[FromPeer] = []
        self._said = Repeated()

    @property
    def is_ready(self) -> bool:
        """Whether it answers."""
        return self._is_alone or self.peers.is_synced

    @property
    def households(self) -> int:
        """Of how many households it holds seeds."""
        return len(self._letters)

    def confirm(self, words: str) -> None:
        """Trust the first set of trustees of this fingerprint, as `volet trustee confirm` does."""
        confirm_first_set(self._log, words)

    def known(self) -> Known:
        """Say what this trustee knows."""
        held = self._log.holding(self.identity.name)
        roster = self.documents.roster
        return Known(
            len(roster),
            roster.head,
            self.documents.hashes,
            held.length,
            held.head,
            self.is_ready,
        )

    def look_again(self) -> bool:
        """Take the first set of trustees if the operator has confirmed it meanwhile; says so."""
        if not self.documents.take_confirmed(self._today()):
            return False
        self._take_waiting(self._letters.waiting())
        log.info("first_set_confirmed")
        return True

    def expire(self) -> None:
        """Delete what was asked and answered of days so long ago; none of it is asked for again."""
        horizon = self._today() - KEPT_DAYS
        if self._log.expire(horizon):
            log.info("answers_expired", before=str(day_of_number(horizon)))

    def take_letters(self, topic: str, payload: bytes) -> bool:
        """Take a retained `d/{device}/key`; says whether its seeds are new and kept.

        What is refused is counted, never raised. An empty one says that the household has left.
        """
        if not payload:
            return False
        try:
            return self._letters.take(self._device_of(topic), payload)
        except MessageRefused as exc:
            self._count(exc.reason)
            if times := self._said.found("letters", exc.reason, exc.detail):
                log.warning("letters_refused", reason=exc.reason, detail=exc.detail, times=times)
            return False

    def take(self, message: ToTrustee) -> list[FromTrustee]:
        """Take one message of the release worker; returns what to answer.

        `take_told` has what the other trustees must hear before that leaves.
        """
        match message.message:
            case RosterPage(first, entries):
                self._take_roster(first, entries)
                return [FromTrustee(self.known())]
            case CosignedPage(document, page, pages, data):
                return self._take_cosigned(document, page, pages, data)
            case RequestPage(request, page, pages, data):
                return self._take_request(request, page, pages, data)

    def take_peer(self, sender: str, message: FromPeer) -> list[FromPeer]:
        """Take what another trustee says on its log's topic; returns what to say to that."""
        was_ready = self.is_ready
        try:
            return self.peers.take(sender, message)
        except MessageRefused as exc:
            self._count(exc.reason)
            if times := self._said.found("peer", sender, exc.reason, exc.detail):
                log.warning(
                    "peer_refused", peer=sender, reason=exc.reason, detail=exc.detail, times=times
                )
            return []
        finally:
            if self.is_ready and not was_ready:
                self._bindings.clear()
                log.info("trustee_ready", entries=self._log.holding(self.identity.name).length)

    def take_told(self) -> list[FromPeer]:
        """Return what the other trustees must hear, and forget it."""
        told, self._told = self._told, []
        return told

    def answer(self, request: SetRequest) -> Answer:
        """Answer a request: write down that it is answered, then return the sums.

        Raises:
            MessageRefused: with the rule that it breaks; nothing was written.
        """
        if not self.is_ready:
            raise MessageRefused(Reason.NOT_READY, "the other trustees have not told all yet")
        if request.day < max(self._log.horizon(), self._today() - KEPT_DAYS):
            raise MessageRefused(Reason.ANSWERED, f"a day more than {KEPT_DAYS} days ago")
        name, encoded = self.identity.name, msgspec.msgpack.encode(request)
        is_logged = self._log.has_entry(name, request.id)
        if self.peers.conflict(request):
            raise MessageRefused(Reason.CONFLICT, "two sets of this figure were seen")
        if is_logged and (stored := self._log.answer(request.id)) is not None:
            answer = msgspec.msgpack.decode(stored, type=Answer)
            if not answer.unknown:
                return answer
        asked = check_request(request, self.documents)
        draws = self._draws(asked)
        unknown = tuple(
            entry.number for entry, draw in zip(asked.entries, draws, strict=True) if draw is None
        )
        if unknown and request.ask is Ask.SUM:
            raise MessageRefused(Reason.SEEDS, f"the seeds of {len(unknown)} households")
        if not is_logged:
            self._write_down(asked, encoded)
        answer = self._compute(asked, draws, unknown)
        self._log.put_answer(request.id, msgspec.msgpack.encode(answer))
        return answer

    def _write_down(self, asked: Asked, encoded: bytes) -> None:
        request = asked.request
        bound = self._bound(request.day, request.measure)
        households = households_of(self.documents, request)
        bound.check(asked, households)
        held = self._log.holding(self.identity.name)
        entry = LogEntry(
            self.identity.name,
            held.length,
            held.head,
            request.id,
            request.ask,
            request.measures,
            request.measure,
            request.group,
            request.day,
            len(households),
        )
        signed = sign_log_entry(entry, self.identity.collectivity, self.identity.signing_key)
        self._log.append(entry, signed, encoded)
        bound.bind(request, households)
        self._told.append(FromPeer(Entries((signed,))))
        log.info(
            "answer_logged",
            ask=request.ask,
            measure=request.measure,
            group=request.group,
            day=request.day,
            households=len(households),
        )

    def _bound(self, day: int, measure: str) -> Bound:
        """Return what the log binds this trustee to."""
        bound = self._bindings.get(day, measure)
        if bound is None:
            bound = Bound()
            for _, data in self._log.requests_of(self.identity.name, day, measure):
                if data is None:
                    raise MessageRefused(Reason.NOT_READY, "an answered request is not back yet")
                request = msgspec.msgpack.decode(data, type=SetRequest)
                bound.bind(request, households_of(self.documents, request))
            self._bindings.put(day, measure, bound)
        return bound

    def _draws(self, asked: Asked) -> list[Draw | None]:
        households = (
            (entry.household_key, generation)
            for entry, (_, generation) in zip(asked.entries, asked.draws, strict=True)
        )
        keys = self._letters.keys(households, asked.trustees, asked.request.day)
        return [
            None if each is None else Draw(each, nonce)
            for each, (nonce, _) in zip(keys, asked.draws, strict=True)
        ]

    def _compute(self, asked: Asked, draws: list[Draw | None], unknown: tuple[int, ...]) -> Answer:
        request = asked.request
        trustees = self.documents.trustee_set(asked.trustees)
        if trustees is None:
            raise MessageRefused(Reason.DOCUMENT, "an unknown set of trustees")
        numbers = trustees.shape.sets_of(trustees.number_of(self.identity.name))
        place = (len(numbers), request.day, request.measure, asked.slots)
        words = (
            sums([draw for draw in draws if draw is not None], *place)
            if request.ask is Ask.SUM
            else check_masks(draws, *place)
        )
        named = zip(numbers, map(to_bytes, words), strict=True)
        return Answer(request.id, tuple(named), unknown)

    def _take_request(self, name: bytes, page: int, pages: int, data: bytes) -> list[FromTrustee]:
        try:
            whole = self._pages.add(b"r" + name, page, pages, data)
            if whole is None:
                return []
            answer = msgspec.msgpack.encode(self.answer(_read_request(name, whole)))
        except MessageRefused as exc:
            self._count(exc.reason)
            if times := self._said.found("request", exc.reason, exc.detail):
                log.warning("request_refused", reason=exc.reason, detail=exc.detail, times=times)
            return [FromTrustee(Refused(name, exc.reason, exc.detail))]
        parts = pages_of(answer)
        return [
            FromTrustee(AnswerPage(name, number, len(parts), part))
            for number, part in enumerate(parts)
        ]

    def _take_cosigned(self, name: bytes, page: int, pages: int, data: bytes) -> list[FromTrustee]:
        try:
            whole = self._pages.add(b"c" + name, page, pages, data)
            if whole is None:
                return []
            self.documents.take_cosigned(whole, self._today())
            self._take_waiting(self._letters.waiting())
        except (MessageRefused, DocumentRefused) as exc:
            self._count(Reason.DOCUMENT)
            if times := self._said.found("document", str(exc)):
                log.warning("document_refused", detail=str(exc), times=times)
        return [FromTrustee(self.known())]

    def _take_roster(self, first: int, entries: Iterable[tuple[bytes, bytes]]) -> None:
        length = len(self.documents.roster)
        try:
            has_answered = self._log.holding(self.identity.name).length > 0
            seen = self._today() if has_answered else None
            self.documents.take_roster(first, tuple(entries), seen)
        except (MessageRefused, DocumentRefused) as exc:
            self._count(Reason.ROSTER)
            if times := self._said.found("roster", str(exc)):
                log.warning("roster_refused", detail=str(exc), times=times)
        self._take_waiting(
            self.documents.roster.entry(number).device
            for number in range(length, len(self.documents.roster))
        )

    def _take_waiting(self, devices: Iterable[str]) -> None:
        for device in devices:
            payload = self._letters.waiting_of(device)
            if payload is not None:
                topic = device_topic(self.identity.collectivity, DeviceId(device), Kind.KEY)
                self.take_letters(topic, payload)

    def _device_of(self, topic: str) -> DeviceId:
        device = parse_device_topic(topic)
        if device.kind is not Kind.KEY or device.collectivity != self.identity.collectivity:
            raise MessageRefused(Reason.TOPIC, "no letters")
        return device.device

    def _count(self, reason: Reason) -> None:
        self._log.count(f"refused_{reason}")


def _read_request(name: bytes, data: bytes) -> SetRequest:
    request = decode_body(data, SetRequest)
    if request.id != name:
        raise MessageRefused(Reason.MALFORMED, "a request under another's id")
    return request


def confirm_first_set(kept: TrusteeLog, words: str) -> None:
    """Trust the first set of trustees that has this fingerprint (six groups of four)."""
    kept.put_fact(CONFIRMED, " ".join(words.upper().split()).encode())
