"""Asks for quotes: once a month, and when the household orders it; nothing after the stored answer.

The question names the year up to the day on which it leaves, and the log's chain head: it is the
same from every household that asks that day. It depends on no consumption, contract or earlier
answer. Every chip asks in every month, wanted or not, and an order leaves hours later, so that
neither shows whether somebody is in.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import msgspec
import structlog

from edge.contracts.catalogue import CatalogueReader
from edge.mqtt.handler import HandlerContext, InboundMessage, MessageHandler
from edge.mqtt.message import Publish
from edge.mqtt.moments import after_wish, in_month
from edge.vault.catalogue import QuoteRow
from protocol.backoff import RetryPolicy
from protocol.calendar import day_number, legal_day, month_of
from protocol.envelope import decode_body, open_message
from protocol.errors import MessageRefused, Reason
from protocol.messages import STATEMENT_ID_BYTES
from protocol.quotes import QuoteAnswer, QuotePart, QuoteRequest
from protocol.topics import Kind, device_topic
from system.watched import OrderFile

LOOK_S = 1.0
ASK_AGAIN = RetryPolicy(first_s=60.0, cap_s=3_600.0, floor_s=60.0)

log = structlog.get_logger()


class QuoteOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The household's order for quotes, as its command stores it; the question leaves later."""

    asked_at: datetime
    leaves_at: datetime


ORDER = OrderFile("quotes.json", QuoteOrder, "ask again.")


def leave_order(
    directory: Path, asked_at: datetime, moment: Callable[[datetime], datetime] = after_wish
) -> QuoteOrder:
    """Order the chip in `directory` to ask for quotes; `moment` draws when the question leaves."""
    asked_at = asked_at.replace(microsecond=0)
    order = QuoteOrder(asked_at, moment(asked_at))
    ORDER.leave(directory, order)
    return order


@dataclass(frozen=True, slots=True)
class QuoteOptions:
    """What the chip needs to ask for quotes.

    Attributes:
        order: returns the household's latest order.
        asks_monthly: whether the chip also asks by itself, once a month.
        draw_id: draws the random id of a question.
    """

    order: Callable[[], QuoteOrder | None] = lambda: None
    asks_monthly: bool = False
    draw_id: Callable[[], bytes] = lambda: secrets.token_bytes(STATEMENT_ID_BYTES)


def year_before(day: date) -> date:
    """Return the same day a year earlier; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


class Quoting(MessageHandler):
    """Asks while the latest question has no answer; stores the answer as received."""

    kinds = frozenset({Kind.QUOTES})

    def __init__(
        self,
        context: HandlerContext,
        reader: CatalogueReader,
        options: QuoteOptions,
    ) -> None:
        """Ask about the log that `reader` holds."""
        self._signer, self._platform_key = context.signer, context.platform_key
        self._vault, self._clock = context.vault, context.clock
        self._reader = reader
        self._options = options
        self._open: QuoteRow | None = None
        self._asked_at: frozenset[datetime] | None = None
        self._moment: tuple[date, datetime] | None = None
        self._parts: dict[int, bytes] = {}
        self._look_s = 0.0
        self._due_s = 0.0
        self._pauses = ASK_AGAIN.waits_s()

    def open(self) -> None:
        """See `MessageHandler.open`."""
        self._open = next((row for row in self._vault.catalogue.quotes() if not row.answer), None)

    def connect(self) -> None:
        """See `MessageHandler.connect`."""
        self._due_s, self._pauses = 0.0, ASK_AGAIN.waits_s()

    def outgoing(self, now_s: float) -> list[Publish]:
        """See `MessageHandler.outgoing`."""
        if now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            self._look()
        head = self._reader.copy.head
        if self._open is None or head is None or now_s < self._due_s:
            return []
        self._due_s = now_s + next(self._pauses)
        if self._open.head != head:
            self._keep(msgspec.structs.replace(self._open, head=head))
        return [Publish(self._topic(), self._signer.seal(Kind.QUOTE, self._question(self._open)))]

    def take(self, message: InboundMessage) -> None:
        """See `MessageHandler.take`."""
        part = open_message(message.address, message.payload, self._platform_key, QuotePart)
        if part.household_key != self._signer.household.id:
            raise MessageRefused(Reason.TOPIC, "another household's")
        if message.rest != f"{part.id.hex()}/{part.part}" or part.part >= part.parts:
            raise MessageRefused(Reason.TOPIC, "the topic names another part")
        row = self._open
        if row is None or row.id != part.id:
            return  # answered already, or asked before this chip's vault was replaced
        self._parts[part.part] = part.data
        if all(number in self._parts for number in range(part.parts)):
            data = b"".join(self._parts[number] for number in range(part.parts))
            self._parts = {}
            self._finish(row, data)

    def _look(self) -> None:
        """Begin a question whose moment has come, unless it has begun already."""
        now = self._clock.now()
        order = self._options.order()
        if order is not None and order.leaves_at <= now:
            self._begin(order.asked_at, order.leaves_at)
        if self._options.asks_monthly:
            self._look_at_month(now)

    def _look_at_month(self, now: datetime) -> None:
        """Ask in this month, once its moment has come; never before a day is closed."""
        month = month_of(legal_day(now))
        if self._moment is None or self._moment[0] != month:
            self._moment = month, in_month(self._signer.household, month, "quotes")
        _, moment = self._moment
        has_asked = any(asked_at >= moment for asked_at in self._known())
        if moment <= now and not has_asked and self._vault.values.last_closed() is not None:
            self._begin(moment, moment)

    def _begin(self, asked_at: datetime, leaves_at: datetime) -> None:
        if asked_at in self._known():
            return
        end = legal_day(leaves_at)
        self._keep(QuoteRow(self._options.draw_id(), asked_at, year_before(end), end, b"", None))
        self._asked_at = None
        self._parts, self._due_s, self._pauses = {}, 0.0, ASK_AGAIN.waits_s()

    def _known(self) -> frozenset[datetime]:
        """Return when the questions in the vault were asked; read once after each change."""
        if self._asked_at is None:
            self._asked_at = frozenset(row.asked_at for row in self._vault.catalogue.quotes())
        return self._asked_at

    def _question(self, row: QuoteRow) -> QuoteRequest:
        start, end = day_number(row.start), day_number(row.end)
        return QuoteRequest(self._signer.household.id, row.id, start, end, row.head)

    def _finish(self, row: QuoteRow, data: bytes) -> None:
        answer = decode_body(data, QuoteAnswer)
        asked = day_number(row.start), day_number(row.end)
        if (answer.start, answer.end) != asked or not self._reader.copy.knows(answer.head):
            raise MessageRefused(Reason.BOUNDS, "quotes that were not asked for")
        self._keep(msgspec.structs.replace(row, head=answer.head, answer=data))
        self._open = None
        log.info("quotes_arrived")

    def _keep(self, row: QuoteRow) -> None:
        with self._vault.catalogue_change() as tables:
            tables.put_quote(row)
        self._open = row

    def _topic(self) -> str:
        return device_topic(self._signer.collectivity, self._signer.device, Kind.QUOTE)
