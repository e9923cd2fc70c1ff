"""Answers a request: checks it, logs that it is answered, then computes the sums of masks.

An answer is in the log on disk before it leaves. It depends only on the request and the seeds, so a
process that is killed in between returns the same bytes later.
"""

from collections import Counter
from collections.abc import Callable

import msgspec
import structlog

from protocol.area_cipher import MaskContext, to_bytes
from protocol.errors import MessageRefused, Reason
from protocol.packed import read_packed
from protocol.trustee_messages import (
    Answer,
    Ask,
    Entries,
    FromPeer,
    LogEntry,
    SetRequest,
    SignedLogEntry,
    SignedRequest,
    SignedSummary,
    sign_log_entry,
    unverified_entry,
)
from system.conditions import Repeated
from system.console import counted
from trustee.alarms import Alarms
from trustee.days import KEPT_DAYS
from trustee.documents import TrustedDocuments
from trustee.identity import TrusteeIdentity
from trustee.letters import HeldKeyShares
from trustee.log import TrusteeLog
from trustee.masks import Draw, check_masks, sums
from trustee.peers import Peers
from trustee.quorum import Quorum
from trustee.rules import Asked, Bindings, Bound, check_request, households_of
from trustee.views import Difference

log = structlog.get_logger()


class RequestAnswerer:
    """Answers requests from one trustee's log, documents and seeds.

    `today` returns the number of the current day. With `is_alone` no answer waits for the other
    trustees and their logs.
    """

    def __init__(  # noqa: PLR0913 - a trustee's parts, each by its name
        self,
        *,
        identity: TrusteeIdentity,
        trustee_log: TrusteeLog,
        documents: TrustedDocuments,
        alarms: Alarms,
        letters: HeldKeyShares,
        peers: Peers,
        today: Callable[[], int],
        is_alone: bool,
    ) -> None:
        """Answer by what these hold; nothing is bound yet."""
        self._identity = identity
        self._log = trustee_log
        self._documents = documents
        self._alarms = alarms
        self._letters = letters
        self._peers = peers
        self._today = today
        self._is_alone = is_alone
        self._quorum = Quorum(trustee_log, documents)
        self._bindings = Bindings()
        self._announcements: list[FromPeer] = []
        self._repeated = Repeated()

    @property
    def is_ready(self) -> bool:
        """Whether requests are answered: the other trustees have told all."""
        return self._is_alone or self._peers.is_synced

    def pop_announcements(self) -> list[FromPeer]:
        """Return and clear the messages that the other trustees must get."""
        announcements, self._announcements = self._announcements, []
        return announcements

    def forget_bindings(self) -> None:
        """Read from the log again what it binds this trustee to: answers have come back."""
        self._bindings.clear()

    def answer(self, signed: SignedRequest) -> Answer | None:
        """Log that a request is answered, then return the sums; None if too few logs contain it.

        `given_out` returns them then, as soon as enough logs do.

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

    def given_out(self, request_id: bytes, heard: int) -> bytes | None:
        """Return a stored answer if the last log that it waited for is among `heard` new ones."""
        own, stored = self._own_entry(request_id), self._log.answer(request_id)
        if own is None or stored is None or self._is_alone or not self.is_ready:
            return None
        is_reached = self._quorum.is_reached_by(unverified_entry(own).summary, heard)
        return stored if is_reached else None

    def _logged_answer(self, signed: SignedRequest, *, is_logged: bool) -> Answer:
        request = signed.request
        if not self.is_ready:
            raise MessageRefused(Reason.NOT_READY, "the other trustees have not told all yet")
        if request.day < max(self._log.horizon(), self._today() - KEPT_DAYS):
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
        asked = check_request(request, self._documents)
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

    def _own_entry(self, request_id: bytes) -> SignedLogEntry | None:
        return self._log.entry_about(self._identity.name, request_id)

    def _log_answer(self, asked: Asked, summary: SignedSummary) -> None:
        request = asked.request
        bound = self._bound(request.day, request.measure)
        households = households_of(self._documents, request)
        bound.check(asked, households)
        holding = self._log.holding(self._identity.name)
        entry = LogEntry(
            self._identity.name,
            holding.length,
            holding.head,
            summary,
            len(households),
        )
        signed = sign_log_entry(entry, self._identity.collectivity, self._identity.signing_key)
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
            for _, data in self._log.requests_of(self._identity.name, day, measure):
                if data is None:
                    raise MessageRefused(Reason.NOT_READY, "an answered request is not back yet")
                request = read_packed(data, SetRequest)
                bound.bind(request, households_of(self._documents, request))
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
        trustees = self._documents.trustee_set(asked.trustees)
        if trustees is None:
            raise MessageRefused(Reason.DOCUMENT, "an unknown set of trustees")
        numbers = trustees.shape.sets_of(trustees.number_of(self._identity.name))
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
