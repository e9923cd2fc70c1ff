"""Receipts with a provable amount: bytes and time, beside a commitment for each register.

The peer is the simple way: twelve Pedersen commitments a day, one to each value, and a receipt that
opens their price-weighted sum. Its receipt is shorter, but it opens the exact total (which can
reveal both of two registers), and it is twelve times as long on every day.
"""

import random
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from benchmarks.mqtt_size import exchange_bytes
from benchmarks.row import Row, Rows
from benchmarks.timing import cpu_s, scaled
from protocol.amount_proof import Claim, Opening, prove, verify
from protocol.bill import price_bill, register_energies
from protocol.calendar import days_between
from protocol.commitment import (
    COMMITTED_VALUES,
    ORDER,
    POINT_BYTES,
    add_all,
    combine,
    commit_day,
    generator,
)
from protocol.contract import Consent
from protocol.envelope import SIGNATURE_BYTES
from protocol.errors import CipherError
from protocol.hpke import SealingKey
from protocol.ids import new_device_id
from protocol.receipt import (
    Receipt,
    ReceiptText,
    fixed_lines,
    make_claim,
    proof_context,
    seal_receipt,
)
from protocol.schedule import Schedules
from protocol.statement import components
from protocol.tariff import FixedLine, RegisterLine, Tariff
from protocol.topics import Kind, device_topic

START, END = date(2026, 1, 1), date(2026, 2, 1)
DAYS = days_between(START, END)
COLLECTIVITY = "benchville"
HOUSEHOLD_KEY, STATEMENT, CONTRACT = bytes(16), bytes(16), bytes(32)
VAT = Decimal("0.20")
TARIFF = Tariff(
    provider="Bench",
    name="Heures creuses",
    calendar="H PLEINE/CREUSE",
    valid_from=START,
    valid_to=None,
    currency="EUR",
    fixed=(FixedLine("abonnement", Decimal("12.34"), "month", VAT),),
    energy=(
        RegisterLine("heures creuses", (1,), Decimal("0.10630"), VAT),
        RegisterLine("heures pleines", (2,), Decimal("0.14340"), VAT),
        RegisterLine("accise", (1, 2), Decimal("0.02998"), VAT),
    ),
)
ENVELOPE_BYTES = 1 + 1 + 3 + 2 + SIGNATURE_BYTES

Days = Sequence[tuple[tuple[int, ...], int]]


def run(scale: float) -> list[Row]:
    """Measure both ways over a month of one off-peak tariff."""
    rows = Rows("receipt")
    rng = random.Random(1)  # noqa: S311 - readings and blindings to measure with
    days = [((rng.randrange(9), rng.randrange(14), *[0] * 10), rng.randrange(ORDER)) for _ in DAYS]
    runs = scaled(7, scale, least=3)
    _ours(rows, days, runs)
    _peer(rows, days, runs)
    return rows.rows


def _ours(rows: Rows, days: Days, runs: int) -> None:
    values, blinding = days[0]
    full = tuple(range(1, COMMITTED_VALUES + 1))
    ms = [1_000 * s for s in cpu_s(lambda: commit_day(values, blinding), runs=runs, times=10)]
    rows.add("commitment, a day", POINT_BYTES, "bytes")
    rows.add("commit, a day of two registers", ms, "ms CPU")
    ms = [1_000 * s for s in cpu_s(lambda: commit_day(full, blinding), runs=runs, times=5)]
    rows.add("commit, a day of all twelve values", ms, "ms CPU")
    opening = _opening(days)
    commitments = [commit_day(*day) for day in days]
    text, claim = _claim(opening, commitments)
    context = proof_context(COLLECTIVITY, HOUSEHOLD_KEY, text)
    proof = prove(context, claim, [opening])
    verify(context, claim, proof)
    _check_refused(context, claim, proof)
    rows.add("proof, a month of one tariff", len(proof), "bytes")
    ms = [1_000 * s for s in cpu_s(lambda: prove(context, claim, [opening]), runs=runs)]
    rows.add("prove", ms, "ms CPU", note="on the chip, once a month")
    ms = [
        1_000 * s
        for s in cpu_s(lambda: verify(context, _claim(opening, commitments)[1], proof), runs=runs)
    ]
    rows.add("verify", ms, "ms CPU", note="by the provider, sum of the days' commitments included")
    key = SealingKey.generate().public_bytes
    proven = msgspec.structs.replace(text, proof=proof)
    sealed = msgspec.msgpack.encode(seal_receipt(proven, COLLECTIVITY, HOUSEHOLD_KEY, key))
    topic = device_topic(COLLECTIVITY, new_device_id(), Kind.RECEIPT)
    rows.add(
        "receipt on the wire",
        exchange_bytes(topic, bytes(ENVELOPE_BYTES + len(sealed))),
        "bytes",
        note="sealed to the provider, signed, MQTT",
    )


def _opening(days: Days) -> Opening:
    """Return the opening of a month's commitments together."""
    return Opening(
        tuple(map(sum, zip(*(v for v, _ in days), strict=True))), sum(b for _, b in days)
    )


def sealed_receipt(household_key: bytes) -> Receipt:
    """Return a household's receipt for a month of one off-peak tariff, with its proof."""
    days: Days = [((3, 9, *[0] * 10), number + 1) for number in range(len(DAYS))]
    opening = _opening(days)
    text, claim = _claim(opening, [commit_day(*day) for day in days])
    proof = prove(proof_context(COLLECTIVITY, household_key, text), claim, [opening])
    proven = msgspec.structs.replace(text, proof=proof)
    public = SealingKey.generate().public_bytes
    return seal_receipt(proven, COLLECTIVITY, household_key, public)


def _claim(opening: Opening, commitments: Sequence[bytes]) -> tuple[ReceiptText, Claim]:
    """Make the receipt's text and claim, as both sides do."""
    parts = components([TARIFF], START, END, Schedules())
    energies = register_energies(0, TARIFF, DAYS, opening.values[:10])
    bill = price_bill([TARIFF], START, END, energies)
    cents = int(bill.total_ttc * 100)
    text = ReceiptText(CONTRACT, STATEMENT, 0, 31, Consent.TOTAL, cents, (), (), (), b"")
    claim = make_claim(parts, fixed_lines([TARIFF], START, END), text, [add_all(commitments)])
    if claim is None:
        raise AssertionError("a tariff of registers is proven")
    return text, claim


def _check_refused(context: bytes, claim: Claim, proof: bytes) -> None:
    """Check that a total that is a euro lower is not proven."""
    interval = claim.interval
    if interval is None:
        raise AssertionError("a total has an interval")
    lower = msgspec.structs.replace(
        interval, low=interval.low - 100_000, high=interval.high - 100_000
    )
    try:
        verify(context, msgspec.structs.replace(claim, interval=lower), proof)
    except CipherError:
        return
    raise AssertionError("a lowered total was proven")


def _peer(rows: Rows, days: Days, runs: int) -> None:
    """Commit to each value, and open the weighted sum of the commitments."""
    base = generator("peer")
    blindings = [[blinding + n for n in range(COMMITTED_VALUES)] for _, blinding in days]

    def commit(values: Sequence[int], drawn: Sequence[int]) -> list[bytes]:
        return [combine([(v, base)], b) for v, b in zip(values, drawn, strict=True)]

    ms = [1_000 * s for s in cpu_s(lambda: commit(days[0][0], blindings[0]), runs=runs, times=5)]
    rows.add("peer: commitments, a day", COMMITTED_VALUES * POINT_BYTES, "bytes")
    rows.add("peer: commit, a day of two registers", ms, "ms CPU")
    committed = [commit(values, drawn) for (values, _), drawn in zip(days, blindings, strict=True)]
    weights = [0] * COMMITTED_VALUES
    for line in TARIFF.energy:
        if isinstance(line, RegisterLine):
            for register in line.registers:
                weights[register - 1] += int(line.eur_per_kwh * 100_000)
    total = sum(w * v for values, _ in days for w, v in zip(weights, values, strict=True))
    blinding = sum(w * b for drawn in blindings for w, b in zip(weights, drawn, strict=True))

    def opens(total: int) -> bool:
        sums = [add_all(points) for points in zip(*committed, strict=True)]
        weighted = combine(zip(weights, sums, strict=True))
        return weighted == combine([(total, base)], blinding)

    if not opens(total) or opens(total - 1):
        raise AssertionError("the peer's commitments do not open")
    rows.add("peer: opening of the exact total", 8 + POINT_BYTES, "bytes")
    ms = [1_000 * s for s in cpu_s(lambda: opens(total), runs=runs)]
    rows.add("peer: verify", ms, "ms CPU")
