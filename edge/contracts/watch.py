"""What the meter's line says against what the household's contract promises, while the chip runs.

Meter, calendar and subscribed power are compared with each contract that holds on the day. What
differs is a notice in the vault and an event in the log; metering and encryption go on. Whether a
bill is correct, `edge.bills.judge` says day by day.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import structlog

from edge.contracts.agreement import Agreement
from edge.contracts.listed import Contracts
from edge.contracts.meter import meter_hash
from edge.metering.events import Notice, NoticeKind
from edge.metering.reading import Reading
from protocol.calendar import legal_day
from protocol.registers import names_of
from protocol.tariff import RegisterLine, Tariff

DIFFERENCES = (NoticeKind.METER_DIFFERS, NoticeKind.CALENDAR_DIFFERS, NoticeKind.POWER_DIFFERS)

log = structlog.get_logger()


class _Line(NamedTuple):
    """What the line says of the contract."""

    serial: str
    calendar: str | None
    subscribed_kva: int | None
    day: date


def unresolved_notices(notices: Iterable[Notice]) -> list[Notice]:
    """Return the notices of what differs by now, from all notices in order."""
    found: dict[NoticeKind, Notice] = {}
    for notice in notices:
        if notice.kind is NoticeKind.CONTRACT_FITS:
            found.clear()
        elif notice.kind in DIFFERENCES:
            found[notice.kind] = notice
    return list(found.values())


def unresolved(notices: Iterable[Notice]) -> dict[NoticeKind, str]:
    """Return what differs by now and the details of it, from all notices in order."""
    return {notice.kind: notice.detail for notice in unresolved_notices(notices)}


def is_named(contracts: Contracts, reading: Reading) -> bool:
    """Say whether a contract that holds on the reading's day names its meter."""
    named = meter_hash(contracts.meter_salt, reading.serial)
    return any(each.contract.meter == named for each in _held(contracts, legal_day(reading.at)))


def differences(contracts: Contracts, reading: Reading) -> dict[NoticeKind, str]:
    """Return in what the line differs from the contracts that hold on the reading's day."""
    day = legal_day(reading.at)
    found: dict[NoticeKind, str] = {}
    for agreement in _held(contracts, day):
        if meter_hash(contracts.meter_salt, reading.serial) != agreement.contract.meter:
            found[NoticeKind.METER_DIFFERS] = f"contract {agreement.contract_hash.hex()[:16]}"
        found |= _tariff_differences(_tariffs_on(contracts, agreement, day), reading)
    return found


class ContractWatch:
    """Tells once of each difference, also over restarts: what was told stands in the vault."""

    def __init__(self, contracts: Contracts, notices: Iterable[Notice]) -> None:
        """Go on after `notices`."""
        self._contracts = contracts
        self._told = unresolved(notices)
        self._logged: set[NoticeKind] = set()
        self._seen: _Line | None = None

    def look(self, reading: Reading) -> list[Notice]:
        """Compare a reading that metering has used; returns what is new to the household."""
        line = _Line(
            reading.serial, reading.calendar, reading.subscribed_kva, legal_day(reading.at)
        )
        # A restored account names no meter until a frame has.
        if reading.mode is None or line == self._seen:
            return []
        self._seen = line
        found = differences(self._contracts, reading)
        for kind in found.keys() - self._logged:
            log.warning("contract_differs", what=str(kind))
        self._logged = set(found)
        gone = self._told.items() - found.items()
        new = found if gone else dict(found.items() - self._told.items())
        self._told = found
        again = [Notice(NoticeKind.CONTRACT_FITS, reading.at)] if gone else []
        return [*again, *(Notice(kind, reading.at, detail) for kind, detail in new.items())]


def _held(contracts: Contracts, day: date) -> list[Agreement]:
    """Return the agreements that hold on a day."""
    return [
        each
        for each in contracts.agreements.values()
        if each.contract.start <= day and (each.contract.end is None or day < each.contract.end)
    ]


def _tariffs_on(contracts: Contracts, agreement: Agreement, day: date) -> list[Tariff]:
    """Return the tariffs that may price a day: the offer's, or those of listed sequels of it."""
    offers = (agreement.offer, *contracts.listed_for(agreement).extensions.values())
    return [
        tariff
        for offer in offers
        for tariff in offer.tariffs
        if tariff.valid_from <= day and (tariff.valid_to is None or day < tariff.valid_to)
    ]


def _tariff_differences(tariffs: list[Tariff], reading: Reading) -> dict[NoticeKind, str]:
    found = {}
    calendars = {each.calendar for each in tariffs if _counts_registers(each)}
    calendar = reading.calendar
    if calendar is not None and calendars and names_of(calendar).isdisjoint(calendars):
        found[NoticeKind.CALENDAR_DIFFERS] = f"{calendar}, contract {min(calendars)}"
    powers_kva = {each.kva for each in tariffs if each.kva is not None}
    kva, is_for_any = reading.subscribed_kva, any(each.kva is None for each in tariffs)
    if kva is not None and powers_kva and not is_for_any and kva not in powers_kva:
        found[NoticeKind.POWER_DIFFERS] = f"{kva} kVA, contract {min(powers_kva)} kVA"
    return found


def _counts_registers(tariff: Tariff) -> bool:
    return any(isinstance(line, RegisterLine) for line in tariff.energy)
