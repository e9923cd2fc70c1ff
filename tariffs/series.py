"""Makes market series documents from CSV with a price in €/MWh per hour or quarter-hour."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal

from protocol.calendar import PARIS, QUARTER_HOUR
from protocol.errors import DocumentRefused
from protocol.schedule import PriceSeries, check_schedule, quarter_number
from protocol.tariff import PRICE_LIMIT_UNITS

# Keeps a document within a message of 64 KiB, whatever its prices are.
PRICES_MAX = 12_000
UNITS_PER_EUR_A_MWH = 100
_HOUR = timedelta(hours=1)
_COLUMNS = 2


def read_prices(text: str, origin: str) -> list[tuple[int, datetime, int]]:
    """Read CSV of instant and €/MWh as (line number, instant, units of 0.01 €/MWh).

    Columns are separated by commas, or by semicolons with decimal commas. A first line without a
    number is a heading. An instant without an offset is legal time of France; when clocks go back,
    the file lists the repeated hour twice, in order.

    Raises:
        DocumentRefused: names the line and what is wrong with it.
    """
    separator = ";" if ";" in text.split("\n", 1)[0] else ","
    try:
        rows = list(enumerate(csv.reader(io.StringIO(text), delimiter=separator), 1))
    except csv.Error as exc:
        raise DocumentRefused(f"{origin} cannot be read as CSV: {exc}.") from exc
    prices: list[tuple[int, datetime, int]] = []
    for number, row in rows:
        if not row or (number == 1 and not any(cell[:1].isdigit() for cell in row)):
            continue
        place = f"{origin}: line {number}"
        if len(row) < _COLUMNS:
            raise DocumentRefused(f"{place} needs an instant and a price, as 2026-01-01T00:00Z,80.")
        price = row[1].replace(",", ".") if separator == ";" else row[1]
        prices.append((number, _instant(row[0], prices, place), _units(price, place)))
    if len(prices) < _COLUMNS:
        raise DocumentRefused(f"{origin}: a series needs at least two prices.")
    return prices


def make_series(
    publisher: bytes,
    name: str,
    rows: Sequence[tuple[int, datetime, int]],
    origin: str,
    source: str = "",
) -> list[PriceSeries]:
    """Make the consecutive documents of a series, each small enough for the list.

    Raises:
        DocumentRefused: the instants are not hourly or quarter-hourly without a gap; names the line.
    """
    step_time = rows[1][1] - rows[0][1]
    if step_time not in {QUARTER_HOUR, _HOUR}:
        raise DocumentRefused(
            f"{origin}: line {rows[1][0]} lies {step_time} after the one above; prices are for "
            "hours or quarter-hours."
        )
    for at, (number, instant, _) in enumerate(rows):
        expected = rows[0][1] + at * step_time
        if instant != expected:
            raise DocumentRefused(
                f"{origin}: line {number} is {instant:%Y-%m-%dT%H:%MZ} where "
                f"{expected:%Y-%m-%dT%H:%MZ} should follow; fill the gap or name the file's part."
            )
    if rows[0][1] != _floor(rows[0][1]):
        raise DocumentRefused(f"{origin}: line {rows[0][0]} does not begin a quarter-hour.")
    step: Literal[1, 4] = 1 if step_time == QUARTER_HOUR else 4
    made = []
    for first in range(0, len(rows), PRICES_MAX):
        part = rows[first : first + PRICES_MAX]
        start = quarter_number(part[0][1])
        prices = tuple(units for _, _, units in part)
        series = PriceSeries(publisher, name, start, step, prices, source)
        check_schedule(series, origin)
        made.append(series)
    return made


def _floor(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)


def _instant(text: str, before: Sequence[tuple[int, datetime, int]], place: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as exc:
        raise DocumentRefused(f"{place}: {text!r} is no instant; write 2026-01-01T00:00Z.") from exc
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    first, second = (at.replace(tzinfo=PARIS, fold=fold).astimezone(UTC) for fold in (0, 1))
    is_second = bool(before) and first <= before[-1][1] < second
    return second if is_second else first


def _units(text: str, place: str) -> int:
    try:
        units = Decimal(text.strip()) * UNITS_PER_EUR_A_MWH
    except InvalidOperation as exc:
        raise DocumentRefused(f"{place}: {text!r} is no price in €/MWh.") from exc
    if not units.is_finite() or units != units.to_integral_value():
        raise DocumentRefused(f"{place}: {text} €/MWh has more than 2 decimals.")
    if abs(units) >= PRICE_LIMIT_UNITS:
        raise DocumentRefused(
            f"{place}: {text} €/MWh is too high; a price stays below "
            f"{PRICE_LIMIT_UNITS // UNITS_PER_EUR_A_MWH} €/MWh."
        )
    return int(units)
