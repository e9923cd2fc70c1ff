"""Receipts on their way out: made once, kept, sent until the cloud says that it holds them.

No threads, no sockets. Whether one may leave is `edge.bills.receipts`' to say; what it says so by
is in the vault, so that a restart changes nothing.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import structlog

from edge.bills.inbox import OnStatement
from edge.bills.judgement import Judgement, Verdict
from edge.bills.receipt_rules import ReceiptRules
from edge.bills.receipts import (
    PASSING,
    Hold,
    ReceiptInputs,
    is_mismatch,
    is_short_period,
    make_receipt,
)
from edge.contracts.listed import Contracts
from edge.mqtt.handler import HandlerContext, InboundMessage, MessageHandler
from edge.mqtt.message import Publish
from edge.mqtt.retry import RESEND
from edge.vault.receipts import OwnReceiptRow
from edge.vault.rows import DayRow
from protocol.backoff import RetryTimer
from protocol.calendar import day_number
from protocol.envelope import open_message
from protocol.errors import CipherError, MessageRefused, Reason
from protocol.json_text import read_json
from protocol.messages import Statement
from protocol.receipt import Receipt, ReceiptAck
from protocol.topics import Kind, device_topic

LOOK_S = 2.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ReceiptOptions:
    """What the lane is given.

    Attributes:
        word: the household's latest word that receipts may go again, empty while it has said none.
        send_window_s: a receipt goes out after a random part of this.
    """

    token: Callable[[], str]
    send_window_s: float = 0.0


@dataclass(slots=True)
class _Candidate:
    """A correct statement that has no receipt yet; `why`: what held it back at the last look."""

    judgement: Judgement
    grounds: ReceiptInputs
    why: Hold | None = Hold.NOT_STORED


class ReceiptLane(MessageHandler):
    """One chip's receipts over its vault."""

    kinds = frozenset({Kind.RECEIPT_ACK})

    def __init__(
        self,
        context: HandlerContext,
        contracts: Contracts,
        options: ReceiptOptions,
    ) -> None:
        """Go on with what the vault holds; receipts are given under `contracts`."""
        self._signer, self._platform_key = context.signer, context.platform_key
        self._vault, self._clock = context.vault, context.clock
        self._rules = ReceiptRules(context.signer, context.platform_key, context.vault, contracts)
        self._options = options
        self._rng = random.SystemRandom()
        self._look_s = 0.0
        self._flights: dict[bytes, RetryTimer] = {}
        self._candidates: dict[bytes, _Candidate] = {}

    @property
    def is_drained(self) -> bool:
        """Whether there is no receipt to send, and none that waits for its days' blocks alone."""
        waits = [each.why is Hold.NOT_STORED for each in self._candidates.values()]
        return not self._flights and not any(waits)

    def open(self) -> None:
        """See `MessageHandler.open`."""
        now_s = self._clock.monotonic_s()
        self._flights = {
            statement: RetryTimer(now_s) for statement in self._vault.receipts.unsent()
        }
        self._open_candidates()

    def connect(self) -> None:
        """See `MessageHandler.connect`."""
        now_s = self._clock.monotonic_s()
        for flight in self._flights.values():
            flight.restart(now_s)

    def judging(self, judge: OnStatement) -> OnStatement:
        """Return `judge`, with an ear for what it finds."""

        def heard(statement: Statement) -> str | None:
            verdict = judge(statement)
            if verdict is not None:
                self.judged(statement, verdict)
            return verdict

        return heard

    def judged(self, statement: Statement, verdict: str) -> None:
        """Take note of what the chip found about a statement."""
        judgement = read_json(verdict, Judgement)
        if is_mismatch(judgement):
            with self._vault.receipt_change() as receipts:
                receipts.put_mismatch(statement.id)
        self._consider(statement, judgement)

    def take(self, message: InboundMessage) -> None:
        """Take the cloud's word on which receipts it holds; see `MessageHandler.take`."""
        ack = open_message(message.address, message.payload, self._platform_key, ReceiptAck)
        if ack.household_key != self._signer.household.id:
            raise MessageRefused(Reason.TOPIC, "another household's")
        held = [statement for statement in ack.statements if statement in self._flights]
        if held:
            with self._vault.receipt_change() as receipts:
                for statement in held:
                    receipts.finish(statement)
        for statement in held:
            del self._flights[statement]

    def outgoing(self, now_s: float) -> list[Publish]:
        """See `MessageHandler.outgoing`."""
        if now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            self._take_word()
            self._look(now_s)
        out = []
        for statement, flight in list(self._flights.items()):
            if flight.due_s > now_s:
                continue
            body = self._vault.receipts.body(statement)
            if body is None:
                del self._flights[statement]
                continue
            flight.sent(now_s, RESEND)
            receipt = msgspec.msgpack.decode(body, type=Receipt)
            payload = self._signer.seal(Kind.RECEIPT, receipt)
            out.append(Publish(self._topic(), payload))
        return out

    def _open_candidates(self) -> None:
        """Take up the statements that were judged before this process began."""
        for statement, judgement in self._rules.without_receipt():
            self._consider(statement, judgement)

    def _consider(self, statement: Statement, judgement: Judgement) -> None:
        is_correct = judgement.verdict is Verdict.CORRECT
        if not is_correct or statement.id in self._vault.receipts.states():
            return
        grounds = self._rules.grounds(statement)
        if grounds is not None:
            self._candidates[statement.id] = _Candidate(judgement, grounds)

    def _take_word(self) -> None:
        token = self._options.token()
        if token and not self._vault.receipts.is_known(token):
            with self._vault.receipt_change() as receipts:
                receipts.release(token)

    def _look(self, now_s: float) -> None:
        """Make the receipts that may leave by now."""
        for statement, candidate in list(self._candidates.items()):
            rows = self._rules.rows(candidate.grounds)
            candidate.why = self._rules.hold(candidate.grounds, candidate.judgement, rows)
            if candidate.why is None and self._make(candidate, rows):
                due_s = now_s + self._rng.uniform(0, self._options.send_window_s)
                self._flights[statement] = RetryTimer(due_s)
            if candidate.why not in PASSING:
                del self._candidates[statement]

    def _make(self, candidate: _Candidate, rows: list[DayRow]) -> bool:
        grounds, bill = candidate.grounds, candidate.judgement.bill
        if bill is None:
            return False
        days = {row.closed.day: row.closed for row in rows}
        signer = self._signer
        try:
            receipt = make_receipt(signer.collectivity, signer.household, grounds, bill, days)
        except CipherError as exc:  # bills go on
            log.error("receipt_failed", why=str(exc))  # noqa: TRY400 - dealt with
            return False
        row = OwnReceiptRow(
            grounds.request.id,
            grounds.contract_hash,
            is_short_period(grounds),
            msgspec.msgpack.encode(receipt),
        )
        with self._vault.receipt_change() as receipts:
            receipts.put(row, [day_number(day) for day in grounds.days])
        return True

    def _topic(self) -> str:
        return device_topic(self._signer.collectivity, self._signer.device, Kind.RECEIPT)
