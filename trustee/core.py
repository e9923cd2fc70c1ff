"""Handles what a trustee is sent, independently of the broker, and returns what it sends."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import msgspec
import structlog

from protocol.calendar import day_of_number
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused, MessageRefused, Reason
from protocol.ids import DeviceId
from protocol.sealing import SealingNotice
from protocol.topics import Kind, device_topic, parse_device_topic
from protocol.trustee_messages import (
    Answer,
    AnswerPage,
    CosignedPage,
    FromPeer,
    FromTrustee,
    Known,
    Refused,
    RequestPage,
    RosterPage,
    SignedRequest,
    ToTrustee,
    pages_of,
)
from system.conditions import Repeated
from system.set_aside import SetAside
from trustee.alarms import Alarms
from trustee.answering import RequestAnswerer
from trustee.days import KEPT_DAYS, today_number
from trustee.documents import TrustedDocuments, confirm_first_set
from trustee.identity import TrusteeIdentity
from trustee.keys import Roots
from trustee.letters import HeldKeyShares
from trustee.log import TrusteeLog
from trustee.pages import Assembly
from trustee.peers import Peers

log = structlog.get_logger()


class TrusteeCore:
    """One trustee with its database.

    `today` returns the number of the current day. `is_alone` makes it answer without waiting for
    the other trustees and their logs, for simulations in one process.
    """

    def __init__(
        self,
        identity: TrusteeIdentity,
        trustee_log: TrusteeLog,
        today: Callable[[], int] = today_number,
        *,
        is_alone: bool = False,
        set_aside: SetAside | None = None,
        roots: Roots = (),
    ) -> None:
        """Load the state from the database; the key list must come from one of `roots`."""
        self.set_aside = set_aside or SetAside()
        self.identity = identity
        self.documents = TrustedDocuments(trustee_log, identity.collectivity, roots)
        alarms = Alarms(trustee_log, self.documents)
        self.peers = Peers(trustee_log, self.documents, alarms, identity.name)
        self._log = trustee_log
        self.today = today
        self._letters = HeldKeyShares(trustee_log, self.documents, identity.name, today)
        self._pages = Assembly()
        self._repeated = Repeated()
        self._answerer = RequestAnswerer(
            identity=identity,
            trustee_log=trustee_log,
            documents=self.documents,
            alarms=alarms,
            letters=self._letters,
            peers=self.peers,
            today=today,
            is_alone=is_alone,
        )

    @property
    def is_ready(self) -> bool:
        """Whether it answers requests."""
        return self._answerer.is_ready

    @property
    def households(self) -> int:
        """The number of households whose seeds it holds."""
        return len(self._letters)

    def confirm(self, words: str) -> None:
        """Trust the first trustee set with this fingerprint, as `volet trustee confirm` does."""
        confirm_first_set(self._log, words)

    def notices(self) -> tuple[SealingNotice, ...]:
        """Return the sealing keys that chips may seal to now, after those of closed months ended."""
        return self._letters.notices()

    def known(self) -> Known:
        """Return what this trustee has: roster, documents, own log, and whether it is ready."""
        holding = self._log.holding(self.identity.name)
        roster = self.documents.roster
        return Known(
            len(roster),
            roster.head,
            self.documents.hashes,
            holding.length,
            holding.head,
            self.is_ready,
        )

    def check_confirmation(self) -> bool:
        """Accept the first trustee set if the operator has confirmed it; return whether it was."""
        if not self.documents.take_confirmed(self.today()):
            return False
        self._take_waiting(self._letters.waiting())
        log.info("first_set_confirmed")
        return True

    def expire(self) -> None:
        """Delete requests and answers of days that are too old, and the seeds of closed months.

        Roster entries that arrived while the clock was ahead are dated to today.
        """
        was_ready = self.is_ready
        self._letters.forget_closed()
        last_answered = self._log.last_answered(self.identity.name)
        if last_answered is not None:
            self.documents.correct_arrivals(self.today(), last_answered)
        if self._log.expire(self.identity.name, self.today() - KEPT_DAYS):
            log.info("answers_expired", before=str(day_of_number(self._log.horizon())))
        self._see_ready(was_ready=was_ready)

    def take_key_shares(self, topic: str, payload: bytes) -> bool:
        """Take a retained `d/{device}/key`; return whether its seeds are new and stored.

        A refused message is counted, and no exception is raised. An empty message means that the
        household has left.
        """
        if not payload:
            return False
        try:
            return self._letters.take(self._device_of(topic), payload)
        except MessageRefused as exc:
            self._count(exc.reason)
            if times := self._repeated.found("letters", exc.reason, exc.detail):
                log.warning("letters_refused", reason=exc.reason, detail=exc.detail, times=times)
            return False

    def take(self, message: ToTrustee) -> list[FromTrustee]:
        """Handle a message of the release worker, and return the answers to it.

        What `pop_announcements` returns must be sent to the other trustees before these answers.
        """
        match message.message:
            case RosterPage(first, entries):
                self._take_roster(first, entries)
                return [FromTrustee(self.known())]
            case CosignedPage(document, page, pages, data):
                return self._take_cosigned(document, page, pages, data)
            case RequestPage(request, page, pages, data):
                return self._take_request(request, page, pages, data)

    def take_peer(self, sender: str, message: FromPeer) -> list[FromPeer | FromTrustee]:
        """Handle a message on another trustee's log topic, and return the answers to it.

        Those to the release worker are sums for which the last log that was missing has come.
        """
        was_ready = self.is_ready
        answers: list[FromPeer | FromTrustee] = []
        try:
            answers += self.peers.take(sender, message)
        except MessageRefused as exc:
            self._count(exc.reason)
            if times := self._repeated.found("peer", sender, exc.reason, exc.detail):
                log.warning(
                    "peer_refused", peer=sender, reason=exc.reason, detail=exc.detail, times=times
                )
        finally:
            self._see_ready(was_ready=was_ready)
        return [*answers, *self._now_given_out()]

    def pop_announcements(self) -> list[FromPeer]:
        """Return and clear the messages that the other trustees must get."""
        return self._answerer.pop_announcements()

    def answer(self, signed: SignedRequest) -> Answer | None:
        """Return the sums of a request; see `RequestAnswerer.answer`, which says what it raises."""
        return self._answerer.answer(signed)

    def _see_ready(self, *, was_ready: bool) -> None:
        """Forget the cached bindings once it is ready: answers may have come back meanwhile."""
        if self.is_ready and not was_ready:
            self._answerer.forget_bindings()
            log.info("trustee_ready", entries=self._log.holding(self.identity.name).length)

    def _now_given_out(self) -> Iterator[FromTrustee]:
        """Yield the stored sums for which the last log that was missing has just been heard.

        Whatever is lost of them, the release worker asks for again.
        """
        for request_id, heard in self.peers.pop_heard().items():
            if (stored := self._answerer.given_out(request_id, heard)) is not None:
                yield from _answer_pages(request_id, stored)

    def _take_request(self, name: bytes, page: int, pages: int, data: bytes) -> list[FromTrustee]:
        try:
            whole = self._pages.add(b"r" + name, page, pages, data)
            if whole is None:
                return []
            answer = self.answer(_read_request(name, whole))
        except MessageRefused as exc:
            self._count(exc.reason)
            if times := self._repeated.found("request", exc.reason, exc.detail):
                log.warning("request_refused", reason=exc.reason, detail=exc.detail, times=times)
            return [FromTrustee(Refused(name, exc.reason, exc.detail))]
        return [] if answer is None else _answer_pages(name, msgspec.msgpack.encode(answer))

    def _take_cosigned(self, name: bytes, page: int, pages: int, data: bytes) -> list[FromTrustee]:
        try:
            whole = self._pages.add(b"c" + name, page, pages, data)
            if whole is None:
                return []
            self.documents.take_cosigned(whole, self.today())
            self._take_waiting(self._letters.waiting())
        except (MessageRefused, DocumentRefused) as exc:
            self._count(Reason.DOCUMENT)
            if times := self._repeated.found("document", str(exc)):
                log.warning("document_refused", detail=str(exc), times=times)
        return [FromTrustee(self.known())]

    def _take_roster(self, first: int, entries: Iterable[tuple[bytes, bytes]]) -> None:
        length = len(self.documents.roster)
        try:
            has_answered = self._log.holding(self.identity.name).length > 0
            seen = self.today() if has_answered else None
            self.documents.take_roster(first, tuple(entries), seen)
        except (MessageRefused, DocumentRefused) as exc:
            self._count(Reason.ROSTER)
            if times := self._repeated.found("roster", str(exc)):
                log.warning("roster_refused", detail=str(exc), times=times)
        self._take_waiting(
            self.documents.roster.entry(number).device
            for number in range(length, len(self.documents.roster))
        )

    def _take_waiting(self, devices: Iterable[str]) -> None:
        for device in devices:
            if (payload := self._letters.waiting_of(device)) is not None:
                topic = device_topic(self.identity.collectivity, DeviceId(device), Kind.KEY)
                take = partial(self.take_key_shares, topic, payload)
                self.set_aside.handle(Kind.KEY, payload, take, otherwise=False)

    def _device_of(self, topic: str) -> DeviceId:
        device = parse_device_topic(topic)
        if device.kind is not Kind.KEY or device.collectivity != self.identity.collectivity:
            raise MessageRefused(Reason.TOPIC, "no letters")
        return device.device

    def _count(self, reason: Reason) -> None:
        self._log.count(f"refused_{reason}")


def _answer_pages(request_id: bytes, answer: bytes) -> list[FromTrustee]:
    parts = pages_of(answer)
    return [
        FromTrustee(AnswerPage(request_id, number, len(parts), part))
        for number, part in enumerate(parts)
    ]


def _read_request(name: bytes, data: bytes) -> SignedRequest:
    signed = decode_body(data, SignedRequest)
    if signed.request.id != name:
        raise MessageRefused(Reason.MALFORMED, "a request under another's id")
    return signed
