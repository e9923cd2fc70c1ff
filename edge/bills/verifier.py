"""Judges statements: reads the vault, returns the verdict, stores billed statements."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

import msgspec
import structlog

from edge.bills.billed import BilledDays, billed_row
from edge.bills.judge import judge
from edge.bills.judgement import Finding, Judgement, Verdict
from edge.bills.readings import LocalReadings, MeterUnknown, Span
from edge.contracts.listed import Contracts
from edge.vault.billed import BilledRow
from edge.vault.keyring import Keyring
from edge.vault.rows import BlockRow, BlockState, DayRow, EpochRow, Metered, StatementRow
from edge.vault.sums import SumOpener
from protocol.calendar import day_of_number
from protocol.ids import Incarnation
from protocol.json_text import read_json
from protocol.keys import HouseholdSecret
from protocol.messages import Statement

log = structlog.get_logger()


class VerifierStore(Protocol):
    """The vault as the verifier uses it: reads, and one write."""

    def day_rows(self, start: date, end: date) -> Sequence[DayRow]:
        """Return the closed days of [start, end)."""

    def metered(self) -> Metered:
        """Return the meters that have counted."""

    def blocks_between(self, start: date, end: date) -> Sequence[BlockRow]:
        """Return the blocks of the days [start, end)."""

    def curve(self, day: date) -> Sequence[int]:
        """Return the energy of each quarter-hour of a day, in Wh."""

    def epoch(self, incarnation: Incarnation, month: date) -> EpochRow:
        """Return an epoch's seed and the id of its keys."""

    def billed(self) -> Sequence[BilledRow]:
        """Return the billed statements, in the order in which they were billed."""

    def keep_billed(self, row: BilledRow) -> None:
        """Record a statement as billed, permanently."""


class StatementVerifier:
    """Judges statements under the household's contracts. Its findings stay on the chip."""

    def __init__(
        self,
        store: VerifierStore,
        household: HouseholdSecret,
        keyring: Keyring,
        contracts: Contracts,
    ) -> None:
        """Judge each statement under the contract that it names, and refuse unknown contracts."""
        self._store = store
        self._household = household
        self._sums = SumOpener(store.epoch, keyring)
        self._contracts = contracts

    def judge(self, statement: Statement) -> str | None:
        """Judge a statement whose signature is verified; return a `Judgement` as JSON.

        A correct statement bills its days. Returns None while it is unknown which meter counted:
        nothing is billed, and the statement must be judged again.
        """
        try:
            judgement = self._judgement(statement)
        except MeterUnknown:
            return None
        if judgement.verdict is Verdict.CORRECT and judgement.bill is not None:
            self._store.keep_billed(billed_row(statement, judgement.bill))
        return msgspec.json.encode(judgement).decode()

    def _judgement(self, statement: Statement) -> Judgement:
        start, end = day_of_number(statement.start), day_of_number(statement.end)
        first = min(start, self._first_day(statement))
        agreement = self._contracts.agreement(statement.contract)
        if agreement is None:
            unknown = (Finding.CONTRACT_UNKNOWN,)
            return Judgement(statement.id.hex(), start, end, Verdict.REFUSED, unknown)
        readings = LocalReadings(
            [row.closed for row in self._store.day_rows(first, end)],
            [
                Span(
                    block.incarnation,
                    block.sequence,
                    block.day,
                    block.j0,
                    block.j1,
                    is_stored=block.state is BlockState.STORED,
                )
                for block in self._store.blocks_between(first, end)
                if block.state is not BlockState.SUPERSEDED
            ],
            self._sums,
            self._store.curve,
            self._contracts.meters(self._store.metered(), self._household.meter_fingerprint),
            BilledDays.read(self._store.billed()),
        )
        listed = self._contracts.listed_for(agreement)
        return judge(statement, agreement, listed, readings)

    @staticmethod
    def _first_day(statement: Statement) -> date:
        """Return the first day of the statement's lines; late days lie before its start."""
        months = [month.month for line in statement.lines for month in line.months]
        return day_of_number(min(months, default=statement.start))


def read_judgement(row: StatementRow) -> Judgement | None:
    """Read a stored judgement; None if there is none yet, or this version cannot read it."""
    if row.verdict is None:
        return None
    try:
        return read_json(row.verdict, Judgement)
    except msgspec.MsgspecError:
        log.warning("verdict_unreadable", statement=row.id.hex())
        return None
