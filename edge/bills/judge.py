"""Checking and opening a statement; pure, the vault's rows are handed in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

import msgspec
import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.bills.judgement import Finding, Judgement, OpenedLine, Verdict
from edge.metering.events import DayClosed
from protocol.bill import Energy, price_bill
from protocol.calendar import day_number, day_of_number, month_of
from protocol.contract import (
    Acceptance,
    Contract,
    Offer,
    Signed,
    StatementRequest,
    check_request,
    open_document,
)
from protocol.errors import CipherError, DocumentRefused
from protocol.household import Weights, undigits
from protocol.ids import Incarnation
from protocol.layout import (
    INJECTED_STEP,
    MONTH_COEFFICIENTS,
    REGISTER_STEP,
    REGISTERS,
    coefficient,
)
from protocol.messages import LineSums, Statement
from protocol.schedule import ScheduleMissing, Schedules
from protocol.seal import SealSecret
from protocol.statement import Component, components
from protocol.tariff import RegisterLine

NOBODY = -1


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


class Shelf(msgspec.Struct, frozen=True):
    """The listed documents that the chip holds: offers that extend the contract's, schedules."""

    extensions: Mapping[bytes, Offer]
    schedules: Schedules


class Books(msgspec.Struct, frozen=True):
    """The chip's own account of a statement's days.

    Closed days, sent blocks, seeds of its epochs, and the curve of a day: Wh of each of its
    quarter-hours.
    """

    days: Sequence[DayClosed]
    spans: Sequence[Span]
    seed_of: Callable[[Incarnation, date], bytes]
    curve_of: Callable[[date], Sequence[int]]


class _Refused(Exception):
    def __init__(self, *findings: Finding) -> None:
        super().__init__(*findings)
        self.findings = findings


def judge(
    statement: Statement, agreement: Agreement, shelf: Shelf, books: Books, secret: SealSecret
) -> Judgement:
    """Check a statement (its signature is verified), open it, and compare it with the books.

    Never raises for what a statement says; the judgement names what is wrong.
    """
    start, end = day_of_number(statement.start), day_of_number(statement.end)
    name = statement.id.hex()
    try:
        request = _check_request(statement, agreement)
        offer = _offer_of(request, agreement, shelf)
        parts = _check_lines(statement, request, offer, shelf.schedules)
        owners = _Owners(statement, books)
        own = _own_days(parts, offer, request, books)
        opened = [
            (part, _open_line(part, sums, owners, books, secret))
            for part, sums in zip(parts, statement.lines, strict=True)
        ]
    except _Refused as exc:
        return Judgement(name, start, end, Verdict.REFUSED, exc.findings)
    except CipherError:
        return Judgement(name, start, end, Verdict.REFUSED, (Finding.AMOUNT_DIFFERS,))
    return _compare(name, request, offer, opened, _Own(books, own))


def _check_request(statement: Statement, agreement: Agreement) -> StatementRequest:
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
        check_request(request)
        accepted = msgspec.msgpack.decode(statement.acceptance, type=Signed)
        acceptance = open_document(accepted, key, Acceptance)
    except (msgspec.MsgspecError, DocumentRefused) as exc:
        raise _Refused(Finding.REQUEST_FORGED) from exc
    if acceptance.contract != agreement.contract_hash:
        raise _Refused(Finding.REQUEST_FORGED)
    asked = (request.id, request.contract, request.start, request.end)
    if asked != (statement.id, statement.contract, statement.start, statement.end):
        raise _Refused(Finding.REQUEST_FORGED)
    first = min(day_of_number(request.start), request.days[0])
    end = day_of_number(request.end)
    if first < contract.start or (contract.end is not None and end > contract.end):
        raise _Refused(Finding.OUTSIDE_CONTRACT)
    return request


def _offer_of(request: StatementRequest, agreement: Agreement, shelf: Shelf) -> Offer:
    if request.offer == agreement.contract.offer:
        return agreement.offer
    extension = shelf.extensions.get(request.offer)
    if extension is None or not agreement.contract.follows:
        raise _Refused(Finding.OFFER_UNKNOWN)
    return extension


def _check_lines(
    statement: Statement, request: StatementRequest, offer: Offer, schedules: Schedules
) -> list[Component]:
    try:
        parts = components(
            offer.tariffs,
            day_of_number(request.start),
            day_of_number(request.end),
            schedules,
            without=[day_of_number(number) for number in request.without],
            late=[day_of_number(number) for number in request.late],
        )
    except ScheduleMissing as exc:
        raise _Refused(Finding.SCHEDULE_MISSING) from exc
    except DocumentRefused as exc:
        raise _Refused(Finding.PRICE_STANDS_OUT) from exc
    except ValueError as exc:
        raise _Refused(Finding.NO_TARIFF) from exc
    if statement.schedules != tuple(sorted({h for part in parts for h in part.schedule_hashes()})):
        raise _Refused(Finding.SCHEDULE_MISSING)
    expected = [
        (part.tariff, part.number, tuple(day_number(m) for m in part.months())) for part in parts
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
    """Return (kWh or Wh, amount in price units) of one line over its months."""
    quantity = amount_units = 0
    for month, month_sums in zip(part.months(), sums.months, strict=True):
        weights = part.weights(month)
        quantity += _open(month, weights.quantity, month_sums.quantity, owners, books, secret)
        amount_units += undigits(
            [
                _open(month, digit, total, owners, books, secret)
                for digit, total in zip(weights.amount, month_sums.amount, strict=True)
            ]
        )
    return quantity, amount_units


def _open(
    month: date,
    weights: Weights,
    total: int,
    owners: _Owners,
    books: Books,
    secret: SealSecret,
) -> int:
    terms = [
        (books.seed_of(incarnation, month), own)
        for incarnation, own in owners.split(month, weights)
    ]
    return secret.open_sum(total, terms)


class _Own:
    """What the chip itself counted, laid out as the coefficients are."""

    def __init__(self, books: Books, days: Mapping[date, DayClosed]) -> None:
        self._books = books
        self.days = days

    def count(self, part: Component) -> tuple[int, int]:
        """Return (kWh or Wh, amount in price units) of a line, from the chip's own values."""
        quantity = amount_units = 0
        for month in part.months():
            weights, values = part.weights(month), self._month(part, month)
            quantity += int(weights.quantity @ values)
            amount_units += undigits([int(digit @ values) for digit in weights.amount])
        return quantity, amount_units

    def _month(self, part: Component, month: date) -> npt.NDArray[np.int64]:
        values = np.zeros(MONTH_COEFFICIENTS, np.int64)
        for day in part.days:
            if month_of(day) == month:
                first = coefficient(day, 0)
                if part.is_curve:
                    curve = self._books.curve_of(day)
                    values[first : first + len(curve)] = curve
                closed = self.days[day]
                registers = first + REGISTER_STEP
                values[registers : registers + REGISTERS] = closed.register_steps_kwh
                values[first + INJECTED_STEP] = closed.injected_step_kwh
        return values


def _own_days(
    parts: Sequence[Component], offer: Offer, request: StatementRequest, books: Books
) -> dict[date, DayClosed]:
    """Return the chip's own closed days, all of them, under the tariffs' calendars."""
    own = {row.day: row for row in books.days}
    if any(day not in own for day in request.days):
        raise _Refused(Finding.DAY_NOT_CLOSED)
    for part in parts:
        if isinstance(part.line, RegisterLine):
            # A day rebuilt from the cloud has no calendar until the meter has named it again.
            calendars = {name for day in part.days for name in _calendars(own[day])}
            if calendars - {offer.tariffs[part.position].calendar, ""}:
                raise _Refused(Finding.CALENDAR_DIFFERS)
    return own


def _calendars(closed: DayClosed) -> set[str]:
    """Return the calendars under which steps of a day were counted, and the one at its end."""
    parts = {part.calendar for part in closed.parts if any(part.register_steps_kwh)}
    return {closed.calendar, *parts}


def _compare(
    name: str,
    request: StatementRequest,
    offer: Offer,
    opened: Sequence[tuple[Component, tuple[int, int]]],
    own: _Own,
) -> Judgement:
    start, end = day_of_number(request.start), day_of_number(request.end)
    energies: list[Energy] = []
    lines: list[OpenedLine] = []
    findings: list[Finding] = []
    for part, (quantity, amount_units) in opened:
        own_quantity, own_units = own.count(part)
        energies.append(
            Energy(
                part.position,
                part.number,
                part.days,
                part.eur(own_units),
                kwh=None if part.is_curve else own_quantity,
                wh=own_quantity if part.is_curve else None,
            )
        )
        lines.append(OpenedLine(part.line.name, part.unit, quantity, own_quantity, amount_units))
        if quantity != own_quantity:
            findings.append(Finding.QUANTITY_DIFFERS)
        elif amount_units != own_units:
            findings.append(Finding.AMOUNT_DIFFERS)
    verdict = Verdict.DIFFERS if findings else Verdict.CORRECT
    if not own.days[request.days[-1]].is_index_read:
        findings.append(Finding.INDEX_NOT_READ)
    bill = price_bill(offer.tariffs, start, end, energies)
    unique = tuple(dict.fromkeys(findings))
    return Judgement(name, start, end, verdict, unique, bill, tuple(lines))
