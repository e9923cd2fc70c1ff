"""The other trustees' logs: sent back to a restored trustee, and compared to raise alarms.

After every start a trustee sends a hello and answers no request until n - t + 1 others have sent
what they hold. Every set that was ever opened had t trustees, so one of these took part.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence

import structlog

from protocol.envelope import decode_body
from protocol.errors import MessageRefused, Reason
from protocol.trustee_messages import (
    ENTRIES_MAX,
    HOLDINGS_MAX,
    SESSION_BYTES,
    Ask,
    Entries,
    FromPeer,
    Hello,
    LogEntry,
    RequestPage,
    SetRequest,
    SignedLogEntry,
    Synced,
    Wanted,
    author_of,
    open_log_entry,
    pages_of,
)
from trustee.documents import TrustedDocuments
from trustee.log import Alarm, TrusteeLog
from trustee.pages import Assembly

TWO_SETS = "two_sets"
FORKED_LOG = "forked_log"

log = structlog.get_logger()


class Peers:
    """The other trustees' logs, and whether enough trustees have sent everything they hold."""

    def __init__(self, trustee_log: TrusteeLog, documents: TrustedDocuments, name: str) -> None:
        """Begin a session, in which no trustee has synchronised yet."""
        self._log = trustee_log
        self._documents = documents
        self._name = name
        self._session = secrets.token_bytes(SESSION_BYTES)
        self._synced: set[str] = set()
        self._asked: dict[str, int] = {}
        self._answered: dict[str, bytes] = {}
        self._pages = Assembly()

    @property
    def is_synced(self) -> bool:
        """Whether enough others have sent everything, and no request that we answered is missing."""
        trustees = self._documents.trustees
        if trustees is None:
            return False
        shape = trustees.shape
        names = {trustee.name for trustee in trustees.trustees} - {self._name}
        needed = shape.trustees - shape.threshold + 1
        return (
            len(self._synced & names) >= needed
            and not self._log.missing(self._name)
            and not any(
                alarm.kind == FORKED_LOG and alarm.trustees == self._name
                for alarm in self._log.alarms()
            )
        )

    def hello(self) -> list[FromPeer]:
        """Return a hello with what we hold, which asks the others for the rest.

        Without a trustee set there is nobody to ask.
        """
        trustees = self._documents.trustees
        if trustees is None:
            return []
        holdings = {holding.trustee: holding for holding in self._log.holdings()}
        for trustee in trustees.trustees:
            holdings.setdefault(trustee.name, self._log.holding(trustee.name))
        holdings.setdefault(self._name, self._log.holding(self._name))
        hello = Hello(self._session, tuple(holdings.values())[:HOLDINGS_MAX])
        return [FromPeer(hello), *self._wanted()]

    def take(self, sender: str, message: FromPeer) -> list[FromPeer]:
        """Handle another trustee's message, and return the answers to it.

        Raises:
            MessageRefused: an entry is not signed by the trustee that it names.
        """
        answers: Iterable[FromPeer] = ()
        match message.message if sender != self._name else None:
            case Hello() as hello:
                answers = self._echo(sender, hello)
            case Entries(entries):
                self._merge(entries)
            case Synced(trustee, session) if (trustee, session) == (self._name, self._session):
                self._synced.add(sender)
                answers = self._wanted()
            case Wanted(requests):
                answers = [page for wanted in requests for page in self._request(wanted)]
            case RequestPage() as page:
                self._take_request(page)
        return list(answers)

    def conflict(self, request: SetRequest) -> bool:
        """Return whether two sets of this figure were answered, or would be, and raise an alarm.

        A second set after one that we answered ourselves is refused by our own log, not here.
        """
        sums = self._log.sums_of(request.day, request.measure, request.group)
        others = {name for name, other in sums if other != request.id}
        if request.ask is Ask.SUM and others and self._name not in {name for name, _ in sums}:
            self._alarm(TWO_SETS, request.measure, request.group, request.day, others)
            return True
        return self._has_two(request.day, request.measure, request.group)

    def _has_two(self, day: int, measure: str, group: str) -> bool:
        return len({sum_ for _, sum_ in self._log.sums_of(day, measure, group)}) > 1

    def _echo(self, sender: str, hello: Hello) -> Iterator[FromPeer]:
        """Send the entries that the sender lacks, beginning with its own."""
        known = {holding.trustee: holding.length for holding in hello.holdings}
        for holding in sorted(self._log.holdings(), key=lambda other: other.trustee != sender):
            entries = self._log.entries(holding.trustee, known.get(holding.trustee, 0))
            for begin in range(0, len(entries), ENTRIES_MAX):
                yield FromPeer(Entries(tuple(entries[begin : begin + ENTRIES_MAX])))
        yield FromPeer(Synced(sender, hello.session))
        yield from self._ask_for_more(sender, known)
        yield from self._greet_newcomer(sender, hello.session)

    def _greet_newcomer(self, sender: str, session: bytes) -> Iterator[FromPeer]:
        """Greet a trustee that has started, once per session of it, if it has not synchronised."""
        if self._answered.get(sender) != session:
            self._answered[sender] = session
            if sender not in self._synced and not self.is_synced:
                yield from self.hello()

    def _ask_for_more(self, sender: str, known: Mapping[str, int]) -> Iterator[FromPeer]:
        """Ask, once for each length, for the entries that the sender holds and we lack."""
        more = {
            name: length
            for name, length in known.items()
            if length > max(self._log.holding(name).length, self._asked.get(name, 0))
        }
        if self._name in more:  # our own log is behind: the sender counted as synced too soon
            self._synced.discard(sender)
        if more:
            self._asked.update(more)
            yield from self.hello()

    def _merge(self, entries: Sequence[SignedLogEntry]) -> None:
        before = self._log.holding(self._name).length
        try:
            self._merge_in_order(entries)
        finally:
            if back := self._log.holding(self._name).length - before:
                log.warning("own_answers_given_back", entries=back)

    def _merge_in_order(self, entries: Sequence[SignedLogEntry]) -> None:
        for signed in entries:
            author = author_of(signed)
            key = self._documents.signing_key(author)
            if key is None:
                raise MessageRefused(Reason.SIGNATURE, "an entry of no trustee")
            entry = open_log_entry(signed, self._documents.collectivity, key)
            known = self._log.entry_hash(author, entry.number)
            if known is not None:
                if known != signed.hash:
                    self._alarm(FORKED_LOG, entry.measure, entry.group, entry.day, {author})
                continue
            holding = self._log.holding(author)
            if entry.number > holding.length:
                return  # the entries in between come with the answer to our next hello
            if entry.previous != holding.head:
                self._alarm(FORKED_LOG, entry.measure, entry.group, entry.day, {author})
                return
            self._log.append(entry, signed)
            self._compare(entry)

    def _compare(self, entry: LogEntry) -> None:
        """Raise an alarm if two sets were opened for one figure."""
        if entry.ask is Ask.SUM and self._has_two(entry.day, entry.measure, entry.group):
            names = {name for name, _ in self._log.sums_of(entry.day, entry.measure, entry.group)}
            self._alarm(TWO_SETS, entry.measure, entry.group, entry.day, names)

    def _alarm(self, kind: str, measure: str, group: str, day: int, names: set[str]) -> None:
        alarm = Alarm(kind, measure, group, day, ", ".join(sorted(names)))
        if self._log.raise_alarm(alarm):
            self._log.count(f"alarm_{kind}")
            log.critical(
                "alarm_raised",
                kind=kind,
                measure=measure,
                group=group,
                day=day,
                trustees=alarm.trustees,
            )

    def _wanted(self) -> list[FromPeer]:
        missing = self._log.missing(self._name)[:ENTRIES_MAX]
        return [FromPeer(Wanted(tuple(missing)))] if missing else []

    def _request(self, request_id: bytes) -> Iterator[FromPeer]:
        data = self._log.request(request_id)
        if data is not None:
            parts = pages_of(data)
            for page, part in enumerate(parts):
                yield FromPeer(RequestPage(request_id, page, len(parts), part))

    def _take_request(self, page: RequestPage) -> None:
        if page.id not in self._log.missing(self._name):
            return
        data = self._pages.add(page.id, page.page, page.pages, page.data)
        if data is not None and decode_body(data, SetRequest).id == page.id:
            self._log.put_request(page.id, data)
