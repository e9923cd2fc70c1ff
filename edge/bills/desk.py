"""Statements at the chip: taken in, judged against the vault's books, kept with the verdict."""

from datetime import date, datetime
from typing import Protocol

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.bills.judge import Agreement, Books, Span, judge
from edge.bills.judgement import Finding, Judgement, Verdict
from edge.vault.rows import BlockState, DayRow, StatementRow, StoredBlock
from edge.vault.signer import Signer
from protocol.calendar import day_of_number
from protocol.envelope import Address, open_message
from protocol.errors import MessageRefused, Reason
from protocol.ids import Incarnation
from protocol.messages import Seen, Statement
from protocol.topics import Kind

# What a chip may find while its books are being rebuilt; judged again when a day closes.
PASSING = frozenset({Finding.BLOCK_UNKNOWN, Finding.DAY_NOT_CLOSED})

log = structlog.get_logger()


class Ledger(Protocol):
    """What the desk needs of the vault."""

    def day_rows(self, start: date, end: date) -> list[DayRow]: ...  # noqa: D102
    def blocks_between(self, start: date, end: date) -> list[StoredBlock]: ...  # noqa: D102
    def epoch_seeds(self, incarnation: Incarnation, month: date) -> bytes: ...  # noqa: D102
    def statements(self) -> list[StatementRow]: ...  # noqa: D102

    def save_statement(  # noqa: D102
        self, statement_id: bytes, received_at: datetime, payload: bytes, verdict: str | None
    ) -> None: ...


class Desk:
    """Takes statements in. What it finds stays on the chip: all that goes out is that one came."""

    def __init__(
        self,
        vault: Ledger,
        signer: Signer,
        platform_key: Ed25519PublicKey,
        agreement: Agreement | None,
    ) -> None:
        """Judge under `agreement`; without one every statement is refused."""
        self._vault = vault
        self._signer = signer
        self._platform_key = platform_key
        self._agreement = agreement

    def receive(self, topic_id: str, payload: bytes, at: datetime) -> Seen:
        """Keep a statement and judge it; returns what is to be sent, whatever was found.

        `topic_id` is the id in the topic.

        Raises:
            MessageRefused: it is not the platform's, not this chip's, or not in its one form.
        """
        statement = self._open(payload)
        if statement.id.hex() != topic_id:
            raise MessageRefused(Reason.TOPIC, "another statement's topic")
        self._judge(statement, payload, at)
        return Seen(self._signer.household.id, statement.id)

    def judge_again(self, at: datetime) -> None:
        """Judge again what was refused for books that may have been incomplete."""
        for row in self._vault.statements():
            judgement = read_judgement(row)
            if judgement is None or PASSING.intersection(judgement.findings):
                self._judge(self._open(row.payload), row.payload, at)

    def _open(self, payload: bytes) -> Statement:
        address = Address(self._signer.collectivity, self._signer.device, Kind.STATEMENT)
        return open_message(address, payload, self._platform_key, Statement)

    def _judge(self, statement: Statement, payload: bytes, at: datetime) -> None:
        judgement = self._judgement(statement)
        self._vault.save_statement(
            statement.id, at, payload, msgspec.json.encode(judgement).decode()
        )
        log.info("statement_judged", statement=judgement.statement)

    def _judgement(self, statement: Statement) -> Judgement:
        start, end = day_of_number(statement.start), day_of_number(statement.end)
        if self._agreement is None:
            found = (Finding.CONTRACT_UNKNOWN,)
            return Judgement(statement.id.hex(), start, end, Verdict.REFUSED, found)
        books = Books(
            [row.closed for row in self._vault.day_rows(start, end)],
            [
                Span(block.incarnation, block.sequence, block.day, block.j0, block.j1)
                for block in self._vault.blocks_between(start, end)
                if block.state is not BlockState.SUPERSEDED
            ],
            self._vault.epoch_seeds,
        )
        return judge(statement, self._agreement, books, self._signer.household.seal)


def read_judgement(row: StatementRow) -> Judgement | None:
    """Read what the chip found, None if it has not looked yet."""
    return None if row.verdict is None else msgspec.json.decode(row.verdict, type=Judgement)
