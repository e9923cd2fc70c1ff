"""Quotes: a household's encrypted year priced under every listed tariff, beside TenSEAL."""

import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.he_peers import BfvVector
from benchmarks.household import (
    COLLECTIVITY,
    DAYS,
    Chip,
    Readings,
    day_prices,
    month_of_readings,
)
from benchmarks.market import listed
from benchmarks.row import Bound, Row, Rows
from benchmarks.sizes import Cloud
from benchmarks.timing import per, scaled, wall_s
from cloud.billing.quotes import PAUSE, QuoteService
from cloud.catalogue.log import OpenedLog
from cloud.store.providers import Provider
from protocol.calendar import day_number, days_between, month_of, quarter_hours
from protocol.contract import Offer
from protocol.household import EpochPad as Pad
from protocol.ids import new_incarnation
from protocol.listed import open_listed
from protocol.quotes import Drawn, QuoteAnswer, QuotePart, QuotePlan, QuoteRequest
from protocol.seal import open_sum
from system.mqtt.message import Incoming, Outgoing

START, END = date(2025, 1, 1), date(2026, 1, 1)
MONTHS = 12
TARIFFS = 40
RUNS = 7
PEER_RUNS = 3
# Ring dimension and bits of the plain modulus that a month's bill needs.
PEER = (8192, 37)
MS = 1_000
# Both bounds apply to a list whose weights are not computed yet, and to one with cached weights.
LIMIT_MS = 1_000
FASTER_AT_LEAST = 1_000


def run(scale: float) -> list[Row]:
    """Measure; raises AssertionError if a result is wrong."""
    rows = Rows("quotes")
    runs = scaled(RUNS, scale, 3)
    with tempfile.TemporaryDirectory() as directory:
        year = Year.encrypted()
        cloud = Cloud(Path(directory), [year.chip])
        cloud.take(year.messages)
        market = OpenedLog(cloud.store)
        for signed in listed(START, END, TARIFFS):
            document = open_listed(signed)
            if isinstance(document, Offer):
                cloud.store.providers.put_provider(
                    Provider("bench0", document.provider_key, document.provider, datetime.now(UTC))
                )
            market.add(signed, START)
        ours_s = _ours(rows, cloud, market, year, runs)
        cloud.store.close()
    _peer(rows, BfvVector(*PEER), year, ours_s, scaled(PEER_RUNS, scale))
    return rows.rows


@dataclass(frozen=True, slots=True)
class Year:
    """A household's year of messages, with its pads and its consumption by month."""

    chip: Chip
    pads: dict[date, Pad]
    messages: list[Incoming]
    drawn_wh: dict[date, int]
    month_wh: Readings

    @classmethod
    def encrypted(cls) -> "Year":
        """Make a year with a block per day and a pad per month."""
        chip, rng = Chip.generate(), np.random.default_rng(2)
        incarnation, month_wh = new_incarnation(), month_of_readings(np.random.default_rng(3))
        pads: dict[date, Pad] = {}
        drawn: dict[date, int] = {}
        messages: list[Incoming] = []
        for number, day in enumerate(days_between(START, END), 1):
            month = month_of(day)
            if month not in pads:
                seal = chip.keyring.of_year(month.year).seal
                pads[month] = seal.new_epoch(month, incarnation)
                messages.append(chip.header(pads[month]))
            readings_wh = month_wh[int(rng.integers(len(DAYS)))]
            # The day on which clocks go forward has no quarter-hours beyond the 92nd.
            drawn_wh = int(readings_wh[: quarter_hours(day)].sum())
            drawn[month] = drawn.get(month, 0) + drawn_wh
            data = chip.encrypt_day(pads[month], day, readings_wh)
            messages.append(chip.block(pads[month], day, number, 0, data))
        return cls(chip, pads, messages, drawn, month_wh)


def _ours(rows: Rows, cloud: Cloud, market: OpenedLog, year: Year, runs: int) -> float:
    key, chip, head = Ed25519PrivateKey.generate(), year.chip, market.entries[-1].head
    request = QuoteRequest(chip.secret.id, bytes(16), day_number(START), day_number(END), head)
    at = datetime(2026, 1, 1, tzinfo=UTC)

    def answer(service: QuoteService) -> tuple[Outgoing, ...]:
        nonlocal at
        at += PAUSE
        return service.answer(chip.enrolment, request, at)

    cold_s = wall_s(
        lambda: answer(QuoteService(cloud.store, market, COLLECTIVITY, key)), runs=max(2, runs // 2)
    )
    service = QuoteService(cloud.store, market, COLLECTIVITY, key)
    warm_s = wall_s(lambda: answer(service), runs=runs)
    limit = Bound("below", LIMIT_MS)
    note = f"{TARIFFS} tariffs, {MONTHS} months, wall time, read from the store"
    rows.add("quotes for a household's year", per(warm_s, 1 / MS), "ms", bound=limit, note=note)
    rows.add(
        "the same, first of a list",
        per(cold_s, 1 / MS),
        "ms",
        bound=limit,
        note="with the list's weights, which later households share",
    )
    sent = answer(service)
    rows.add("the answer on the wire", sum(len(message.payload) for message in sent), "bytes")
    _check(market, year, sent)
    return float(np.median(warm_s))


def _check(market: OpenedLog, year: Year, sent: tuple[Outgoing, ...]) -> None:
    """Open the household's consumption in each month, and compare it."""
    parts = [
        msgspec.msgpack.decode(msgspec.msgpack.decode(message.payload)[1], type=QuotePart)
        for message in sent
    ]
    answer = msgspec.msgpack.decode(b"".join(part.data for part in parts), type=QuoteAnswer)
    plan = QuotePlan(market.catalogue, START, END)
    assert len(plan.quoted) == TARIFFS
    assert not answer.missing
    sums = np.frombuffer(answer.sums, "<u8").reshape(len(plan.months), len(plan.columns))
    for number, month in enumerate(plan.months):
        weights = plan.row(Drawn(), month).astype(np.int64)
        total = int(sums[number, plan.number(Drawn())])
        seal, seed = year.chip.keyring.of_year(month.year).seal, year.pads[month].seed
        assert open_sum(total, [(seal, seed, weights)]) == year.drawn_wh[month]


def _peer(rows: Rows, peer: BfvVector, year: Year, ours_s: float, runs: int) -> None:
    """Price a month under one tariff with a rotated dot product per day; the rest scales."""
    prices = day_prices().tolist()
    vectors = [peer.encrypt(day) for day in year.month_wh.tolist()]
    expected = int((year.month_wh @ day_prices()).sum())
    assert peer.open(peer.dots(vectors, prices)) == expected % peer.plain_modulus
    month_s = wall_s(lambda: peer.dots(vectors, prices), runs=runs)
    year_s = per(month_s, 1 / (MONTHS * TARIFFS))
    rows.add(
        f"{peer.name}: the same by .dot()",
        year_s,
        "s",
        note=f"from one month under one tariff, {len(DAYS)} days",
    )
    rows.add(
        f"{peer.name} / ours: quotes",
        per(year_s, ours_s),
        "times",
        bound=Bound("at least", FASTER_AT_LEAST),
    )
