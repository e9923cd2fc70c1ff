"""The billing lane: bytes on the wire and stored, encryption, statement, opening, and its peers."""

import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from benchmarks.he_peers import BfvVector, Paillier
from benchmarks.household import (
    DAYS,
    MONTH,
    READINGS_A_DAY,
    READINGS_A_MONTH,
    Month,
    day_prices,
    month_weights,
    register_steps,
)
from benchmarks.row import Bound, Row, Rows
from benchmarks.sizes import Cloud, stored, wire
from benchmarks.timing import cpu_s, per, scaled
from cloud.billing.plan import WeightPlan
from cloud.billing.statements import Prepared, compute
from cloud.store import StoredContract
from protocol.calendar import day_number, next_month
from protocol.contract import Signed, StatementRequest
from protocol.household import weighted_sum
from protocol.layout import DAY_COEFFICIENTS
from protocol.messages import Statement
from protocol.schedule import Schedules
from protocol.seal import open_sum
from protocol.statement import Component, components
from protocol.tariff import FixedLine, RegisterLine, Tariff

# Ring dimension and bits of the plain modulus: the most that allows a dot product at N = 4096, and
# what a month's bill needs at N = 8192.
BFV_PARAMETERS = ((4096, 20), (8192, 37))

SMALLER_AT_LEAST = 60
FASTER_AT_LEAST = 1_000
RUNS = 9
PEER_RUNS = 5
STORED_HOUSEHOLDS = 20
MS, US = 1_000, 1_000_000

_TARIFF = Tariff(
    provider="Bench",
    name="off-peak",
    calendar="H PLEINE/CREUSE",
    valid_from=MONTH,
    valid_to=None,
    currency="EUR",
    fixed=(FixedLine("subscription", Decimal(15), "month", Decimal("0.20")),),
    energy=(
        RegisterLine("off-peak", (1,), Decimal("0.15703"), Decimal("0.20")),
        RegisterLine("peak", (2,), Decimal("0.21146"), Decimal("0.20")),
        RegisterLine("excise", (1, 2), Decimal("0.03085"), Decimal("0.20")),
    ),
)


def run(scale: float) -> list[Row]:
    """Measure; raises AssertionError if a result is wrong."""
    rows = Rows("cipher")
    month = Month.encrypted()
    with tempfile.TemporaryDirectory() as directory:
        wire_bytes_a_day = wire(rows, month, Path(directory))
    with tempfile.TemporaryDirectory() as directory:
        stored(rows, scaled(STORED_HOUSEHOLDS, scale), Path(directory))
    runs = scaled(RUNS, scale, 3)
    ours = _ours(rows, month, runs)
    peer_runs = scaled(PEER_RUNS, scale)
    for dimension, plain_bits in BFV_PARAMETERS:
        _bfv_vector(rows, BfvVector(dimension, plain_bits), month, ours, peer_runs)
    _size_ratio(rows, wire_bytes_a_day)
    _paillier(rows, month, ours, scaled(READINGS_A_DAY, scale, 4), peer_runs)
    return rows.rows


@dataclass(frozen=True, slots=True)
class Ours:
    """Volet's figures for comparison, in CPU seconds."""

    encryption_day_s: float
    statement_s: float
    opening_s: float
    whole_statement_s: float


def _ours(rows: Rows, month: Month, runs: int) -> Ours:
    chip, seal = month.chip, month.chip.seal
    rows.add("epoch set-up on the chip", per(cpu_s(chip.new_pad, runs=runs), 1 / MS), "ms")
    encryption_day_s = _encryption(rows, month, runs)
    weights = month_weights()
    total = weighted_sum(month.coefficients, weights)
    assert open_sum(total, [(seal, month.pad.seed, weights)]) == month.expected
    statement_s = cpu_s(lambda: weighted_sum(month.coefficients, weights), runs=runs, times=200)
    rows.add(
        "sum over a month's readings in the cloud",
        per(statement_s, 1 / US),
        "µs",
        note=f"{READINGS_A_MONTH} readings, a price each",
    )
    opening_s = cpu_s(
        lambda: open_sum(total, [(seal, month.pad.seed, weights)]), runs=runs, times=3
    )
    rows.add("opening that sum on the chip", per(opening_s, 1 / MS), "ms")
    whole_s = _whole_statement(rows, month, runs)
    header_bytes = len(chip.header(month.pad).payload)
    note = "the month's epoch header: a public seed, no key"
    rows.add("keys in the cloud, a household", header_bytes, "bytes", note=note)
    return Ours(
        encryption_day_s, float(np.median(statement_s)), float(np.median(opening_s)), whole_s
    )


def _encryption(rows: Rows, month: Month, runs: int) -> float:
    """Time the values of whole months, each with its own pad, and the signed block."""
    chip = month.chip
    pads = iter([chip.new_pad() for _ in range(runs + 1)])

    def encrypt_month() -> None:
        pad = next(pads)
        for day, day_wh in zip(DAYS, month.readings_wh, strict=True):
            chip.encrypt_day(pad, day, day_wh)

    day_s = per(cpu_s(encrypt_month, runs=runs), len(DAYS))
    rows.add("encryption on the chip, a value", per(day_s, DAY_COEFFICIENTS / US), "µs")
    data = month.coefficients[:DAY_COEFFICIENTS].astype("<u8").tobytes()
    block_s = cpu_s(lambda: chip.block(month.pad, MONTH, 1, 0, data), runs=runs, times=20)
    rows.add("signing a day's block on the chip", per(block_s, 1 / US), "µs")
    whole_s = [one + two for one, two in zip(day_s, block_s, strict=True)]
    return (
        rows.add(
            "encryption on the chip, a day", per(whole_s, 1 / MS), "ms", note="128 values, signed"
        )
        / MS
    )


def _whole_statement(rows: Rows, month: Month, runs: int) -> float:
    """Time a bill of three energy lines, computed and opened; returns the seconds in the cloud."""
    chip = month.chip
    request = StatementRequest(
        bytes(16), bytes(32), bytes(32), day_number(MONTH), day_number(next_month(MONTH))
    )
    prepared = Prepared(request, WeightPlan(_components()))
    unsigned = Signed("", b"", b"")
    contract = StoredContract(bytes(32), chip.secret.id, "", b"", unsigned, unsigned, unsigned)
    with tempfile.TemporaryDirectory() as directory:
        cloud = Cloud(Path(directory), [chip])
        blocks = [
            chip.block(
                month.pad,
                day,
                number + 1,
                0,
                month.coefficients[number * DAY_COEFFICIENTS : (number + 1) * DAY_COEFFICIENTS]
                .astype("<u8")
                .tobytes(),
            )
            for number, day in enumerate(DAYS)
        ]
        cloud.take([chip.header(month.pad), *blocks])

        def state() -> Statement:
            stored = cloud.store.blocks_of_days(chip.secret.id, MONTH, next_month(MONTH))
            return compute(prepared, contract, b"", stored)

        statement = state()
        whole_ms = rows.add(
            "statement of a month in the cloud",
            per(cpu_s(state, runs=runs, times=5), 1 / MS),
            "ms",
            note="read from the store, 3 energy lines, 9 sums",
        )
        cloud.store.close()
    opened = _open(statement, month)
    steps = np.array([register_steps(day_wh) for day_wh in month.readings_wh]).sum(axis=0)
    assert opened == [int(steps[0]), int(steps[1]), int(steps.sum())]
    rows.add(
        "opening that statement on the chip",
        per(cpu_s(lambda: _open(statement, month), runs=runs), 1 / MS),
        "ms",
        note="9 sums",
    )
    return whole_ms / MS


def _components() -> tuple[Component, ...]:
    return tuple(components((_TARIFF,), MONTH, next_month(MONTH), Schedules()))


def _open(statement: Statement, month: Month) -> list[int]:
    """Open every sum of a statement and return the quantities of its lines in kWh."""
    seal, seed = month.chip.seal, month.pad.seed
    quantities = []
    for part, line in zip(_components(), statement.lines, strict=True):
        (sums,) = line.months
        weights = part.weights(MONTH)
        quantity, low, high = (
            open_sum(total, [(seal, seed, vector)])
            for total, vector in zip(
                (sums.quantity, *sums.amount), (weights.quantity, *weights.amount), strict=True
            )
        )
        price = int(weights.amount[0].sum() + 1024 * weights.amount[1].sum())
        assert (low + 1024 * high) * int(weights.quantity.sum()) == quantity * price
        quantities.append(quantity)
    return quantities


def _bfv_vector(rows: Rows, peer: BfvVector, month: Month, ours: Ours, runs: int) -> None:
    days = month.readings_wh.tolist()
    prices = day_prices().tolist()
    vectors = [peer.encrypt(day) for day in days]
    expected = month.expected % peer.plain_modulus
    assert peer.open(peer.dots(vectors, prices)) == expected
    total = peer.products(vectors, prices)
    assert peer.open(total) == expected
    is_exact = month.expected < peer.plain_modulus
    note = "" if is_exact else "result right only modulo 2^20"
    rows.add(f"{peer.name}: a day on the wire", peer.size_bytes(vectors[0]), "bytes")
    rows.add(f"{peer.name}: keys in the cloud, a household", peer.cloud_keys_bytes(), "bytes")
    encryption_s = cpu_s(lambda: peer.encrypt(days[0]), runs=runs, times=5)
    rows.add(f"{peer.name}: encryption, a day", per(encryption_s, 1 / MS), "ms")
    dots_s = cpu_s(lambda: peer.dots(vectors, prices), runs=runs)
    rows.add(f"{peer.name}: a month by .dot()", per(dots_s, 1 / MS), "ms", note=note)
    products_s = cpu_s(lambda: peer.products(vectors, prices), runs=runs)
    rows.add(
        f"{peer.name}: a month the cheapest way",
        per(products_s, 1 / MS),
        "ms",
        note="one rotation sum",
    )
    opening_s = cpu_s(lambda: peer.open(total), runs=runs, times=5)
    rows.add(f"{peer.name}: opening", per(opening_s, 1 / MS), "ms")
    _ratios(rows, peer.name, ours, encryption_s, dots_s)
    rows.add(
        f"{peer.name} / ours: statement, cheapest way", per(products_s, ours.statement_s), "times"
    )
    rows.add(
        f"{peer.name} / ours: .dot() against a whole statement",
        per(dots_s, ours.whole_statement_s),
        "times",
        # Only where the result is right: at N = 4096 a dot product wraps around.
        bound=Bound("at least", FASTER_AT_LEAST) if is_exact else None,
        note="one price against three lines, read from the store",
    )


def _size_ratio(rows: Rows, wire_bytes_a_day: float) -> None:
    """Compare a day of Volet, everything counted, with the bare ciphertext of the smallest peer."""
    sizes = [row.value for row in rows.rows if row.name == "bfv_vector N=4096: a day on the wire"]
    rows.add(
        "bfv_vector N=4096 / ours: a day on the wire",
        sizes[0] / wire_bytes_a_day,
        "times",
        bound=Bound("at least", SMALLER_AT_LEAST),
        note="the ciphertext alone against all we send",
    )


def _paillier(rows: Rows, month: Month, ours: Ours, readings: int, runs: int) -> None:
    """Measure some readings of a day; with one ciphertext per reading, the rest scales."""
    peer = Paillier()
    note = f"from {readings} readings; {'with' if peer.is_fast else 'without'} gmpy2"
    plain = month.readings_wh[0, :readings].tolist()
    prices = day_prices()[:readings].tolist()
    encrypted = peer.encrypt(plain)
    total = peer.dot(encrypted, prices)
    expected = sum(wh * price for wh, price in zip(plain, prices, strict=True))
    assert peer.open(total) == expected
    rows.add(f"{peer.name}: a day on the wire", peer.size_bytes * READINGS_A_DAY, "bytes")
    encryption_s = per(cpu_s(lambda: peer.encrypt(plain), runs=runs), readings / READINGS_A_DAY)
    rows.add(f"{peer.name}: encryption, a day", per(encryption_s, 1 / MS), "ms", note=note)
    statement_s = per(
        cpu_s(lambda: peer.dot(encrypted, prices), runs=runs), readings / READINGS_A_MONTH
    )
    rows.add(f"{peer.name}: sum over a month", per(statement_s, 1 / MS), "ms", note=note)
    opening_s = cpu_s(lambda: peer.open(total), runs=runs, times=3)
    rows.add(f"{peer.name}: opening", per(opening_s, 1 / MS), "ms")
    _ratios(rows, peer.name, ours, encryption_s, statement_s)


def _ratios(
    rows: Rows, name: str, ours: Ours, encryption_s: list[float], statement_s: list[float]
) -> None:
    rows.add(f"{name} / ours: encryption", per(encryption_s, ours.encryption_day_s), "times")
    rows.add(f"{name} / ours: statement", per(statement_s, ours.statement_s), "times")
