"""Receipts: whether one may leave, and what it contains. Pure: the caller passes rows in.

A receipt declares a statement correct, so a missing one might reveal that it was not. From outside
the reason is invisible: perhaps the household allows none, blocks are in flight, the period is too
short, days have a receipt already, a statement differed, or receipts wait for a release.
"""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from edge.bills.judgement import Finding, Judgement, Verdict
from edge.bills.replaced import is_repeated
from edge.contracts.agreement import Agreement, ListedDocuments
from edge.contracts.meter import Fit
from edge.vault.commitments import CommittedDay, blinding_of, committed_values
from protocol.amount_proof import Opening, prove
from protocol.bill import Bill
from protocol.calendar import day_number, day_of_number
from protocol.commitment import commit_day
from protocol.contract import Consent, Contract, Offer, Signed, StatementRequest
from protocol.doubt import in_order
from protocol.envelope import decode_body
from protocol.errors import CipherError
from protocol.ids import HouseholdKeyId
from protocol.messages import Statement
from protocol.packed import read_packed
from protocol.receipt import (
    PricedPart,
    Receipt,
    ReceiptLine,
    ReceiptText,
    fixed_lines,
    make_claim,
    priced_parts,
    proof_context,
    seal_receipt,
    unproven_lines,
)
from protocol.statement import Component, components

PERIOD_DAYS_MIN = 25
MISMATCHES_MAX = 2
_MISMATCHES = {Finding.QUANTITY_DIFFERS, Finding.AMOUNT_DIFFERS}


class Hold(StrEnum):
    """Why no receipt leaves for a statement. Only the household sees this."""

    NOT_AGREED = "not_agreed"
    BILLED = "billed"
    NOT_CORRECT = "not_correct"
    MISMATCH = "mismatch"
    ASKED = "asked"
    COVERED = "covered"
    LOST = "lost"
    OTHER_METER = "other_meter"
    METER_UNKNOWN = "meter_unknown"
    TOO_SHORT = "too_short"
    NOT_STORED = "not_stored"


# Time or the household's release can lift these; the others are permanent.
PASSING = {Hold.NOT_STORED, Hold.ASKED, Hold.LOST, Hold.METER_UNKNOWN}


class Past(msgspec.Struct, frozen=True):
    """The chip's memory of receipts and mismatches.

    Attributes:
        covered: days whose receipt has left, or may have left, and whether that is certain. A chip
            that lost its store does not know what it sent until the household releases receipts.
        mismatched: statements that differed.
        held: how many statements have differed since the household's last release.
        short: contracts that have had a receipt for a short last period.
    """

    covered: Mapping[date, bool]
    mismatched: Collection[bytes]
    held: int
    short: Collection[bytes]

    @property
    def is_in_doubt(self) -> bool:
        """Whether there may be receipts, and mismatches, that this chip does not know of."""
        return not all(self.covered.values())


class ReceiptInputs(msgspec.Struct, frozen=True):
    """The documents that price a statement, as they were when the chip judged it."""

    contract_hash: bytes
    contract: Contract
    request: StatementRequest
    offer: Offer
    components: tuple[Component, ...]

    @property
    def days(self) -> list[date]:
        """The days whose energy the statement bills."""
        return self.request.days

    @property
    def is_last(self) -> bool:
        """Whether the period is the contract's last."""
        return self.contract.end is not None and day_number(self.contract.end) == self.request.end


def read_inputs(
    statement: Statement, agreement: Agreement, listed: ListedDocuments
) -> ReceiptInputs:
    """Read the documents of a statement that was judged correct; judging verified signatures."""
    signed = read_packed(statement.request, Signed)
    request = decode_body(signed.body, StatementRequest)
    is_own = request.offer == agreement.contract.offer
    offer = agreement.offer if is_own else listed.extensions[request.offer]
    parts = components(
        offer.tariffs,
        day_of_number(request.start),
        day_of_number(request.end),
        listed.schedules,
        without=[day_of_number(number) for number in request.without],
        late=[day_of_number(number) for number in request.late],
    )
    return ReceiptInputs(agreement.contract_hash, agreement.contract, request, offer, tuple(parts))


def is_mismatch(judgement: Judgement) -> bool:
    """Return whether a statement opened to other values than the chip counted."""
    return judgement.verdict is Verdict.DIFFERS or bool(_MISMATCHES & set(judgement.findings))


def hold(
    inputs: ReceiptInputs,
    judgement: Judgement,
    past: Past,
    stored: Collection[date],
    fits: Collection[Fit],
) -> Hold | None:
    """Return why no receipt may leave for a statement; None if one may.

    `stored`: the days whose every block the cloud has acknowledged. `fits`: how the meters that
    counted on the statement's days relate to the contract's meter.
    """
    covered = [past.covered[day] for day in inputs.days if day in past.covered]
    rules = (
        (Hold.NOT_AGREED, inputs.contract.consent is Consent.NOTHING),
        (Hold.BILLED, is_repeated(judgement)),
        (Hold.NOT_CORRECT, judgement.verdict is not Verdict.CORRECT),
        (Hold.MISMATCH, inputs.request.id in past.mismatched),
        (Hold.ASKED, past.held >= MISMATCHES_MAX),
        (Hold.COVERED, any(covered)),
        (Hold.LOST, past.is_in_doubt),
        (Hold.OTHER_METER, Fit.ANOTHER in fits),
        (Hold.METER_UNKNOWN, Fit.UNKNOWN in fits),
        (Hold.TOO_SHORT, is_short_period(inputs) and not _may_be_short(inputs, past)),
        (Hold.NOT_STORED, not set(inputs.days) <= set(stored)),
    )
    return next((why for why, holds in rules if holds), None)


def _may_be_short(inputs: ReceiptInputs, past: Past) -> bool:
    """Return whether this is the whole last period of a long contract, for the first time.

    Otherwise a series of one-day contracts would reveal each day, and a last period that leaves out
    all days but one would reveal that day.
    """
    contract = inputs.contract
    if contract.end is None or (contract.end - contract.start).days < PERIOD_DAYS_MIN:
        return False
    is_whole = not inputs.request.without
    return inputs.is_last and is_whole and inputs.contract_hash not in past.short


def is_short_period(inputs: ReceiptInputs) -> bool:
    """Return whether the statement bills fewer than 25 days."""
    return len(inputs.days) < PERIOD_DAYS_MIN


def make_receipt(
    collectivity: str,
    household_key: HouseholdKeyId,
    inputs: ReceiptInputs,
    bill: Bill,
    days: Mapping[date, CommittedDay],
) -> Receipt:
    """Make the receipt of a bill that `hold` allows, sealed to the provider.

    Raises:
        CipherError: the bill does not follow from `days`, or the provider's key is invalid.
    """
    request, parts = inputs.request, priced_parts(inputs.components)
    is_total = inputs.contract.consent is Consent.TOTAL
    text = ReceiptText(
        inputs.contract_hash,
        request.id,
        request.start,
        request.end,
        inputs.contract.consent,
        _cents(bill.total_ttc),
        () if is_total else _lines(bill),
        unproven_lines(inputs.components, inputs.contract.consent),
        in_order(doubt for day in inputs.days for doubt in days[day].closed.doubts),
        b"",
    )
    openings = [_opening(part, days) for part in parts]
    sums = [commit_day(opening.values, opening.blinding) for opening in openings]
    fixed = fixed_lines(
        inputs.offer.tariffs, day_of_number(request.start), day_of_number(request.end)
    )
    claim = make_claim(inputs.components, fixed, text, sums)
    if claim is not None:
        context = proof_context(collectivity, household_key, text)
        proof = prove(context, claim, openings)
        text = msgspec.structs.replace(text, proof=proof)
    return seal_receipt(text, collectivity, household_key, inputs.offer.sealing_key)


def _opening(part: PricedPart, days: Mapping[date, CommittedDay]) -> Opening:
    """Return the opening of the sum of commitments over a part's days."""
    values = [committed_values(days[day].closed) for day in part.days]
    blinding = sum(blinding_of(days[day].keys, days[day].closed) for day in part.days)
    return Opening(tuple(map(sum, zip(*values, strict=True))), blinding)


def _lines(bill: Bill) -> tuple[ReceiptLine, ...]:
    return tuple(
        ReceiptLine(quantity, _cents(line.ht))
        for line in bill.lines
        if (quantity := line.kwh if line.wh is None else line.wh) is not None
    )


def _cents(eur: Decimal) -> int:
    cents = eur * 100
    if cents != int(cents):
        raise CipherError(f"{eur} € is no number of cents")
    return int(cents)
