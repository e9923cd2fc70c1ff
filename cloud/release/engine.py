"""The release worker's logic without its link: closes, asks, opens and composes, step by step.

Every step is stored before it takes effect, and the next one starts from the store. An engine that
was killed between two steps simply continues.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.ingest.downlink import DownlinkSigner
from cloud.release.asking import ASK_AGAIN, Asking
from cloud.release.closing import FigureBasis, basis_of, close, due, figure_codes, read_document
from cloud.release.composing import compose
from cloud.release.opening import Answers, advance, asked, discard
from cloud.release.pages import cosigned_pages, request_pages, roster_pages
from cloud.release.parents import release_parents
from cloud.store.area import AreaStore, Figure, FigureKey, FigureStage
from cloud.store.versions import VersionStore
from protocol import versions
from protocol.area_messages import AreaAck
from protocol.calendar import day_number, day_of_number, legal_day
from protocol.envelope import Address, seal_message
from protocol.errors import DocumentRefused, Reason
from protocol.governance import TrusteeSet, read_cosigned
from protocol.ids import DeviceId
from protocol.measures import Measures
from protocol.release import encode
from protocol.roster import Roster, RosterEntry
from protocol.topics import Kind, TrusteeKind, area_topic, trustee_topic
from protocol.trustee_messages import ToTrustee, sign_request
from system.logs import raised_at
from system.mqtt.message import Outgoing
from system.set_aside import is_passing

_A_YEAR = 366
# A chip draws new seeds once a month at most, so it need not be told with each figure.
_TELL_EVERY_DAYS = 7

log = structlog.get_logger()
_ENDED = (FigureStage.RELEASED, FigureStage.DISCARDED)


class ReleaseEngine:
    """Takes figures through their stages; belongs to the store's thread."""

    def __init__(
        self,
        store: AreaStore,
        collectivity: str,
        platform_key: Ed25519PrivateKey,
        note: Callable[[Figure], object] = lambda figure: figure,
        written: VersionStore | None = None,
    ) -> None:
        """Use `store`; call `note` with each new stage of a figure.

        `written` says in which version to write to whom, otherwise in the oldest.
        """
        self._store = store
        self._collectivity = collectivity
        self._key = platform_key
        self._signer = DownlinkSigner(collectivity, platform_key)
        self._note = note
        self._written = written
        self._asking = Asking(collectivity)
        self._roster: Roster | None = None
        self._aside: set[FigureKey] = set()
        self._sent_documents: dict[str, tuple[tuple[object, ...], float]] = {}
        # The day of the last figure after which a chip was told of lacking seeds, by roster entry.
        self._told_on: dict[int, int] = {}

    @property
    def asking(self) -> Asking:
        """The requests to trustees and their answers."""
        return self._asking

    def roster(self) -> Roster:
        """Return the roster with all entries that the store has now.

        Raises:
            DocumentRefused: no set of trustees is known, or an entry breaks a rule.
        """
        if self._roster is None:
            cosigned_documents = self._store.cosigned_documents(Measures.__name__)
            if not cosigned_documents:
                raise DocumentRefused(
                    "There is no measures document in the store; `volet cloud measures` makes one."
                )
            _, trustees = read_document(self._store, cosigned_documents[-1].hash)
            self._roster = Roster(trustees.registrar_key)
        self._roster.load(self._store.roster(len(self._roster)))
        return self._roster

    def step(self, now: datetime, until: int | None = None) -> list[Outgoing]:
        """Close due figures and advance every figure as far as the answers allow.

        Returns the messages to publish: releases, and acks to chips that were left out.
        """
        if not self._store.cosigned_documents(Measures.__name__):
            return []
        roster = self.roster()
        messages: list[Outgoing] = []
        for key in list(due(self._store, now, until)):
            messages += self._guarded(key, partial(self._close, key, roster, now))
        for figure in sorted(
            self._store.unfinished(), key=lambda unfinished: (unfinished.key.day, unfinished.key)
        ):
            messages += self._guarded(figure.key, partial(self._take_on, figure, roster, now))
        messages += self._parents(now)
        return messages

    def take(self, name: str, payload: bytes) -> None:
        """Process a trustee's message. Raises MessageRefused."""
        if name not in self._asking.names():
            self._trust_all()
        self._asking.take(name, payload)

    def requests(self, now_s: float) -> Iterator[Outgoing]:
        """Yield the messages to trustees that are due; `now_s` is of a monotonic clock."""
        for name in self._asking.names():
            yield from self._send_documents(name, now_s)
        for name, request in self._asking.due(now_s):
            signed = sign_request(request, self._collectivity, self._key)
            yield from self._sealed(name, request_pages(signed))

    def is_idle(self) -> bool:
        """Return whether no figure waits for an answer, apart from those set aside."""
        return all(figure.key in self._aside for figure in self._store.unfinished())

    def published(self, now: datetime) -> Iterator[Outgoing]:
        """Yield each figure's latest release, for a broker that lost its retained messages."""
        end = day_number(legal_day(now)) + 1
        for cosigned in self._store.cosigned_documents(Measures.__name__):
            for measure, code in figure_codes(read_cosigned(cosigned, Measures)):
                figures = self._store.figures(
                    measure, code, end - _A_YEAR, end, FigureStage.RELEASED
                )
                if figures and figures[-1].key.measures == cosigned.hash:
                    yield self._publication(figures[-1])

    def _guarded(
        self, key: FigureKey, work: Callable[[], Iterable[Outgoing]]
    ) -> Iterable[Outgoing]:
        """Process one figure. After a defect, the figure is set aside until the next start.

        It must not block the others. The trustees keep its requests, so that it can be released
        once the defect is fixed.
        """
        if key in self._aside:
            return ()
        try:
            return work()
        except Exception as exc:
            if is_passing(exc):
                raise
            self._aside.add(key)
            log.error(  # noqa: TRY400 - a trace could show values
                "figure_set_aside",
                measure=key.measure,
                code=key.group,
                day=str(day_of_number(key.day)),
                defect=type(exc).__name__,
                where=raised_at(exc),
            )
            return ()

    def _close(self, key: FigureKey, roster: Roster, now: datetime) -> list[Outgoing]:
        figure = close(self._store, self._basis(key), roster, now)
        self._note(figure)
        return list(self._notify(roster, figure, figure.left_out))

    def _basis(self, key: FigureKey) -> FigureBasis:
        return basis_of(self._store, key)

    def _take_on(self, figure: Figure, roster: Roster, now: datetime) -> list[Outgoing]:
        basis = self._basis(figure.key)
        messages: list[Outgoing] = []
        while figure.stage not in _ENDED:
            request = asked(figure)
            self._asking.want(request, basis.trustees, basis.group.slots)
            answers = self._asking.answers(request.id)
            step = advance(
                self._store,
                basis,
                roster,
                figure,
                answers,
                now,
                is_complete=self._asking.is_complete(request.id),
            )
            if step is None:
                sentence = self._asking.refusal(request.id)
                if not sentence:
                    return messages
                step = discard(figure, sentence, now)
            messages += self._ask_for_seeds(roster, step, answers)
            messages += self._conclude(basis, roster, figure, step)
            self._asking.forget(request.id)
            figure = step
        return messages

    def _conclude(
        self, basis: FigureBasis, roster: Roster, before: Figure, figure: Figure
    ) -> list[Outgoing]:
        """Store a figure's next stage; return the messages to send about it."""
        newly_left_out = figure.left_out[len(before.left_out) :]
        messages = list(self._notify(roster, figure, newly_left_out))
        if figure.stage is FigureStage.RELEASED:
            release = compose(self._store, basis, roster, figure)
            figure = msgspec.structs.replace(figure, release=encode(release))
            messages.append(self._publication(figure))
        self._store.put_figure(figure)
        self._note(figure)
        return messages

    def _parents(self, now: datetime) -> list[Outgoing]:
        figures = release_parents(self._store, now)
        return [
            self._publication(figure) for figure in figures if figure.stage is FigureStage.RELEASED
        ]

    def _publication(self, figure: Figure) -> Outgoing:
        """Return the message of a release, retained unless a later day is already released."""
        key = figure.key
        later = self._store.figures(
            key.measure, key.group, key.day + 1, key.day + _A_YEAR, FigureStage.RELEASED
        )
        topic = area_topic(self._collectivity, key.measure, key.group)
        return Outgoing(topic, figure.release, retain=not later)

    def _notify(
        self, roster: Roster, figure: Figure, left_out: Iterable[tuple[int, Reason]]
    ) -> Iterator[Outgoing]:
        """Notify chips whose contribution is left out, once for each figure."""
        for number, reason in left_out:
            entry = roster.entry(number)
            ack = AreaAck(entry.household_key, (), ((figure.key.day, reason),))
            yield self._ack(entry, ack)

    def _ask_for_seeds(
        self, roster: Roster, figure: Figure, answers: Answers
    ) -> Iterator[Outgoing]:
        """Notify chips whose seeds a trustee lacks, each at most once a week.

        Those that were left out of the figure for it are notified of that instead.
        """
        lacking = {number for answer in answers.values() for number in answer.unknown}
        for number in sorted(lacking - {number for number, _ in figure.left_out}):
            if figure.key.day < self._told_on.get(number, 0) + _TELL_EVERY_DAYS:
                continue
            self._told_on[number] = figure.key.day
            entry = roster.entry(number)
            yield self._ack(entry, AreaAck(entry.household_key, (), (), lacks_seeds=True))

    def _ack(self, entry: RosterEntry, ack: AreaAck) -> Outgoing:
        device = DeviceId(entry.device)
        version = self._written.written_to(device) if self._written else versions.VERSIONS.oldest
        return self._signer.sign(device, Kind.AREA_ACK, ack, version)

    def _send_documents(self, name: str, now_s: float) -> Iterator[Outgoing]:
        """Send a trustee the documents it lacks, and again if it still lacks them much later.

        Whatever it reports, it gets them only so often.
        """
        known = self._asking.known(name)
        if known is None:
            return
        length = 0 if self._roster is None else len(self._roster)
        lacks = (known.roster_length, known.documents, length)
        before, at_s = self._sent_documents.get(name, ((), -ASK_AGAIN.cap_s))
        if now_s - at_s < (ASK_AGAIN.cap_s if lacks == before else ASK_AGAIN.first_s):
            return
        self._sent_documents[name] = (lacks, now_s)
        pages: list[ToTrustee] = []
        for kind in (TrusteeSet.__name__, Measures.__name__):
            for cosigned in self._store.cosigned_documents(kind):
                if cosigned.hash not in known.documents:
                    pages += cosigned_pages(cosigned)
        pages += roster_pages(known.roster_length, self._store.roster(known.roster_length))
        yield from self._sealed(name, pages)

    def _sealed(self, name: str, pages: Iterable[ToTrustee]) -> Iterator[Outgoing]:
        address = Address(self._collectivity, DeviceId(name), TrusteeKind.REQUEST)
        topic = trustee_topic(self._collectivity, name, TrusteeKind.REQUEST)
        version = self._written.in_use if self._written else None
        for page in pages:
            yield Outgoing(topic, seal_message(address, page, self._key, version))

    def _trust_all(self) -> None:
        """Trust the members of every set, even before there is a measures document."""
        for cosigned in self._store.cosigned_documents(TrusteeSet.__name__):
            self._asking.trust(read_cosigned(cosigned, TrusteeSet))
