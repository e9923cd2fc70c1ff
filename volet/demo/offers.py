"""The documents that the demo's town lists: offers of three providers, a calendar, market prices."""

import math
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.quotes.asking import year_before
from protocol.calendar import days_between, quarter_hours
from protocol.contract import Offer, Signed, sign_document
from protocol.hpke import SealingKey
from protocol.schedule import Calendar, PriceSeries, Run, quarter_range
from protocol.tariff import (
    CalendarLine,
    FixedLine,
    MarketLine,
    RegisterCalendar,
    RegisterLine,
    Tariff,
)
from tariffs.calendars import tempo_calendar
from tariffs.days import tempo_days, tempo_source
from tariffs.grids import GridOption
from tariffs.regulated import regulated_tariffs

VAT = Decimal("0.20")
EXCISE = Decimal("0.03085")
TEMPO = "Tempo"
WEEK = "semaine et fin de semaine"
SPOT = "prix simulés"
SATURDAY = 5
ONE_DAY = timedelta(days=1)
HOUR: Literal[4] = 4  # quarter-hours


def offers_of(month: date, end: date, kva: int) -> Iterator[Signed]:
    """Yield the documents to list, in order: schedules, then offers for `kva` for [month, end).

    The schedules cover the year before `end`, which quotes are for. The regulated tariff is real.
    The other two providers and the market prices are invented, and their names say so.
    """
    publisher = Ed25519PrivateKey.generate()
    public = publisher.public_key().public_bytes_raw()
    begin = year_before(end)
    days = days_between(begin, end)
    yield sign_document(_week(public, days), publisher)
    yield sign_document(_spot(public, days), publisher)
    colours, first = tempo_days(), begin - ONE_DAY
    if all(day in colours for day in days_between(first, end)):
        calendar = tempo_calendar(public, TEMPO, colours, first, end, source=tempo_source())
        yield sign_document(calendar, publisher)
    regulated, regulated_sealing = Ed25519PrivateKey.generate(), SealingKey.generate()
    for option in (GridOption.BASE, GridOption.HPHC, GridOption.TEMPO):
        register_calendar = RegisterCalendar(public, TEMPO) if option is GridOption.TEMPO else None
        tariffs = regulated_tariffs(option, kva, register_calendar=register_calendar)
        yield _offer(tariffs, regulated, regulated_sealing)
    for tariff in (_weekend_tariff(public, month, kva), _spot_tariff(public, month, kva)):
        yield _offer([tariff], Ed25519PrivateKey.generate(), SealingKey.generate())


def _offer(tariffs: Sequence[Tariff], key: Ed25519PrivateKey, sealing: SealingKey) -> Signed:
    public = key.public_key().public_bytes_raw()
    first = tariffs[0]
    offer = Offer(first.provider, public, sealing.public_bytes, first.name, tuple(tariffs))
    return sign_document(offer, key)


def _week(publisher: bytes, days: Sequence[date]) -> Calendar:
    runs: list[Run] = []
    for day in days:
        number = int(day.weekday() >= SATURDAY)
        if not runs or runs[-1].number != number:
            runs.append(Run(quarter_range(day)[0], number))
    end = quarter_range(days[-1])[1]
    return Calendar(publisher, WEEK, ("semaine", "fin de semaine"), tuple(runs), end)


def _spot(publisher: bytes, days: Sequence[date]) -> PriceSeries:
    """Return hourly prices that are high in the evening and, on Sundays, negative at noon."""
    prices: list[int] = []
    for number, day in enumerate(days):
        base = 9_000 + 2_500 * math.sin(number / 3)
        for j in range(0, quarter_hours(day), HOUR):
            noon = math.exp(-(((j - 52) / 10) ** 2)) * (
                14_000 if day.weekday() > SATURDAY else 6_000
            )
            evening = math.exp(-(((j - 76) / 8) ** 2)) * 9_000
            prices.append(round(base - noon + evening))
    start = quarter_range(days[0])[0]
    return PriceSeries(publisher, SPOT, start, HOUR, tuple(prices), "made up for the demo")


def _weekend_tariff(publisher: bytes, month: date, kva: int) -> Tariff:
    return Tariff(
        provider="Samedi Énergie (inventé)",
        name=f"Fin de semaine {kva} kVA",
        calendar="BASE",
        valid_from=month,
        valid_to=None,
        currency="EUR",
        fixed=(FixedLine("abonnement", Decimal("17.20"), "month", VAT),),
        energy=(
            CalendarLine("semaine", publisher, WEEK, ("semaine",), Decimal("0.1560"), VAT),
            CalendarLine(
                "fin de semaine", publisher, WEEK, ("fin de semaine",), Decimal("0.0750"), VAT
            ),
            CalendarLine(
                "accise", publisher, WEEK, ("semaine", "fin de semaine"), EXCISE, VAT, is_tax=True
            ),
        ),
        source="made up for the demo",
        kva=kva,
    )


def _spot_tariff(publisher: bytes, month: date, kva: int) -> Tariff:
    return Tariff(
        provider="Bourse Énergie (inventé)",
        name=f"Au prix du marché {kva} kVA",
        calendar="BASE",
        valid_from=month,
        valid_to=None,
        currency="EUR",
        fixed=(FixedLine("abonnement", Decimal("18.00"), "month", VAT),),
        energy=(
            MarketLine("marché", publisher, SPOT, Decimal("1.05"), Decimal("0.04500"), VAT),
            RegisterLine("accise", (1,), EXCISE, VAT, is_tax=True),
        ),
        source="made up for the demo",
        kva=kva,
    )
