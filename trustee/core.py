"""Checks a trustee's messages, logs the answers, then returns them; independent of the broker.

An answer is in the log on disk before it leaves, and a sum leaves once enough trustees' logs contain
its request. It depends only on the request and the seeds, so a process that is killed in between
returns the same bytes later.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.area_cipher import MaskContext, to_bytes
from protocol.calendar import day_number, day_of_number, legal_day
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused, MessageRefused, Reason
from protocol.governance import Trustee as PublicTrustee
from protocol.ids import DeviceId
from protocol.packed import read_packed
from protocol.sealing import SealingNotice
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
    SignedLogEntry,
    SignedRequest,
    SignedSummary,
    ToTrustee,
    pages_of,
    sign_log_entry,
    unverified_entry,
)
from system.conditions import Repeated
from system.console import counted
from system.set_aside import SetAside
from trustee.alarms import Alarms
from trustee.documents import TrustedDocuments, confirm_first_set
from trustee.keys import Roots
from trustee.letters import HeldKeyShares
from trustee.log import TrusteeLog
from trustee.masks import Draw, check_masks, sums
from trustee.pages import Assembly
from trustee.peers import Peers
from trustee.quorum import Quorum
from trustee.rules import Asked, Bindings, Bound, check_request, households_of
from trustee.views import Difference

# Six months: a figure waits while trustees are offline for weeks, but not longer than this.
KEPT_DAYS = 183

log = structlog.get_logger()


class TrusteeIdentity(msgspec.Struct, frozen=True):
    """A trustee's name in certificates, its name for people (`title`), and its private key."""

    collectivity: str
    name: str
    title: str
    signing_key: Ed25519PrivateKey

    @classmethod
    def draw(cls, collectivity: str, name: str, title: str = "") -> "TrusteeIdentity":
        """Generate the key."""
        return cls(collectivity, name, title or name, Ed25519PrivateKey.generate())

    @property
    def public(self) -> PublicTrustee:
        """The trustee's entry in the trustee set."""
        public_key = self.signing_key.public_key().public_bytes_raw()
        return PublicTrustee(self.name, self.title, public_key)


def today_number() -> int:
    """Return the number of the current legal day."""
    return day_number(legal_day(datetime.now(UTC)))


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
        self._alarms = Alarms(trustee_log, self.documents)
        self.peers = Peers(trustee_log, self.documents, self._alarms, identity.name)
        self._quorum = Quorum(trustee_log, self.documents)
        self._log = trustee_log
        self.today = today
        self._is_alone = is_alone
        self._letters = HeldKeyShares(trustee_log, self.documents, identity.name, today)
        self._pages = Assembly()
        self._bindings = Bindings()
        self._announcements: list[FromPeer] = []
        self._repeated = Repeated()

    @property
    def is_ready(self) -> bool:
        """Whether it answers requests."""
        return self._is_alone or self.peers.is_synced

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
        announcements, self._announcements = self._announcements, []
        return announcements

    def answer(self, signed: SignedRequest) -> Answer | None:
        """Log that a request is answered, then return the sums; None if too few logs contain it.

        They follow from `take_peer` then, as soon as enough logs do.

        Raises:
            MessageRefused: the request breaks a rule, which is the reason, and nothing was logged;
                or it is asked for again while logs are missing.
        """
        is_new = self._own_entry(signed.request.id) is None
        answer = self._logged_answer(signed, is_logged=not is_new)
        missing = 0 if self._is_alone else self._quorum.missing(signed.request.summary)
        if missing and not is_new:
            logs = counted(missing, "other trustee's log", "other trustees' logs")
            raise MessageRefused(Reason.NOT_READY, f"the request is not in {logs} yet")
        return None if missing else answer

    def _logged_answer(self, signed: SignedRequest, *, is_logged: bool) -> Answer:
        request = signed.request
        if not self.is_ready:
            raise MessageRefused(Reason.NOT_READY, "the other trustees have not told all yet")
        if request.day < max(self._log.horizon(), self.today() - KEPT_DAYS):
            raise MessageRefused(Reason.ANSWERED, f"a day more than {KEPT_DAYS} days ago")
        has_two_sets = self._alarms.has_two_sets(signed.summary)
        if has_two_sets and not is_logged:
            raise MessageRefused(Reason.CONFLICT, "the collectivity signed two sets of this figure")
        is_closed = request.day < self._letters.forget_closed()
        if is_logged and (stored := self._log.answer(request.id)) is not None:
            answer = read_packed(stored, Answer)
            if is_closed or not answer.unknown:
                return answer
        if is_closed:
            raise MessageRefused(Reason.ANSWERED, "the seeds of this month are deleted")
        asked = check_request(request, self.documents)
        draws = self._draws(asked)
        unknown = tuple(
            entry.number for entry, draw in zip(asked.entries, draws, strict=True) if draw is None
        )
        if unknown and request.ask is Ask.SUM:
            raise MessageRefused(
                Reason.SEEDS, f"the seeds of {len(unknown)} households, or another view of theirs"
            )
        if not is_logged:
            self._log_answer(asked, signed.summary)
        answer = self._compute(asked, draws, unknown)
        self._log.put_answer(request.id, msgspec.msgpack.encode(answer))
        return answer

    def _see_ready(self, *, was_ready: bool) -> None:
        """Forget the cached bindings once it is ready: answers may have come back meanwhile."""
        if self.is_ready and not was_ready:
            self._bindings.clear()
            log.info("trustee_ready", entries=self._log.holding(self.identity.name).length)

    def _own_entry(self, request_id: bytes) -> SignedLogEntry | None:
        return self._log.entry_about(self.identity.name, request_id)

    def _now_given_out(self) -> Iterator[FromTrustee]:
        """Yield the stored sums for which the last log that was missing has just been heard.

        Whatever is lost of them, the release worker asks for again.
        """
        for request_id, heard in self.peers.pop_heard().items():
            own, stored = self._own_entry(request_id), self._log.answer(request_id)
            if own is None or stored is None or self._is_alone or not self.is_ready:
                continue
            summary = unverified_entry(own).summary
            if self._quorum.is_reached_by(summary, heard):
                yield from _answer_pages(request_id, stored)

    def _log_answer(self, asked: Asked, summary: SignedSummary) -> None:
        request = asked.request
        bound = self._bound(request.day, request.measure)
        households = households_of(self.documents, request)
        bound.check(asked, households)
        holding = self._log.holding(self.identity.name)
        entry = LogEntry(
            self.identity.name,
            holding.length,
            holding.head,
            summary,
            len(households),
        )
        signed = sign_log_entry(entry, self.identity.collectivity, self.identity.signing_key)
        self._log.append(entry, signed, msgspec.msgpack.encode(request))
        bound.bind(request, households)
        self._announcements.append(FromPeer(Entries((signed,))))
        log.info(
            "answer_logged",
            ask=request.ask,
            measure=request.measure,
            group=request.group,
            day=request.day,
            households=len(households),
        )

    def _bound(self, day: int, measure: str) -> Bound:
        """Return what this trustee's log binds it to for a day and measure.

        Raises:
            MessageRefused: an answered request is missing after a restore.
        """
        bound = self._bindings.get(day, measure)
        if bound is None:
            bound = Bound()
            for _, data in self._log.requests_of(self.identity.name, day, measure):
                if data is None:
                    raise MessageRefused(Reason.NOT_READY, "an answered request is not back yet")
                request = read_packed(data, SetRequest)
                bound.bind(request, households_of(self.documents, request))
            self._bindings.put(day, measure, bound)
        return bound

    def _draws(self, asked: Asked) -> list[Draw | None]:
        households = (
            (entry.household_key, generation)
            for entry, (_, generation) in zip(asked.entries, asked.draws, strict=True)
        )
        request = asked.request
        keys = self._letters.keys(households, asked.trustees, request.measures, request.day)
        views = Counter(each for each in keys if isinstance(each, Difference))
        for view, count in views.items():
            if times := self._repeated.found("views", view):
                log.warning("views_differ", what=view, households=count, times=times)
        return [
            Draw(found, nonce) if isinstance(found, tuple) else None
            for found, (nonce, _) in zip(keys, asked.draws, strict=True)
        ]

    def _compute(self, asked: Asked, draws: list[Draw | None], unknown: tuple[int, ...]) -> Answer:
        request = asked.request
        trustees = self.documents.trustee_set(asked.trustees)
        if trustees is None:
            raise MessageRefused(Reason.DOCUMENT, "an unknown set of trustees")
        numbers = trustees.shape.sets_of(trustees.number_of(self.identity.name))
        context = MaskContext(
            request.measures, request.measure, request.group, asked.slots, request.day
        )
        words = (
            sums([draw for draw in draws if draw is not None], len(numbers), context)
            if request.ask is Ask.SUM
            else check_masks(draws, len(numbers), context)
        )
        named = zip(numbers, map(to_bytes, words), strict=True)
        return Answer(request.id, tuple(named), unknown)

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
