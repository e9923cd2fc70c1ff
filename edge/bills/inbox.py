"""Checks, stores, judges and acknowledges statements as they arrive."""

from collections.abc import Callable
from functools import partial

import structlog

from edge.bills.verifier import read_judgement
from edge.identity.platform_keys import for_stored
from edge.mqtt.handler import DeliveryReceipts, HandlerContext, InboundMessage, MessageHandler
from edge.mqtt.message import Publish
from protocol.envelope import Address, open_message
from protocol.errors import MessageRefused, Reason
from protocol.messages import Statement
from protocol.topics import Kind

OnStatement = Callable[[Statement], str | None]

LOOK_S = 10.0

log = structlog.get_logger()


class StatementInbox(MessageHandler):
    """Stores statements in the vault; `on_statement` judges one and returns its verdict as JSON.

    A statement without a verdict waits in the vault and is judged again, also after a restart.
    """

    kinds = frozenset({Kind.STATEMENT})

    def __init__(
        self,
        context: HandlerContext,
        seen: DeliveryReceipts,
        on_statement: OnStatement,
    ) -> None:
        """Accept statements for the signer's household that the platform signed."""
        self._signer, self._platform_key = context.signer, context.platform_key
        self._vault, self._clock = context.vault, context.clock
        self._set_aside = context.set_aside
        self._seen = seen
        self._on_statement = on_statement
        self._look_s = 0.0
        self._waiting: dict[bytes, tuple[Statement, bytes]] = {}
        self._postponed: set[bytes] = set()

    def open(self) -> None:
        """See `MessageHandler.open`."""
        for row in self._vault.statements():
            if read_judgement(row) is None:
                wait = partial(self._wait_for, row.payload)
                self._set_aside.part("statements", wait, None)

    def outgoing(self, now_s: float) -> list[Publish]:
        """See `MessageHandler.outgoing`."""
        if self._waiting and now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            for statement, payload in list(self._waiting.values()):
                judge = partial(self._judge, statement, payload)
                self._set_aside.handle(Kind.STATEMENT, payload, judge, None)
        return []

    def take(self, message: InboundMessage) -> None:
        """See `MessageHandler.take`."""
        payload = message.payload
        if not payload:
            return  # the cloud has withdrawn it
        statement = open_message(message.address, payload, self._platform_key, Statement)
        if statement.household_key != self._signer.household.id:
            raise MessageRefused(Reason.TOPIC, "another household's")
        if statement.id.hex() != message.rest:
            raise MessageRefused(Reason.TOPIC, "the topic names another statement")
        self._vault.save_statement(statement.id, self._clock.now(), payload, None)
        self._seen.add(statement.id)
        self._waiting[statement.id] = statement, payload
        self._judge(statement, payload)

    def _judge(self, statement: Statement, payload: bytes) -> None:
        verdict = self._on_statement(statement)
        if verdict is None:
            if statement.id not in self._postponed:
                log.info("judgement_postponed")
            self._postponed.add(statement.id)
        else:
            self._vault.save_statement(statement.id, self._clock.now(), payload, verdict)
            self._waiting.pop(statement.id, None)
            self._postponed.discard(statement.id)

    def _wait_for(self, payload: bytes) -> None:
        statement = self._reopen(payload)
        if statement is not None:
            self._waiting[statement.id] = statement, payload

    def _reopen(self, payload: bytes) -> Statement | None:
        """Open a statement that an earlier process or a former chip stored; None if impossible."""
        signer = self._signer
        own = signer.collectivity, signer.device
        for collectivity, device in (
            own,
            *((chip.collectivity, chip.device) for chip in signer.former),
        ):
            address = Address(collectivity, device, Kind.STATEMENT)
            try:
                return open_message(address, payload, for_stored(self._platform_key), Statement)
            except MessageRefused:
                continue
        return None
