"""Makes each receipt once, stores it, and sends it until the cloud acknowledges it.

No threads, no sockets. `edge.bills.receipts` decides whether a receipt may leave; its inputs are in
the vault, so a restart changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

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
from edge.mqtt.moments import in_next_day
from edge.mqtt.retry import RESEND
from edge.vault.commitments import CommittedDay
from edge.vault.receipts import OwnReceiptRow
from edge.vault.rows import DayRow
from protocol.backoff import RetryTimer
from protocol.calendar import day_number, month_of
from protocol.envelope import open_message
from protocol.errors import CipherError, MessageRefused, Reason
from protocol.json_text import read_json
from protocol.layout import DAY_COEFFICIENTS
from protocol.messages import Statement
from protocol.packed import read_packed
from protocol.receipt import Receipt, ReceiptAck
from protocol.topics import Kind, device_topic

LOOK_S = 2.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ReceiptOptions:
    """Options of the receipt lane.

    Attributes:
        token: returns the household's latest release token, empty while there is none.
        moment: draws when a receipt that is made now leaves.
    """

    token: Callable[[], str]
    moment: Callable[[datetime], datetime] = in_next_day


@dataclass(slots=True)
class _Candidate:
    """A correct statement without a receipt; `why`: the reason at the last check."""

    judgement: Judgement
    inputs: ReceiptInputs
    why: Hold | None = Hold.NOT_STORED


@dataclass(slots=True)
class _Unsent:
    """A receipt without an ack; `timer` is there from the moment on which it leaves."""

    leaves_at: datetime
    timer: RetryTimer | None = None


class ReceiptLane(MessageHandler):
    """One chip's receipts over its vault."""

    kinds = frozenset({Kind.RECEIPT_ACK})

    def __init__(
        self,
        context: HandlerContext,
        contracts: Contracts,
        options: ReceiptOptions,
    ) -> None:
        """Continue with the vault's receipts; `contracts` decide whether new ones may leave."""
        self._signer, self._platform_key = context.signer, context.platform_key
        self._vault, self._clock = context.vault, context.clock
        self._rules = ReceiptRules(context.signer, context.platform_key, context.vault, contracts)
        self._set_aside = context.set_aside
        self._options = options
        self._look_s = 0.0
        self._unsent: dict[bytes, _Unsent] = {}
        self._candidates: dict[bytes, _Candidate] = {}

    @property
    def is_drained(self) -> bool:
        """Whether no receipt is under way and none waits only for its days' blocks to be stored.

        One that leaves later is in the vault: a chip at the end of a capture does not wait for it.
        """
        waits = [candidate.why is Hold.NOT_STORED for candidate in self._candidates.values()]
        now = self._clock.now()
        return not any(waits) and all(unsent.leaves_at > now for unsent in self._unsent.values())

    def open(self) -> None:
        """See `MessageHandler.open`."""
        unsent = self._vault.receipts.unsent()
        self._unsent = {statement: _Unsent(leaves_at) for statement, leaves_at in unsent.items()}
        self._open_candidates()

    def connect(self) -> None:
        """See `MessageHandler.connect`."""
        now_s = self._clock.monotonic_s()
        for unsent in self._unsent.values():
            if unsent.timer is not None:
                unsent.timer.restart(now_s)

    def judging(self, judge: OnStatement) -> OnStatement:
        """Return `judge`, wrapped so that this lane sees each verdict."""

        def judge_and_notify(statement: Statement) -> str | None:
            verdict = judge(statement)
            if verdict is not None:
                judged = partial(self.judged, statement, verdict)
                self._set_aside.handle(Kind.RECEIPT, statement.id, judged, None)
            return verdict

        return judge_and_notify

    def judged(self, statement: Statement, verdict: str) -> None:
        """Record a mismatch, or make a correct statement a candidate for a receipt."""
        judgement = read_json(verdict, Judgement)
        if is_mismatch(judgement):
            with self._vault.receipt_change() as receipts:
                receipts.put_mismatch(statement.id)
        self._consider(statement, judgement)

    def take(self, message: InboundMessage) -> None:
        """Finish the receipts that the cloud has stored; see `MessageHandler.take`."""
        ack = open_message(message.address, message.payload, self._platform_key, ReceiptAck)
        if ack.household_key != self._signer.household.id:
            raise MessageRefused(Reason.TOPIC, "another household's")
        stored = [statement for statement in ack.statements if statement in self._unsent]
        if stored:
            with self._vault.receipt_change() as receipts:
                for statement in stored:
                    receipts.finish(statement)
        for statement in stored:
            del self._unsent[statement]

    def outgoing(self, now_s: float) -> list[Publish]:
        """See `MessageHandler.outgoing`."""
        if now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            self._read_token()
            self._look()
            self._let_leave(now_s)
        out = []
        for statement, unsent in list(self._unsent.items()):
            if unsent.timer is None or unsent.timer.due_s > now_s:
                continue
            body = self._vault.receipts.body(statement)
            if body is None:
                del self._unsent[statement]
                continue
            unsent.timer.sent(now_s, RESEND)
            receipt = read_packed(body, Receipt)
            payload = self._signer.seal(Kind.RECEIPT, receipt)
            out.append(Publish(self._topic(), payload))
        return out

    def _open_candidates(self) -> None:
        """Consider the statements that were judged before this process began."""
        for statement, judgement in self._rules.without_receipt():
            consider = partial(self._consider, statement, judgement)
            self._set_aside.handle(Kind.RECEIPT, statement.id, consider, None)

    def _consider(self, statement: Statement, judgement: Judgement) -> None:
        is_correct = judgement.verdict is Verdict.CORRECT
        if not is_correct or statement.id in self._vault.receipts.states():
            return
        inputs = self._rules.inputs(statement)
        if inputs is not None:
            self._candidates[statement.id] = _Candidate(judgement, inputs)

    def _read_token(self) -> None:
        token = self._options.token()
        if token and not self._vault.receipts.is_known(token):
            with self._vault.receipt_change() as receipts:
                receipts.release(token)

    def _let_leave(self, now_s: float) -> None:
        """Begin to send the receipts whose moment has come."""
        now = self._clock.now()
        for unsent in self._unsent.values():
            if unsent.leaves_at <= now and unsent.timer is None:
                unsent.timer = RetryTimer(now_s)

    def _look(self) -> None:
        """Make the receipts that nothing holds back."""
        for statement, candidate in list(self._candidates.items()):
            look = partial(self._look_at, statement, candidate)
            self._set_aside.handle(Kind.RECEIPT, statement, look, None)

    def _look_at(self, statement: bytes, candidate: _Candidate) -> None:
        rows = self._rules.rows(candidate.inputs)
        candidate.why = self._rules.hold(candidate.inputs, candidate.judgement, rows)
        if candidate.why is None:
            self._make(candidate, rows)
        if candidate.why not in PASSING:
            del self._candidates[statement]

    def _make(self, candidate: _Candidate, rows: list[DayRow]) -> None:
        inputs, bill = candidate.inputs, candidate.judgement.bill
        if bill is None:
            return
        signer = self._signer
        try:
            days = {row.closed.day: self._committed(row) for row in rows}
            receipt = make_receipt(signer.collectivity, signer.household.id, inputs, bill, days)
        except CipherError as exc:  # billing continues
            log.error("receipt_failed", why=str(exc))  # noqa: TRY400 - dealt with
            return
        row = OwnReceiptRow(
            inputs.request.id,
            inputs.contract_hash,
            is_short_period(inputs),
            msgspec.msgpack.encode(receipt),
            self._options.moment(self._clock.now()),
        )
        with self._vault.receipt_change() as receipts:
            receipts.put(row, [day_number(day) for day in inputs.days])
        self._unsent[row.statement] = _Unsent(row.leaves_at)

    def _committed(self, row: DayRow) -> CommittedDay:
        """Return a day with the keys of the block that closes it, which has the commitment."""
        closing = next(block for block in row.blocks if block.j1 == DAY_COEFFICIENTS)
        epoch = self._vault.epoch(closing.incarnation, month_of(row.closed.day))
        keys = self._signer.keyring.with_id(epoch.keys)
        if keys is None:
            raise CipherError("the keys of a day are gone")
        return CommittedDay(row.closed, keys)

    def _topic(self) -> str:
        return device_topic(self._signer.collectivity, self._signer.device, Kind.RECEIPT)
