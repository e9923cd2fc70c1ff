"""A transparency log for measuring, with offers of every kind, calendars and hourly prices."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.calendar import days_between
from protocol.contract import Offer, Signed, sign_document
from protocol.hpke import SealingKey
from protocol.schedule import Calendar, PriceSeries, Run, quarter_range
from protocol.tariff import (
    CalendarLine,
    EnergyLine,
    FixedLine,
    MarketLine,
    RegisterCalendar,
    RegisterLine,
    Tariff,
)

VAT = Decimal("0.20")
# Keeps a document within a message of 64 KiB.
DOCUMENT_DAYS = 90
CLASSES = ("off-peak", "peak")


def listed(
    start: date, end: date, tariffs: int, *, providers: int = 1, step: Literal[1, 4] = 4
) -> Iterator[Signed]:
    """Yield schedules that cover [start, end), then offers of `tariffs` tariffs of four kinds.

    The providers take turns; market prices are for `step` quarter-hours.
    """
    publisher = Ed25519PrivateKey.generate()
    name = publisher.public_key().public_bytes_raw()
    rng = np.random.default_rng(4)
    at = start
    while at < end:
        until = min(at + timedelta(days=DOCUMENT_DAYS), end)
        yield sign_document(_calendar(name, at, until), publisher)
        yield sign_document(_series(name, at, until, rng, step), publisher)
        at = until
    keys = [Ed25519PrivateKey.generate() for _ in range(providers)]
    sealing = SealingKey.generate()
    for number in range(tariffs):
        key = keys[number % providers]
        tariff = _tariff(name, number, start, f"Bench {number % providers}")
        public = key.public_key().public_bytes_raw()
        offer = Offer(tariff.provider, public, sealing.public_bytes, tariff.name, (tariff,))
        yield sign_document(offer, key)


def _tariff(publisher: bytes, number: int, start: date, provider: str) -> Tariff:
    cents = Decimal(number) / 1000
    sorts: tuple[tuple[EnergyLine, ...], ...] = (
        _registers(2, cents),
        _registers(6, cents),
        tuple(
            CalendarLine(name, publisher, "hours", (name,), Decimal("0.15") + cents, VAT)
            for name in CLASSES
        ),
        (MarketLine("market", publisher, "spot", Decimal("1.05"), cents, VAT),),
    )
    tariff = Tariff(
        provider=provider,
        name=f"tariff {number}",
        calendar="TEMPO" if number % 4 == 1 else "H PLEINE/CREUSE",
        valid_from=start,
        valid_to=None,
        currency="EUR",
        fixed=(FixedLine("subscription", Decimal(15), "month", VAT),),
        energy=sorts[number % 4],
    )
    calendar = RegisterCalendar(publisher, "hours")
    return msgspec.structs.replace(tariff, register_calendar=calendar)


def _registers(count: int, cents: Decimal) -> tuple[EnergyLine, ...]:
    return tuple(
        RegisterLine(f"register {n}", (n,), Decimal("0.12") + cents, VAT)
        for n in range(1, count + 1)
    )


def _calendar(publisher: bytes, start: date, end: date) -> Calendar:
    runs = []
    for day in days_between(start, end):
        first, _ = quarter_range(day)
        runs += [Run(first, 0), Run(first + 24, 1), Run(first + 88, 0)]
    return Calendar(publisher, "hours", CLASSES, tuple(runs), quarter_range(end)[0])


def _series(
    publisher: bytes, start: date, end: date, rng: np.random.Generator, step: Literal[1, 4]
) -> PriceSeries:
    (first, _), (last, _) = quarter_range(start), quarter_range(end)
    prices = rng.integers(-2_000, 30_000, (last - first) // step)
    return PriceSeries(publisher, "spot", first, step, tuple(prices.tolist()))
