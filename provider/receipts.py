"""Opens receipts for the provider, and checks them against the chip's daily commitments.

A commitment is accepted only with the signature of the chip that sent the day's block; the store is
not trusted for it.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import partial

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol.amount_proof import verify
from protocol.bill import CENT, Energy, price_bill
from protocol.calendar import day_of_number
from protocol.commitment import add_all
from protocol.contract import (
    Consent,
    Contract,
    Offer,
    StatementRequest,
    open_document,
    open_offer,
)
from protocol.doubt import Doubt, in_order
from protocol.envelope import Address, decode_body, open_message
from protocol.errors import CipherError, DocumentRefused, MessageRefused
from protocol.hpke import SealingKey
from protocol.ids import DeviceId, HouseholdKeyId
from protocol.messages import Block, check_block
from protocol.receipt import (
    Receipt,
    ReceiptText,
    fixed_lines,
    make_claim,
    open_receipt,
    priced_parts,
    proof_context,
    unproven_lines,
    wrong_cents_max,
)
from protocol.statement import WH_PER_KWH, Component, components
from protocol.tariff import MarketLine
from protocol.topics import Kind
from provider.backend import KeptReceipt, OwnContract, ReceiptEvidence, SignedBlock
from system.set_aside import SetAside


class ReceiptVerdict(StrEnum):
    """The result of checking a receipt.

    PROVEN: the amount follows from the commitments made at reading time. PARTLY: some of its lines
    do. STATED: it rests on the household's signature alone. REFUSED: a check failed. SET_ASIDE:
    this program failed, and nothing is known of the receipt.
    """

    PROVEN = "proven"
    PARTLY = "partly_proven"
    STATED = "stated"
    REFUSED = "refused"
    SET_ASIDE = "set_aside"


class CheckedLine(msgspec.Struct, frozen=True):
    """An energy line of the receipt: kWh or Wh, and the amount before tax."""

    name: str
    tariff: str
    ht: Decimal
    kwh: int | None = None
    wh: int | None = None


class Checked(msgspec.Struct, frozen=True, rename={"verdict": "standing"}):
    """A checked receipt over the days [start, end), with what the household agreed to reveal.

    Attributes:
        doubts: the chip's reasons why some of its days are estimates.
        wrong_cents_max: by how many cents a proven total may be wrong, at most; None without proof.
        detail: why it was refused; then there is no amount.

    """

    statement: str
    contract: str
    verdict: ReceiptVerdict
    start: date | None = None
    end: date | None = None
    consent: Consent | None = None
    total_ttc: Decimal | None = None
    lines: tuple[CheckedLine, ...] = ()
    unproven: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    wrong_cents_max: int | None = None
    detail: str = ""


class ReceiptTerms(msgspec.Struct, frozen=True):
    """The provider's own request and offer, against which a receipt is checked."""

    request: StatementRequest
    offer: Offer
    consent: Consent
    components: tuple[Component, ...]


def check_kept(
    set_aside: SetAside,
    evidence: ReceiptEvidence,
    stored: KeptReceipt,
    contract: OwnContract,
    provider_key: Ed25519PublicKey,
    sealing_key: SealingKey,
) -> Checked:
    """Check a receipt as `check_receipt`; one that meets a defect of the program is set aside."""
    check = partial(check_receipt, evidence, stored, contract, provider_key, sealing_key)
    aside = Checked(
        stored.statement.hex(),
        contract.hash.hex(),
        ReceiptVerdict.SET_ASIDE,
        detail="a defect of this program, which its log names; report it, and check again",
    )
    return set_aside.handle(Kind.RECEIPT, stored.payload, check, aside)


def check_receipt(
    evidence: ReceiptEvidence,
    stored: KeptReceipt,
    contract: OwnContract,
    provider_key: Ed25519PublicKey,
    sealing_key: SealingKey,
) -> Checked:
    """Open a receipt and check everything in it; a wrong receipt is refused without an exception.

    `provider_key` is the provider's own: only requests that it signed itself count.
    """
    names = stored.statement.hex(), contract.hash.hex()
    collectivity = evidence.collectivity
    try:
        keys = evidence.signing_keys(contract.household_key)
        receipt = _open_envelope(stored, keys, collectivity)
        text = open_receipt(receipt, collectivity, contract.hash, sealing_key)
        terms = read_terms(evidence, stored.statement, contract, provider_key)
        _check_terms(text, terms)
        commitments = _commitments(evidence, contract.household_key, terms, keys)
        verdict = check_text(text, terms, commitments, collectivity, contract.household_key)
    except (CipherError, DocumentRefused, MessageRefused, ValueError) as exc:
        return Checked(*names, ReceiptVerdict.REFUSED, detail=str(exc))
    return Checked(
        *names,
        verdict,
        day_of_number(text.start),
        day_of_number(text.end),
        text.consent,
        text.total_cents * CENT,
        tuple(_lines(text, terms)),
        text.unproven,
        text.doubts,
        _wrong_cents_max(text, terms) if verdict is ReceiptVerdict.PROVEN else None,
    )


def read_terms(
    evidence: ReceiptEvidence,
    statement: bytes,
    contract: OwnContract,
    provider_key: Ed25519PublicKey,
) -> ReceiptTerms:
    """Read the request and the offer of a statement.

    Raises:
        DocumentRefused: this provider did not request it, or its offer is not listed any more.
    """
    signed = evidence.request(statement, contract.hash)
    if signed is None:
        raise DocumentRefused("No such statement was asked for under this contract.")
    request = open_document(signed, provider_key, StatementRequest)
    is_own = request.offer == contract.offer.hash
    listed = contract.offer if is_own else evidence.offer(request.offer)
    if listed is None:
        raise DocumentRefused("The statement's offer is not listed any more.")
    offer = open_offer(listed)
    parts = components(
        offer.tariffs,
        day_of_number(request.start),
        day_of_number(request.end),
        evidence.schedules(),
        without=[day_of_number(number) for number in request.without],
        late=[day_of_number(number) for number in request.late],
    )
    consent = decode_body(contract.contract.body, Contract).consent
    return ReceiptTerms(request, offer, consent, tuple(parts))


def check_text(
    text: ReceiptText,
    terms: ReceiptTerms,
    commitments: Mapping[date, bytes],
    collectivity: str,
    household_key: bytes,
) -> ReceiptVerdict:
    """Check a receipt's amount and proof against the days' commitments.

    Raises:
        CipherError: the amount or the proof does not follow, or a day has no commitment.
    """
    start, end = day_of_number(terms.request.start), day_of_number(terms.request.end)
    fixed = fixed_lines(terms.offer.tariffs, start, end)
    parts = priced_parts(terms.components)
    missing = [day for part in parts for day in part.days if day not in commitments]
    if missing:
        raise CipherError(f"the chip has committed to nothing on {missing[0]}")
    sums = [add_all(commitments[day] for day in part.days) for part in parts]
    claim = make_claim(terms.components, fixed, text, sums)
    if text.unproven != unproven_lines(terms.components, terms.consent):
        raise CipherError("the receipt names other lines as unproven than there are")
    if text.consent is Consent.LINES:
        _check_total(text, terms, start, end)
    if claim is not None:
        verify(proof_context(collectivity, household_key, text), claim, text.proof)
        return ReceiptVerdict.PARTLY if text.unproven else ReceiptVerdict.PROVEN
    if text.proof:
        raise CipherError("the receipt has a proof of nothing")
    if text.unproven:
        return ReceiptVerdict.STATED
    # No line has a price, so only fixed lines are left.
    if price_bill(terms.offer.tariffs, start, end, ()).total_ttc != text.total_cents * CENT:
        raise CipherError("the total does not follow from the tariff")
    return ReceiptVerdict.PROVEN


def _wrong_cents_max(text: ReceiptText, terms: ReceiptTerms) -> int:
    """Named lines and fixed lines are exact; a total is proven as far as rounding leaves it open."""
    if text.consent is Consent.LINES or not text.proof:
        return 0
    return wrong_cents_max([component.line.vat for component in terms.components])


def _open_envelope(
    stored: KeptReceipt, keys: Mapping[DeviceId, bytes], collectivity: str
) -> Receipt:
    address = Address(collectivity, stored.device, Kind.RECEIPT)
    if stored.device not in keys:
        raise CipherError("the chip that signed has never spoken for this household")
    key = Ed25519PublicKey.from_public_bytes(keys[stored.device])
    receipt = open_message(address, stored.payload, key, Receipt)
    if (receipt.household_key, receipt.statement) != (stored.household_key, stored.statement):
        raise CipherError("the receipt is another household's, or another statement's")
    return receipt


def _check_terms(text: ReceiptText, terms: ReceiptTerms) -> None:
    request = terms.request
    if (text.statement, text.contract, text.start, text.end, text.consent) != (
        request.id,
        request.contract,
        request.start,
        request.end,
        terms.consent,
    ):
        raise CipherError("the receipt is for another period, or says other than was agreed")
    if text.doubts != in_order(text.doubts):
        raise CipherError("the receipt names doubts twice, or out of order")


def _commitments(
    evidence: ReceiptEvidence,
    household_key: HouseholdKeyId,
    terms: ReceiptTerms,
    keys: Mapping[DeviceId, bytes],
) -> dict[date, bytes]:
    """Return the commitments for the statement's days, each signed by the chip."""
    days = terms.request.days
    blocks = evidence.blocks(household_key, days[0], day_of_number(terms.request.end))
    commitments = {}
    for block in blocks:
        if block.day in days and (
            commitment := _commitment(block, household_key, keys, evidence.collectivity)
        ):
            commitments[block.day] = commitment
    return commitments


def _commitment(
    stored: SignedBlock,
    household_key: HouseholdKeyId,
    keys: Mapping[DeviceId, bytes],
    collectivity: str,
) -> bytes:
    """Return a block's commitment, which is empty if the block does not close a day.

    Raises:
        MessageRefused: the block's signature or form is wrong.
        CipherError: the block was signed for another day or household.
    """
    if stored.device not in keys:
        raise CipherError("the chip that signed a block has never spoken for this household")
    key = Ed25519PublicKey.from_public_bytes(keys[stored.device])
    address = Address(collectivity, stored.device, Kind.BLOCK)
    block = open_message(address, stored.payload, key, Block)
    check_block(block)
    if block.household_key != household_key or day_of_number(block.day) != stored.day:
        raise CipherError("a block stands under another day or household than it was signed for")
    return block.commitment


def _check_total(text: ReceiptText, terms: ReceiptTerms, start: date, end: date) -> None:
    """Price the bill from the receipt's lines, and compare its lines and total with the receipt.

    Raises:
        CipherError: they differ.
    """
    energies = [
        Energy(
            component.position,
            component.number,
            component.days,
            _eur(component, line.quantity, line.ht_cents),
            kwh=None if component.is_curve else line.quantity,
            wh=line.quantity if component.is_curve else None,
        )
        for component, line in zip(terms.components, text.lines, strict=True)
    ]
    bill = price_bill(terms.offer.tariffs, start, end, energies)
    stated = [line.ht_cents * CENT for line in text.lines]
    priced = [line.ht for line in bill.lines if line.kwh is not None or line.wh is not None]
    if stated != priced or bill.total_ttc != text.total_cents * CENT:
        raise CipherError("the total does not follow from lines and tariff")


def _eur(component: Component, quantity: int, ht_cents: int) -> Fraction:
    """Return a line's amount: computed from its price, or as stated if a market sets the price."""
    line = component.line
    if isinstance(line, MarketLine):
        return Fraction(ht_cents * CENT)
    return Fraction(line.eur_per_kwh) * quantity / (WH_PER_KWH if component.is_curve else 1)


def _lines(text: ReceiptText, terms: ReceiptTerms) -> Sequence[CheckedLine]:
    return [
        CheckedLine(
            component.line.name,
            terms.offer.tariffs[component.position].name,
            line.ht_cents * CENT,
            kwh=None if component.is_curve else line.quantity,
            wh=line.quantity if component.is_curve else None,
        )
        for component, line in zip(terms.components, text.lines, strict=False)
    ]
