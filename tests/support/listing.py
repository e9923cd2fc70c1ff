"""Documents for the transparency log from synthetic providers and publishers."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.store.providers import Provider as Registered
from protocol.calendar import days_between
from protocol.contract import Offer, Signed, open_offer, sign_document
from protocol.hpke import SealingKey
from protocol.schedule import Calendar, PriceSeries, Run, quarter_range
from protocol.tariff import (
    CalendarLine,
    EnergyLine,
    InjectionLine,
    MarketLine,
    RegisterCalendar,
    RegisterLine,
    Tariff,
)
from tests.support.tariffs import simple_tariff

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY = NOW.date()
VAT = Decimal("0.20")
OFF_PEAK_HOURS = range(6)
PEAK, OFF_PEAK = "peak", "off-peak"


class Provider:
    """A provider with its keys."""

    def __init__(self, name: str = "Ville Énergie") -> None:
        self.name = name
        self.key = Ed25519PrivateKey.generate()
        self.sealing = SealingKey.generate()

    def tariff(self, **changes) -> Tariff:
        return simple_tariff(provider=self.name, **changes)

    def offer(self, *tariffs: Tariff, product: str = "p", extends: Signed | None = None) -> Signed:
        """Sign an offer of these tariffs."""
        return sign_document(
            Offer(
                self.name,
                self.key.public_key().public_bytes_raw(),
                self.sealing.public_bytes,
                product,
                tariffs or (self.tariff(),),
                None if extends is None else extends.hash,
            ),
            self.key,
        )


class Publisher:
    """A publisher of calendars and series."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()

    @property
    def name(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def calendar(self, start: date, end: date, name: str = "nights") -> Calendar:
        """Return off-peak (class 1) in the first six hours of each day, else peak (class 2)."""
        runs = []
        for day in days_between(start, end):
            first, _ = quarter_range(day)
            runs += [Run(first, 0), Run(first + 4 * len(OFF_PEAK_HOURS), 1)]
        return Calendar(self.name, name, (OFF_PEAK, PEAK), tuple(runs), quarter_range(end)[0])

    def series(self, start: date, end: date, name: str = "spot", seed: int = 1) -> PriceSeries:
        """Return hourly prices, some of them negative."""
        first, _ = quarter_range(start)
        last, _ = quarter_range(end)
        prices = np.random.default_rng(seed).integers(-500, 20_000, (last - first) // 4)
        return PriceSeries(self.name, name, first, 4, tuple(prices.tolist()))

    def sign(self, schedule: Calendar | PriceSeries) -> Signed:
        return sign_document(schedule, self.key)

    def months(self, kind: str, start: date, end: date, **options) -> list[Signed]:
        """Sign the days as documents of about two months each, small enough for messages."""
        signed = []
        while start < end:
            until = min(start + timedelta(days=60), end)
            signed.append(self.sign(getattr(self, kind)(start, until, **options)))
            start = until
        return signed

    # Lines of tariffs that use these documents.

    def calendar_line(self, name: str, classes: tuple[str, ...], price: str) -> EnergyLine:
        return CalendarLine(name, self.name, "nights", classes, Decimal(price), VAT)

    def market_line(
        self, factor: str = "1.05", markup: str = "0.012", name: str = "spot"
    ) -> EnergyLine:
        return MarketLine(name, self.name, "spot", Decimal(factor), Decimal(markup), VAT)

    def registers_by_calendar(self) -> RegisterCalendar:
        return RegisterCalendar(self.name, "nights")


def register_line(registers: tuple[int, ...], price: str, name: str = "") -> RegisterLine:
    return RegisterLine(name or f"registers {registers}", registers, Decimal(price), VAT)


def injection_line(price: str = "-0.04") -> InjectionLine:
    return InjectionLine("injection", Decimal(price), VAT)


def register(store, *offers: Signed) -> None:
    """Register whoever signed these offers, under the names that they bear."""
    for signed in offers:
        offer = open_offer(signed)
        if store.providers.provider_of(offer.provider_key) is None:
            word = f"p{len(store.providers.providers())}"
            store.providers.put_provider(Registered(word, offer.provider_key, offer.provider, NOW))
