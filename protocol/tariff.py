"""Tariffs: dated documents of fixed and energy lines, each with its VAT rate.

An energy line prices whole kWh of the meter's registers or of injection, or Wh of the curve. Wh of
the curve are selected by a calendar's classes or priced by a market series (protocol/schedule.py).

Prices are exact decimals. An energy price has at most 5 decimals of €/kWh and stays below 2^20
units of 0.00001 €, so it splits into two base-2^10 digits under encryption.
"""

import hashlib
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from protocol.errors import DocumentRefused
from protocol.household import WEIGHT_BITS
from protocol.ids import PublicKey
from protocol.json_text import read_json
from protocol.layout import REGISTERS
from protocol.packed import Count

PRICE_UNIT = Decimal("0.00001")
PRICE_LIMIT_UNITS = 1 << (2 * WEIGHT_BITS)
# A tariff comes from outside; these bound the cost of computing and printing it.
FIXED_LIMIT_EUR = Decimal(1_000_000)
DECIMALS_MAX = 12
FACTOR_LIMIT = Decimal(100)
FACTOR_UNIT = Decimal("0.000001")
LINES_MAX = 64

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class FixedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line that does not depend on energy: `eur` before tax, per month or year, pro rata by day.

    `is_tax` puts any line among the taxes and contributions on a bill.
    """

    name: Name
    eur: Decimal
    per: Literal["month", "year"]
    vat: Decimal
    is_tax: bool = False


class RegisterLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="by", tag="registers"
):
    """A line that prices the summed whole kWh of the named supplier registers (1…10)."""

    name: Name
    registers: tuple[Count, ...]
    eur_per_kwh: Decimal
    vat: Decimal
    is_tax: bool = False


class InjectionLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="by", tag="injection"
):
    """A line that prices the whole kWh injected; a credit has a negative price."""

    name: Name
    eur_per_kwh: Decimal
    vat: Decimal
    is_tax: bool = False


class CalendarLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="by", tag="calendar"
):
    """A line that prices the Wh drawn in the quarter-hours of some classes of a calendar.

    `publisher` is the calendar's signing key (Ed25519), `calendar` its name.
    """

    name: Name
    publisher: PublicKey
    calendar: Name
    classes: tuple[Name, ...]
    eur_per_kwh: Decimal
    vat: Decimal
    is_tax: bool = False


class MarketLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="by", tag="market"
):
    """A line that prices the Wh of each quarter-hour by a market series.

    The price of a quarter-hour is `factor` × the series' + `eur_per_kwh`, rounded half-up to
    0.00001 €/kWh.
    """

    name: Name
    publisher: PublicKey
    series: Name
    factor: Decimal
    eur_per_kwh: Decimal
    vat: Decimal
    is_tax: bool = False


EnergyLine = RegisterLine | InjectionLine | CalendarLine | MarketLine
CurveLine = CalendarLine | MarketLine


def price_units(eur_per_kwh: Decimal) -> int:
    """Return a price of at most 5 decimals in units of 0.00001 €/kWh."""
    return int(eur_per_kwh / PRICE_UNIT)


class RegisterCalendar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The calendar of a meter's registers: its publisher's key and its name."""

    publisher: PublicKey
    calendar: Name


class Tariff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A dated tariff, valid on days [valid_from, valid_to).

    `calendar` is the meter's name (NGTF or OPTARIF) for the calendar of its registers. For a quote
    to another meter, `register_calendar` gives the quarter-hours that each register would count:
    class n of that calendar is register n. `source` names the origin of the figures. `kva` is the
    subscribed power for which the tariff applies, None for any.
    """

    provider: Name
    name: Name
    calendar: Name
    valid_from: date
    valid_to: date | None
    currency: Literal["EUR"]
    fixed: tuple[FixedLine, ...]
    energy: tuple[EnergyLine, ...]
    source: str = ""
    register_calendar: RegisterCalendar | None = None
    kva: Annotated[int, msgspec.Meta(ge=1, le=1_000)] | None = None

    def covers(self, start: date, end: date) -> tuple[date, date] | None:
        """Return the part of the days [start, end) on which this tariff applies, if any."""
        first = max(start, self.valid_from)
        last = min(end, self.valid_to or end)
        return (first, last) if first < last else None


def tariff_bytes(tariff: Tariff) -> bytes:
    """Encode a tariff as the bytes to hash and sign."""
    return msgspec.msgpack.encode(tariff)


def tariff_hash(tariff: Tariff) -> bytes:
    """Return the SHA-256 that identifies a tariff."""
    return hashlib.sha256(tariff_bytes(tariff)).digest()


def parse_tariff(data: bytes, origin: str) -> Tariff:
    """Read a tariff from JSON; `origin` names the file in errors.

    Raises:
        DocumentRefused: names the origin, the line and what is wrong with it.
    """
    try:
        tariff = read_json(data, Tariff)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused(f"{origin}: {exc}.") from exc
    check_tariff(tariff, origin)
    return tariff


def check_tariff(tariff: Tariff, origin: str = "tariff") -> None:
    """Check the rules that types cannot express.

    Raises:
        DocumentRefused: names the origin, the line and what is wrong with it.
    """
    if tariff.valid_to is not None and tariff.valid_to <= tariff.valid_from:
        raise DocumentRefused(f"{origin}: valid_to must lie after valid_from.")
    if not tariff.fixed and not tariff.energy:
        raise DocumentRefused(f"{origin}: a tariff needs at least one line.")
    lines: tuple[FixedLine | EnergyLine, ...] = (*tariff.fixed, *tariff.energy)
    if len(lines) > LINES_MAX:
        raise DocumentRefused(f"{origin}: a tariff has at most {LINES_MAX} lines.")
    names = [line.name for line in lines]
    _check_printable(origin, (tariff.provider, tariff.name, tariff.calendar, *names))
    for number, line in enumerate(lines):
        place = f"{origin}: line {number + 1} ({line.name})"
        if names.count(line.name) > 1:
            raise DocumentRefused(f"{place}: the name stands twice.")
        if not _is_plain(line.vat) or not 0 <= line.vat < 1:
            raise DocumentRefused(f"{place}: vat is a rate from 0 up to 1, such as 0.20.")
        if not isinstance(line, FixedLine):
            _check_energy_line(line, place)
        elif not _is_plain(line.eur) or abs(line.eur) >= FIXED_LIMIT_EUR:
            raise DocumentRefused(
                f"{place}: eur must be a number below {FIXED_LIMIT_EUR:,}, with at most "
                f"{DECIMALS_MAX} decimals."
            )


def _check_printable(origin: str, texts: Iterable[str]) -> None:
    for text in texts:
        if not text.isprintable():
            raise DocumentRefused(f"{origin}: {text!a} holds characters that cannot be printed.")


def _is_plain(number: Decimal) -> bool:
    """Return whether a number is finite and short enough for exact arithmetic."""
    exponent = number.as_tuple().exponent  # a letter where the number is not finite
    return isinstance(exponent, int) and abs(exponent) <= DECIMALS_MAX


def _check_energy_line(line: EnergyLine, place: str) -> None:
    if isinstance(line, RegisterLine):
        _check_once(line.registers, f"{place}: name each register of the line once.")
        for register in line.registers:
            if not 1 <= register <= REGISTERS:
                raise DocumentRefused(
                    f"{place}: register {register} is unknown; a meter has 1 to {REGISTERS}."
                )
    elif isinstance(line, CalendarLine):
        _check_once(line.classes, f"{place}: name each class of the line once.")
    elif isinstance(line, MarketLine) and not (
        _is_plain(line.factor) and abs(line.factor) < FACTOR_LIMIT and not line.factor % FACTOR_UNIT
    ):
        raise DocumentRefused(
            f"{place}: factor must be a number below {FACTOR_LIMIT} with at most 6 decimals."
        )
    limit = PRICE_LIMIT_UNITS * PRICE_UNIT
    if _is_plain(line.eur_per_kwh) and abs(line.eur_per_kwh) >= limit:
        raise DocumentRefused(f"{place}: a price stays below {limit} €/kWh.")
    if not _is_plain(line.eur_per_kwh) or line.eur_per_kwh % PRICE_UNIT:
        raise DocumentRefused(f"{place}: a price has at most 5 decimals of €/kWh.")


def _check_once(things: tuple[object, ...], sentence: str) -> None:
    if not things or len(set(things)) != len(things):
        raise DocumentRefused(sentence)
