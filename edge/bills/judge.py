"""Checking and opening a statement; pure, the vault's rows are handed in."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta

import msgspec
import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.bills.judgement import Finding, Judgement, OpenedLine, Verdict
from edge.metering.events import DayClosed
from protocol.bill import price_bill
from protocol.calendar import day_number, day_of_number, days_between, month_of
from protocol.contract import Contract, Offer, Signed, StatementRequest, open_document
from protocol.errors import CipherError, DocumentRefused
from protocol.household import Weights, undigits
from protocol.ids import Incarnation
from protocol.layout import MONTH_COEFFICIENTS, coefficient
from protocol.messages import LineSums, Statement
from protocol.seal import SealSecret
from protocol.statement import Component, components

NOBODY = -1
ONE_DAY = timedelta(days=1)


class Span(msgspec.Struct, frozen=True):
    """Which coefficients [j0, j1) of a day the block (incarnation, sequence) carries."""

    incarnation: Incarnation
    sequence: int
    day: date
    j0: int
    j1: int


class Agreement(msgspec.Struct, frozen=True):
    """The household's side of a contract: what it signed, and the offer it took."""

    contract_hash: bytes
    contract: Contract
    offer: Offer


class Books(msgspec.Struct, frozen=True):
    """The chip's own account of a period: closed days, sent blocks, seeds of its epochs."""

    days: Sequence[DayClosed]
    spans: Sequence[Span]
    seed_of: Callable[[Incarnation, date], bytes]


class _Refused(Exception):
    def __init__(self, *findings: Finding) -> None:
        super().__init__(*findings)
        self.findings = findings


def judge(
    statement: Statement, agreement: Agreement, books: Books, secret: SealSecret
) -> Judgement:
    """Check a statement (its signature is verified), open it, and compare it with the books.

    Never raises for what a statement says; the judgement names what is wrong.
    """
    start, end = day_of_number(statement.start), day_of_number(statement.end)
    name = statement.id.hex()
    try:
        _check_request(statement, agreement, start, end)
        parts = _check_lines(statement, agreement, start, end)
        owners = _Owners(statement, books)
        own = _own_days(agreement, books, start, end)
        opened = [
            (part, _open_line(part, sums, owners, books, secret))
            for part, sums in zip(parts, statement.lines, strict=True)
        ]
    except _Refused as exc:
        return Judgement(name, start, end, Verdict.REFUSED, exc.findings)
    except CipherError:
        return Judgement(name, start, end, Verdict.REFUSED, (Finding.AMOUNT_DIFFERS,))
    return _compare(name, (start, end), agreement, opened, own)


def _check_request(statement: Statement, agreement: Agreement, start: date, end: date) -> None:
    contract = agreement.contract
    if (
        statement.contract != agreement.contract_hash
        or statement.household_key != contract.household_key
    ):
        raise _Refused(Finding.CONTRACT_UNKNOWN)
    try:
        signed = msgspec.msgpack.decode(statement.request, type=Signed)
        key = Ed25519PublicKey.from_public_bytes(agreement.offer.provider_key)
        request = open_document(signed, key, StatementRequest)
    except (msgspec.MsgspecError, DocumentRefused) as exc:
        raise _Refused(Finding.REQUEST_FORGED) from exc
    asked = (request.id, request.contract, request.start, request.end)
    if asked != (statement.id, statement.contract, statement.start, statement.end):
        raise _Refused(Finding.REQUEST_FORGED)
    if not contract.start <= start < end or (contract.end is not None and end > contract.end):
        raise _Refused(Finding.OUTSIDE_CONTRACT)


def _check_lines(
    statement: Statement, agreement: Agreement, start: date, end: date
) -> list[Component]:
    try:
        parts = components(agreement.offer.tariffs, start, end)
    except ValueError as exc:
        raise _Refused(Finding.NO_TARIFF) from exc
    expected = [
        (part.tariff, part.line, tuple(day_number(m) for m in part.months())) for part in parts
    ]
    stated = [
        (line.tariff, line.line, tuple(month.month for month in line.months))
        for line in statement.lines
    ]
    if stated != expected:
        raise _Refused(Finding.LINES_DIFFER)
    return parts


class _Owners:
    """For each coefficient of each month, which incarnation's value the statement sums."""

    def __init__(self, statement: Statement, books: Books) -> None:
        known = {(span.incarnation, span.sequence): span for span in books.spans}
        self.incarnations = [Incarnation(cover.incarnation) for cover in statement.covers]
        self._months: dict[date, npt.NDArray[np.int64]] = {}
        for number, cover in enumerate(statement.covers):
            for sequence in cover.sequences:
                span = known.get((Incarnation(cover.incarnation), sequence))
                if span is None:
                    raise _Refused(Finding.BLOCK_UNKNOWN)
                owner = self.month(month_of(span.day))
                first = coefficient(span.day, span.j0)
                part = owner[first : first + span.j1 - span.j0]
                if (part != NOBODY).any():
                    raise _Refused(Finding.DAY_TWICE)
                part[:] = number

    def month(self, month: date) -> npt.NDArray[np.int64]:
        """Return int64[3968]: the position of the cover that owns a coefficient, or NOBODY."""
        return self._months.setdefault(month, np.full(MONTH_COEFFICIENTS, NOBODY, np.int64))

    def split(self, month: date, weights: Weights) -> Iterator[tuple[Incarnation, Weights]]:
        """Split weights by the incarnation that owns their coefficients."""
        owner = self.month(month)
        if (owner[weights != 0] == NOBODY).any():
            raise _Refused(Finding.DAY_MISSING)
        for number, incarnation in enumerate(self.incarnations):
            own = np.where(owner == number, weights, 0)
            if own.any():
                yield incarnation, own


def _open_line(
    part: Component, sums: LineSums, owners: _Owners, books: Books, secret: SealSecret
) -> tuple[int, int]:
    """Return (kWh, amount in price units) of one line over its months."""
    kwh = amount_units = 0
    for month, month_sums in zip(part.months(), sums.months, strict=True):
        kwh += _open(part, month, 1, month_sums.quantity, owners, books, secret)
        amount_units += undigits(
            [
                _open(part, month, digit, total, owners, books, secret)
                for digit, total in zip(part.price_digits, month_sums.amount, strict=True)
            ]
        )
    return kwh, amount_units


def _open(
    part: Component,
    month: date,
    weight: int,
    total: int,
    owners: _Owners,
    books: Books,
    secret: SealSecret,
) -> int:
    terms = [
        (books.seed_of(incarnation, month), own)
        for incarnation, own in owners.split(month, part.weights(month, weight))
    ]
    return secret.open_sum(total, terms)


def _own_days(agreement: Agreement, books: Books, start: date, end: date) -> dict[date, DayClosed]:
    """Return the chip's own closed days of the period, all of them, under the tariffs' calendar."""
    own = {row.day: row for row in books.days}
    if any(day not in own for day in days_between(start, end)):
        raise _Refused(Finding.DAY_NOT_CLOSED)
    for tariff in agreement.offer.tariffs:
        part = tariff.covers(start, end) or (start, start)
        # A day rebuilt from the cloud has no calendar until the meter has named it again.
        calendars = {name for day in days_between(*part) for name in _calendars(own[day])}
        if calendars - {tariff.calendar, ""}:
            raise _Refused(Finding.CALENDAR_DIFFERS)
    return own


def _calendars(closed: DayClosed) -> set[str]:
    """Return the calendars under which steps of a day were counted, and the one at its end."""
    parts = {part.calendar for part in closed.parts if any(part.register_steps_kwh)}
    return {closed.calendar, *parts}


def _compare(
    name: str,
    period: tuple[date, date],
    agreement: Agreement,
    opened: Sequence[tuple[Component, tuple[int, int]]],
    own: dict[date, DayClosed],
) -> Judgement:
    start, end = period
    tariffs = agreement.offer.tariffs
    quantities: dict[tuple[int, int], int] = {}
    lines: list[OpenedLine] = []
    findings: list[Finding] = []
    for part, (kwh, amount_units) in opened:
        line = tariffs[part.position].energy[part.line]
        own_kwh = sum(
            own[day].register_steps_kwh[register - 1]
            for day in days_between(part.start, part.end)
            for register in part.registers
        )
        quantities[part.position, part.line] = own_kwh
        lines.append(OpenedLine(line.name, kwh, own_kwh, amount_units))
        if kwh != own_kwh:
            findings.append(Finding.QUANTITY_DIFFERS)
        if amount_units != kwh * line.price_units:
            findings.append(Finding.AMOUNT_DIFFERS)
    verdict = Verdict.DIFFERS if findings else Verdict.CORRECT
    if not own[end - ONE_DAY].is_index_read:
        findings.append(Finding.INDEX_NOT_READ)
    bill = price_bill(tariffs, start, end, quantities)
    unique = tuple(dict.fromkeys(findings))
    return Judgement(name, start, end, verdict, unique, bill, tuple(lines))
