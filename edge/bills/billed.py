"""Which days are billed, and what the next statement may bill. Pure: the caller passes rows in.

A statement judged correct bills its period. A day is billed once, whatever contract, identity or
id asks for it again. A day that is left out is owed, and may be billed late, once.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Self

import msgspec

from edge.bills.judgement import ContractDays, CreditNote, Finding
from edge.vault.billed import BilledRow
from protocol.bill import CENT, Bill
from protocol.calendar import day_of_number
from protocol.contract import Signed, StatementRequest
from protocol.messages import Statement
from protocol.packed import read_packed


class _BilledStatement(msgspec.Struct, frozen=True):
    request: StatementRequest
    body: bytes
    total_cents: int


class BilledDays(msgspec.Struct, frozen=True):
    """The chip's ledger of billed statements, in the order in which they were billed.

    `owed`: the days that billed statements left out and no other has billed since, each with its
    contract.
    """

    statements: dict[bytes, _BilledStatement]
    owed: dict[date, bytes]

    @classmethod
    def read(cls, rows: Iterable[BilledRow]) -> Self:
        """Read the vault's rows."""
        statements: dict[bytes, _BilledStatement] = {}
        owed: dict[date, bytes] = {}
        for row in rows:
            request = read_packed(row.request, StatementRequest)
            statements[row.statement] = _BilledStatement(request, row.request, row.total_cents)
            for number in request.late:
                owed.pop(day_of_number(number), None)
            if request.corrects is None:
                left_out = (day_of_number(number) for number in request.without)
                owed.update(dict.fromkeys(left_out, request.contract))
        return cls(statements, owed)

    def objection(self, request: StatementRequest, body: bytes) -> Finding | None:
        """Return why a statement may not be opened; `body` holds the request's exact bytes."""
        known = self.statements.get(request.id)
        if known is not None:
            return None if known.body == body else Finding.ALREADY_BILLED
        if request.corrects is not None:
            return None if self._is_correction(request) else Finding.CORRECTION_UNFOUNDED
        for billed in self.statements.values():
            if billed.request.start < request.end and request.start < billed.request.end:
                return Finding.ALREADY_BILLED
        owing = {day for day, contract in self.owed.items() if contract == request.contract}
        late = {day_of_number(number) for number in request.late}
        return None if late <= owing else Finding.LATE_NOT_OWED

    def days_under_another(self, request: StatementRequest) -> ContractDays | None:
        """Return the first billed days of this period that belong to another contract, if any."""
        for statement in self.statements.values():
            billed = statement.request
            is_other = billed.contract != request.contract
            if is_other and billed.start < request.end and request.start < billed.end:
                start, end = day_of_number(billed.start), day_of_number(billed.end)
                return ContractDays(billed.contract.hex(), start, end)
        return None

    def still_owed(self, request: StatementRequest) -> tuple[date, ...]:
        """Return the contract's days before the period that remain owed once this is billed."""
        start = day_of_number(request.start)
        return tuple(
            sorted(
                day
                for day, contract in self.owed.items()
                if contract == request.contract and day < start and day not in request.days
            )
        )

    def gap(self, request: StatementRequest) -> tuple[date, date] | None:
        """Return the days [first, end) between the last billed period and this one, if any."""
        ends = [
            billed.request.end
            for billed in self.statements.values()
            if billed.request.contract == request.contract and billed.request.end <= request.start
        ]
        if not ends or max(ends) == request.start:
            return None
        return day_of_number(max(ends)), day_of_number(request.start)

    def credit(self, request: StatementRequest, bill: Bill) -> CreditNote | None:
        """Return what a correction changes; None for a statement that corrects no other."""
        if request.corrects is None:
            return None
        former = self.statements[request.corrects].total_cents * CENT
        return CreditNote(request.corrects.hex(), former, bill.total_ttc, bill.total_ttc - former)

    def _is_correction(self, request: StatementRequest) -> bool:
        """Return whether a request is the first to replace a billed statement of the same days."""
        original = self.statements.get(request.corrects or b"")
        if original is None or original.request.corrects is not None:
            return False
        if any(billed.request.corrects == request.corrects for billed in self.statements.values()):
            return False
        return _days_billed(original.request) == _days_billed(request)


def billed_row(statement: Statement, bill: Bill) -> BilledRow:
    """Return the row that records a correct statement as billed."""
    request = read_packed(statement.request, Signed).body
    return BilledRow(statement.id, request, int(bill.total_ttc / CENT))


def _days_billed(request: StatementRequest) -> tuple[object, ...]:
    return request.contract, request.start, request.end, request.without, request.late


def runs(days: Iterable[date]) -> list[tuple[date, date]]:
    """Join days into ordered runs (first, last)."""
    joined: list[tuple[date, date]] = []
    for day in sorted(days):
        if joined and joined[-1][1] + timedelta(days=1) == day:
            joined[-1] = (joined[-1][0], day)
        else:
            joined.append((day, day))
    return joined
