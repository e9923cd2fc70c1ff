"""The other trustees' logs: sent back to a restored trustee, and compared to raise alarms.

After every start a trustee sends a hello and answers no request until n - t + 1 others have sent
what they hold. Every set that was ever opened had t trustees, so one of these took part.
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import structlog

from protocol.convictions import Offence
from protocol.envelope import decode_body
from protocol.errors import MessageRefused, Reason
from protocol.trustee_messages import (
    ENTRIES_MAX,
    HOLDINGS_MAX,
    SESSION_BYTES,
    Entries,
    FromPeer,
    Hello,
    Holding,
    LogEntry,
    RequestPage,
    SetRequest,
    SignedLogEntry,
    Synced,
    Wanted,
    open_log_entry,
    pages_of,
    unverified_entry,
)
from trustee.alarms import Alarms
from trustee.documents import TrustedDocuments
from trustee.log import TrusteeLog
from trustee.pages import Assembly

log = structlog.get_logger()


class Peers:
    """The other trustees' logs, and whether enough trustees have sent everything they hold."""

    def __init__(
        self, trustee_log: TrusteeLog, documents: TrustedDocuments, alarms: Alarms, name: str
    ) -> None:
        """Begin a session, in which no trustee has synchronised yet."""
        self._log = trustee_log
        self._alarms = alarms
        self._documents = documents
        self._name = name
        self._session = secrets.token_bytes(SESSION_BYTES)
        self._synced: set[str] = set()
        self._asked: dict[str, int] = {}
        self._answered: dict[str, bytes] = {}
        self._heard: Counter[bytes] = Counter()
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
            and not self._alarms.has(Offence.FORKED_LOG, self._name)
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
            MessageRefused: an entry is not signed by the trustee that it names, or its log has
                answered this request before.
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
                self._take_request(sender, page)
        return list(answers)

    def pop_heard(self) -> Counter[bytes]:
        """Return and clear how many logs were heard to contain a request (its id) since last time."""
        heard, self._heard = self._heard, Counter()
        return heard

    def _echo(self, sender: str, hello: Hello) -> Iterator[FromPeer]:
        """Send the entries that the sender lacks, beginning with its own."""
        known = {holding.trustee: holding for holding in hello.holdings}
        for holding in sorted(self._log.holdings(), key=lambda other: other.trustee != sender):
            first = self._first_to_send(known.get(holding.trustee))
            entries = self._log.entries(holding.trustee, first)
            for begin in range(0, len(entries), ENTRIES_MAX):
                yield FromPeer(Entries(tuple(entries[begin : begin + ENTRIES_MAX])))
        yield FromPeer(Synced(sender, hello.session))
        yield from self._ask_for_more(
            sender, {name: holding.length for name, holding in known.items()}
        )
        yield from self._greet_newcomer(sender, hello.session)

    def _first_to_send(self, theirs: Holding | None) -> int:
        """Return the first entry that another trustee lacks of a log.

        If its last entry is another one than ours, that one is sent as well: it proves a fork.
        """
        if theirs is None or theirs.length == 0:
            return 0
        own = self._log.entry(theirs.trustee, theirs.length - 1)
        return theirs.length - (own is not None and own.hash != theirs.head)

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
            claimed = unverified_entry(signed)
            author = claimed.trustee
            key = self._documents.signing_key(author)
            if key is None:
                raise MessageRefused(Reason.SIGNATURE, "an entry of no trustee")
            known = self._log.entry(author, claimed.number)
            if known == signed:
                continue  # verified when it came first
            entry = open_log_entry(signed, self._documents.collectivity, key)
            if not self._alarms.is_asked(signed, entry):
                return  # it binds its author alone
            if known is not None:
                self._alarms.raise_fork(entry, known, signed)
                continue
            if entry.number > self._log.holding(author).length:
                return  # the entries in between come with the answer to our next hello
            if not self._append(entry, signed):
                return

    def _append(self, entry: LogEntry, signed: SignedLogEntry) -> bool:
        """Append the next entry of a trustee's log; return False if it does not follow."""
        author = entry.trustee
        holding = self._log.holding(author)
        if entry.previous != holding.head:
            if holding.length:
                before = self._log.entries(author, holding.length - 1)[0]
                self._alarms.raise_fork(entry, before, signed)
            return False
        if self._log.entry_about(author, entry.summary.request) is not None:
            raise MessageRefused(Reason.ANSWERED, "an answer that the same log holds already")
        self._alarms.compare(entry, signed)
        self._log.append(entry, signed)
        self._heard[entry.summary.request] += 1
        return True

    def _wanted(self) -> list[FromPeer]:
        missing = self._log.missing(self._name)[:ENTRIES_MAX]
        return [FromPeer(Wanted(tuple(missing)))] if missing else []

    def _request(self, request_id: bytes) -> Iterator[FromPeer]:
        data = self._log.request(request_id)
        if data is not None:
            parts = pages_of(data)
            for page, part in enumerate(parts):
                yield FromPeer(RequestPage(request_id, page, len(parts), part))

    def _take_request(self, sender: str, page: RequestPage) -> None:
        if page.id not in self._log.missing(self._name):
            return
        # Pages of two senders are never mixed, so that one of them cannot spoil the other's.
        data = self._pages.add(sender.encode() + page.id, page.page, page.pages, page.data)
        if data is not None and decode_body(data, SetRequest).id == page.id:
            self._log.put_request(page.id, data)
