"""Checks and opens a statement. Pure: the caller passes in the vault's rows."""

from collections.abc import Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.bills.judgement import ContractDays, Finding, Judgement, OpenedLine, Verdict
from edge.bills.readings import (
    ExpectedReadings,
    LocalReadings,
    MeterUnknown,
    NotOpened,
    estimated_days,
    meter_spans,
    own_days,
)
from edge.contracts.agreement import Agreement, ListedDocuments
from edge.contracts.meter import Fit
from edge.vault.owners import CoefficientOwners
from edge.vault.sums import KeysGone, SumOpener
from protocol.bill import Energy, price_bill
from protocol.calendar import day_number, day_of_number
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
from protocol.household import undigits
from protocol.ids import Incarnation
from protocol.messages import LineSums, Statement
from protocol.packed import read_packed
from protocol.schedule import ScheduleMissing, Schedules
from protocol.statement import Component, components


def judge(
    statement: Statement,
    agreement: Agreement,
    listed: ListedDocuments,
    readings: LocalReadings,
) -> Judgement:
    """Check a statement whose signature is verified, open it, and compare it with `readings`.

    The judgement names what is wrong with the statement.

    Raises:
        MeterUnknown: the statement must be judged again once the contract's meter has been read.
    """
    start, end = day_of_number(statement.start), day_of_number(statement.end)
    name = statement.id.hex()
    refused = Judgement(name, start, end, Verdict.REFUSED, billed_contract=statement.contract.hex())
    try:
        request, body = _check_request(statement, agreement)
        offer = _offer_of(request, agreement, listed)
        parts = _check_lines(statement, request, offer, listed.schedules)
        _check_unbilled(request, body, readings)
        _check_meter(request, agreement.contract, readings)
        own = ExpectedReadings(readings, own_days(parts, agreement, offer, request, readings))
        owners = _owners(statement, readings)
        lines = [
            _compare(part, _open_line(part, sums, owners, readings.sums), own)
            for part, sums in zip(parts, statement.lines, strict=True)
        ]
    except NotOpened as exc:
        return msgspec.structs.replace(
            refused,
            findings=(exc.finding,),
            calendar_change=exc.calendar_change,
            other_calendar=exc.other_calendar,
            other_meter=exc.other_meter,
            contract=exc.contract,
        )
    except KeysGone:
        return msgspec.structs.replace(refused, findings=(Finding.KEYS_GONE,))
    except CipherError:
        return msgspec.structs.replace(refused, findings=(Finding.AMOUNT_DIFFERS,))
    return _sum_up(name, request, offer, lines, own, readings)


def _check_request(statement: Statement, agreement: Agreement) -> tuple[StatementRequest, bytes]:
    """Return the provider's request, and the exact bytes that it signed."""
    contract = agreement.contract
    if (
        statement.contract != agreement.contract_hash
        or statement.household_key != contract.household_key
    ):
        raise NotOpened(Finding.CONTRACT_UNKNOWN)
    try:
        signed = read_packed(statement.request, Signed)
        key = Ed25519PublicKey.from_public_bytes(agreement.offer.provider_key)
        request = open_document(signed, key, StatementRequest)
        check_request(request)
        accepted = read_packed(statement.acceptance, Signed)
        acceptance = open_document(accepted, key, Acceptance)
    except (msgspec.MsgspecError, DocumentRefused) as exc:
        raise NotOpened(Finding.REQUEST_FORGED) from exc
    if acceptance.contract != agreement.contract_hash:
        raise NotOpened(Finding.REQUEST_FORGED)
    asked = (request.id, request.contract, request.start, request.end)
    if asked != (statement.id, statement.contract, statement.start, statement.end):
        raise NotOpened(Finding.REQUEST_FORGED)
    first = min(day_of_number(request.start), request.days[0])
    end = day_of_number(request.end)
    # A correction must bill the same days as its original (`BilledDays.objection`).
    is_beyond = contract.end is not None and end > contract.end and request.corrects is None
    if first < contract.start or is_beyond:
        name = agreement.contract_hash.hex()
        days = ContractDays(name, contract.start, contract.end)
        raise NotOpened(Finding.OUTSIDE_CONTRACT, contract=days)
    return request, signed.body


def _check_unbilled(request: StatementRequest, body: bytes, readings: LocalReadings) -> None:
    objection = readings.billed.objection(request, body)
    if objection is not None:
        raise NotOpened(objection, contract=readings.billed.days_under_another(request))


def _check_meter(request: StatementRequest, contract: Contract, readings: LocalReadings) -> None:
    days = set(request.days)
    billed = [closed for closed in readings.days if closed.day in days]
    other_meter = readings.meters.first_day(Fit.ANOTHER, contract, billed)
    if other_meter is not None:
        raise NotOpened(Finding.METER_DIFFERS, other_meter=other_meter)
    if readings.meters.first_day(Fit.UNKNOWN, contract, billed) is not None:
        raise MeterUnknown


def _offer_of(request: StatementRequest, agreement: Agreement, listed: ListedDocuments) -> Offer:
    if request.offer == agreement.contract.offer:
        return agreement.offer
    extension = listed.extensions.get(request.offer)
    if extension is None or not agreement.contract.follows:
        raise NotOpened(Finding.OFFER_UNKNOWN)
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
        hashes = {schedule for part in parts for schedule in part.schedule_hashes()}
    except ScheduleMissing as exc:
        raise NotOpened(Finding.SCHEDULE_MISSING) from exc
    except DocumentRefused as exc:
        raise NotOpened(Finding.PRICE_STANDS_OUT) from exc
    except ValueError as exc:
        raise NotOpened(Finding.NO_TARIFF) from exc
    if statement.schedules != tuple(sorted(hashes)):
        raise NotOpened(Finding.SCHEDULE_MISSING)
    expected = [
        (part.tariff, part.number, tuple(day_number(m) for m in part.months())) for part in parts
    ]
    stated = [
        (line.tariff, line.line, tuple(month.month for month in line.months))
        for line in statement.lines
    ]
    if stated != expected:
        raise NotOpened(Finding.LINES_DIFFER)
    return parts


def _owners(statement: Statement, readings: LocalReadings) -> CoefficientOwners:
    """Return which of the household's own blocks own the coefficients that a statement sums."""
    known = {(span.incarnation, span.sequence): span for span in readings.spans}
    spans = []
    for cover in statement.covers:
        for sequence in cover.sequences:
            span = known.get((Incarnation(cover.incarnation), sequence))
            if span is None:
                raise NotOpened(Finding.BLOCK_UNKNOWN)
            spans.append(span)
    return CoefficientOwners(spans, lambda fault: NotOpened(Finding(fault)))


def _open_line(
    part: Component, stated: LineSums, owners: CoefficientOwners, sums: SumOpener
) -> tuple[int, int]:
    """Return one line's quantity (kWh or Wh) and amount (price units) over its months."""
    quantity = amount_units = 0
    for month, month_sums in zip(part.months(), stated.months, strict=True):
        weights = part.weights(month)
        own = owners.split(month, weights.quantity)
        quantity += sums.open(month, month_sums.quantity, own)
        amount_units += undigits(
            [
                sums.open(month, total, owners.split(month, digit))
                for digit, total in zip(weights.amount, month_sums.amount, strict=True)
            ]
        )
    return quantity, amount_units


class _Compared(msgspec.Struct, frozen=True):
    """One opened line beside the chip's own count."""

    energy: Energy
    opened: OpenedLine
    finding: Finding | None


def _compare(part: Component, opened: tuple[int, int], own: ExpectedReadings) -> _Compared:
    (quantity, amount_units), (own_quantity, own_units) = opened, own.count(part)
    finding = None
    if quantity != own_quantity:
        finding = Finding.QUANTITY_DIFFERS
    elif amount_units != own_units:
        finding = Finding.AMOUNT_DIFFERS
    return _Compared(
        Energy(
            part.position,
            part.number,
            part.days,
            part.eur(own_units),
            kwh=None if part.is_curve else own_quantity,
            wh=own_quantity if part.is_curve else None,
        ),
        OpenedLine(part.line.name, part.unit, quantity, own_quantity, amount_units),
        finding,
    )


def _sum_up(
    name: str,
    request: StatementRequest,
    offer: Offer,
    lines: Sequence[_Compared],
    own: ExpectedReadings,
    readings: LocalReadings,
) -> Judgement:
    start, end = day_of_number(request.start), day_of_number(request.end)
    findings = [line.finding for line in lines if line.finding is not None]
    verdict = Verdict.DIFFERS if findings else Verdict.CORRECT
    left_out = tuple(day_of_number(number) for number in request.without)
    gap = readings.billed.gap(request)
    if not own.days[request.days[-1]].is_index_read:
        findings.append(Finding.INDEX_NOT_READ)
    billed = [own.days[day] for day in request.days]
    if readings.stored_days() & set(left_out):
        findings.append(Finding.LEFT_OUT_THOUGH_STORED)
    if gap is not None:
        findings.append(Finding.NEVER_BILLED)
    bill = price_bill(offer.tariffs, start, end, [line.energy for line in lines])
    return Judgement(
        name,
        start,
        end,
        verdict,
        tuple(dict.fromkeys(findings)),
        bill,
        tuple(line.opened for line in lines),
        late=tuple(day_of_number(number) for number in request.late),
        left_out=left_out,
        owed=readings.billed.still_owed(request),
        gap=gap,
        credit=readings.billed.credit(request, bill),
        meters=meter_spans(billed),
        estimated=estimated_days(billed),
        billed_contract=request.contract.hex(),
    )
