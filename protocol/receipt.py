"""The household's receipt for a statement, and the claim that it proves.

Both sides derive the claim from documents that both have: tariffs, the provider's request, the
days' commitments and the total. The receipt is sealed to the provider (protocol/hpke.py); broker
and collectivity see that it exists, but no amount.
"""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm
from typing import Annotated

import msgspec

from protocol.amount_proof import Claim, Interval, Relation, Row
from protocol.bill import CENT, price_bill, to_cent
from protocol.calendar import DayNumber
from protocol.commitment import COMMITTED_FROM, COMMITTED_VALUES
from protocol.contract import Consent
from protocol.doubt import Doubt
from protocol.errors import CipherError
from protocol.hpke import SealingKey, seal
from protocol.layout import INJECTED_STEP, REGISTER_STEP
from protocol.messages import Hash, KeyId, StatementId
from protocol.packed import read_packed
from protocol.statement import Component
from protocol.tariff import PRICE_UNIT, InjectionLine, Name, RegisterLine, Tariff, price_units

SEALED_MAX_BYTES = 48 * 1024
# The sealed text is a multiple of this, so its size does not reveal the number of a total's digits.
PADDED_BYTES = 512
ROUNDING = Fraction(CENT) / 2
LINES_MAX = 4096
ACKNOWLEDGED_MAX = 512

# (amount before tax, VAT rate) of each line that does not depend on energy.
FixedLines = Sequence[tuple[Decimal, Decimal]]
Cents = Annotated[int, msgspec.Meta(ge=-(2**52), le=2**52)]


class _Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    pass


class Receipt(_Body, frozen=True):
    """up/receipt: a household's receipt for a statement, sealed to its provider."""

    household_key: KeyId
    statement: StatementId
    sealed: Annotated[bytes, msgspec.Meta(min_length=1, max_length=SEALED_MAX_BYTES)]


class ReceiptAck(_Body, frozen=True):
    """down/receipt: the statements whose receipts the cloud has stored; sent after the commit."""

    household_key: KeyId
    statements: Annotated[tuple[StatementId, ...], msgspec.Meta(max_length=ACKNOWLEDGED_MAX)]


class ReceiptLine(_Body, frozen=True):
    """An energy line of the bill: its quantity (kWh, or Wh of the curve) and cents before tax."""

    quantity: Annotated[int, msgspec.Meta(ge=0, le=2**40)]
    ht_cents: Cents


class ReceiptText(_Body, frozen=True):
    """The sealed content: "correct, and this is the total".

    Attributes:
        consent: what the contract allows a receipt to reveal.
        total_cents: the total with tax.
        lines: one for each energy line in the order of the bill, if the contract allows them.
        unproven: the names of energy lines that `proof` does not cover.
        doubts: why billed days are estimates, in the order of their names, without the days.
        proof: proof that the total, or the lines, follow from the days' commitments; empty if no
            commitment covers them.
    """

    contract: Hash
    statement: StatementId
    start: DayNumber
    end: DayNumber
    consent: Consent
    total_cents: Cents
    lines: Annotated[tuple[ReceiptLine, ...], msgspec.Meta(max_length=LINES_MAX)]
    unproven: Annotated[tuple[Name, ...], msgspec.Meta(max_length=LINES_MAX)]
    doubts: Annotated[tuple[Doubt, ...], msgspec.Meta(max_length=len(Doubt))]
    proof: bytes


class PricedPart(msgspec.Struct, frozen=True):
    """Days under one tariff, and the energy lines that price committed values on these days.

    `position` is the tariff's index in the offer.
    """

    position: int
    days: tuple[date, ...]
    lines: tuple[Component, ...]


def priced_parts(components: Sequence[Component]) -> list[PricedPart]:
    """Group a statement's energy lines for registers and injection by their days."""
    grouped: dict[tuple[int, tuple[date, ...]], list[Component]] = {}
    for component in components:
        if not component.is_curve:
            grouped.setdefault((component.position, component.days), []).append(component)
    return [PricedPart(*key, tuple(lines)) for key, lines in grouped.items()]


def fixed_lines(tariffs: Sequence[Tariff], start: date, end: date) -> FixedLines:
    """Return the lines of a bill over the days [start, end) that do not depend on energy."""
    return tuple((line.ht, line.vat) for line in price_bill(tariffs, start, end, ()).lines)


def unproven_lines(components: Sequence[Component], consent: Consent) -> tuple[str, ...]:
    """Return the names of the lines that no proof covers.

    These are the lines of the curve, to which no chip commits. If the receipt reveals only the
    total, one such line leaves the whole total unproven, since splitting it would reveal two sums.
    """
    curve = [component for component in components if component.is_curve]
    unproven = components if curve and consent is Consent.TOTAL else curve
    return tuple(dict.fromkeys(component.line.name for component in unproven))


def rounding_slack(vat: Collection[Decimal]) -> Fraction:
    """Return how far (€) rounding can move a bill's total from the exact sum, at most.

    Half a cent for each energy line with its VAT, and half a cent for the VAT of each rate. `vat`
    has the rate of each line.
    """
    rates = [Fraction(rate) for rate in vat]
    return ROUNDING * (sum((1 + rate for rate in rates), Fraction(0)) + len(set(rates)))


def wrong_cents_max(vat: Collection[Decimal]) -> int:
    """Return by how many cents a total may be wrong, at most, and still be proven.

    The true total may stand at one end of what rounding leaves open, the wrong one at the other.
    """
    return int(2 * rounding_slack(vat) / Fraction(CENT))


def total_claim(
    components: Sequence[Component], fixed: FixedLines, total_cents: int
) -> Interval | None:
    """Return the interval of price-weighted register totals that a bill's total allows.

    Each energy line and the VAT of each rate are rounded to the cent; fixed lines are known. The
    result is None if no line has a price.
    """
    parts = priced_parts(components)
    lines = [component.line for part in parts for component in part.lines]
    rates = {Fraction(line.vat) for line in lines}
    known, slack = Fraction(0), rounding_slack([line.vat for line in lines])
    for rate in {Fraction(rate) for _, rate in fixed}:
        base = sum((Fraction(ht) for ht, of in fixed if Fraction(of) == rate), Fraction(0))
        known += base + (base * rate if rate in rates else Fraction(to_cent(base * rate)))
    rows = tuple(_weights(part) for part in parts)
    scale = lcm(*(weight.denominator for row in rows for weight in row)) if rows else 1
    weights = [[int(weight * scale) for weight in row] for row in rows]
    common = gcd(*(weight for row in weights for weight in row)) if rows else 0
    if not common:
        return None
    unit = Fraction(scale, common) / Fraction(PRICE_UNIT)
    middle = Fraction(total_cents * CENT) - known
    low, high = (middle - slack) * unit, (middle + slack) * unit
    return Interval(
        tuple(tuple(weight // common for weight in row) for row in weights),
        -((-low.numerator) // low.denominator),
        high.numerator // high.denominator,
    )


def line_relations(
    components: Sequence[Component], lines: Sequence[ReceiptLine]
) -> tuple[Relation, ...]:
    """Return the sums of registers that the quantity of each line implies.

    Raises:
        CipherError: the receipt does not have as many lines as the bill has energy lines.
    """
    if len(lines) != len(components):
        raise CipherError("the receipt has other lines than the bill")
    parts = priced_parts(components)
    nothing = (0,) * COMMITTED_VALUES
    return tuple(
        Relation(
            tuple(
                _ones(component)
                if (part.position, part.days) == (component.position, component.days)
                else nothing
                for part in parts
            ),
            line.quantity,
        )
        for component, line in zip(components, lines, strict=True)
        if not component.is_curve
    )


def make_claim(
    components: Sequence[Component],
    fixed: FixedLines,
    text: ReceiptText,
    sums: Sequence[bytes],
) -> Claim | None:
    """Return the claim about the parts' commitments that a receipt proves, None if there is none.

    Raises:
        CipherError: the receipt does not fit the bill.
    """
    if text.consent is Consent.LINES:
        relations = line_relations(components, text.lines)
        return Claim(tuple(sums), relations) if relations else None
    if text.lines:
        raise CipherError("the receipt has lines that its contract does not allow")
    if text.consent is not Consent.TOTAL or any(component.is_curve for component in components):
        return None
    interval = total_claim(components, fixed, text.total_cents)
    return None if interval is None else Claim(tuple(sums), (), interval)


def proof_context(collectivity: str, household_key: bytes, text: ReceiptText) -> bytes:
    """Return the context that binds a proof to its receipt: everything in it but the proof."""
    bare = msgspec.structs.replace(text, proof=b"")
    return msgspec.msgpack.encode(("volet receipt proof", collectivity, household_key, bare))


def seal_receipt(
    text: ReceiptText, collectivity: str, household_key: bytes, sealing_key: bytes
) -> Receipt:
    """Seal a receipt to the provider's public sealing key (1216 bytes)."""
    data = msgspec.msgpack.encode(text)
    framed = len(data).to_bytes(4, "big") + data
    framed += bytes(-len(framed) % PADDED_BYTES)
    info = _info(collectivity, household_key, text.contract, text.statement)
    return Receipt(household_key, text.statement, seal(framed, sealing_key, info))


def open_receipt(
    receipt: Receipt, collectivity: str, contract: bytes, key: SealingKey
) -> ReceiptText:
    """Open a receipt for the contract of its statement with the provider's sealing key.

    Raises:
        CipherError: it was sealed to another key, or for another contract or statement, or is not
            canonical.
    """
    info = _info(collectivity, receipt.household_key, contract, receipt.statement)
    framed = key.open(receipt.sealed, info)
    length = int.from_bytes(framed[:4], "big")
    data = framed[4 : 4 + length]
    if len(framed) % PADDED_BYTES or any(framed[4 + length :]) or len(data) != length:
        raise CipherError("the sealed receipt is not in its form")
    try:
        text = read_packed(data, ReceiptText)
    except msgspec.MsgspecError as exc:
        raise CipherError("what was sealed is no receipt") from exc
    named = (text.contract, text.statement)
    if msgspec.msgpack.encode(text) != data or named != (contract, receipt.statement):
        raise CipherError("the sealed receipt is another statement's, or not in its form")
    return text


def _info(collectivity: str, household_key: bytes, contract: bytes, statement: bytes) -> bytes:
    named = ("volet receipt", collectivity, household_key, contract, statement)
    return msgspec.msgpack.encode(named)


def _ones(component: Component) -> Row:
    """Return a row with 1 for each committed value that a line counts."""
    line = component.line
    places = (
        {REGISTER_STEP + register - 1 for register in line.registers}
        if isinstance(line, RegisterLine)
        else {INJECTED_STEP}
    )
    return tuple(int(COMMITTED_FROM + n in places) for n in range(COMMITTED_VALUES))


def _weights(part: PricedPart) -> list[Fraction]:
    """Return the price with tax of a unit of each committed value, in units of 0.00001 €."""
    weights = [Fraction(0)] * COMMITTED_VALUES
    for component in part.lines:
        line = component.line
        if isinstance(line, RegisterLine | InjectionLine):
            price = price_units(line.eur_per_kwh) * (1 + Fraction(line.vat))
            weights = [w + price * one for w, one in zip(weights, _ones(component), strict=True)]
    return weights
