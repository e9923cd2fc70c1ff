"""Compares the meter's line with the household's contracts while the chip runs.

Meter, calendar and subscribed power are compared with each contract that holds on the day. A
difference becomes a notice in the vault and an event in the log; metering and encryption continue.
`edge.bills.judge` decides separately, day by day, whether a bill is correct.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

import structlog

from edge.contracts.agreement import Agreement
from edge.contracts.listed import Contracts
from edge.contracts.meter import meter_hash
from edge.contracts.terms import tariffs_on
from edge.metering.events import Notice, NoticeKind
from edge.metering.reading import Reading
from protocol.calendar import legal_day
from protocol.registers import names_of
from protocol.tariff import RegisterLine, Tariff

DIFFERENCES = (NoticeKind.METER_DIFFERS, NoticeKind.CALENDAR_DIFFERS, NoticeKind.POWER_DIFFERS)

log = structlog.get_logger()


class _Line(NamedTuple):
    """The values of the meter's line that concern the contract."""

    serial: str
    calendar: str | None
    subscribed_kva: int | None
    day: date


def unresolved_notices(notices: Iterable[Notice]) -> list[Notice]:
    """Return the notices of present differences, from all notices in order."""
    unresolved_by_kind: dict[NoticeKind, Notice] = {}
    for notice in notices:
        if notice.kind is NoticeKind.CONTRACT_FITS:
            unresolved_by_kind.clear()
        elif notice.kind in DIFFERENCES:
            unresolved_by_kind[notice.kind] = notice
    return list(unresolved_by_kind.values())


def unresolved(notices: Iterable[Notice]) -> dict[NoticeKind, str]:
    """Return the present differences and their details, from all notices in order."""
    return {notice.kind: notice.detail for notice in unresolved_notices(notices)}


def is_named(contracts: Contracts, reading: Reading) -> bool:
    """Return whether a contract that holds on the reading's day names its meter."""
    named = meter_hash(contracts.meter_salt, reading.serial)
    return any(
        agreement.contract.meter == named for agreement in _on_day(contracts, legal_day(reading.at))
    )


def differences(contracts: Contracts, reading: Reading) -> dict[NoticeKind, str]:
    """Return how the line differs from the contracts that hold on the reading's day."""
    day = legal_day(reading.at)
    differing: dict[NoticeKind, str] = {}
    for agreement in _on_day(contracts, day):
        if meter_hash(contracts.meter_salt, reading.serial) != agreement.contract.meter:
            differing[NoticeKind.METER_DIFFERS] = f"contract {agreement.contract_hash.hex()[:16]}"
        offers = (agreement.offer, *contracts.listed_for(agreement).extensions.values())
        differing |= tariff_differences(
            tariffs_on(offers, day), reading.calendar, reading.subscribed_kva
        )
    return differing


def tariff_differences(
    tariffs: Sequence[Tariff], calendar: str | None, kva: int | None
) -> dict[NoticeKind, str]:
    """Return how a meter's calendar and subscribed power (kVA) differ from the tariffs of a day."""
    differing = {}
    calendars = {tariff.calendar for tariff in tariffs if _counts_registers(tariff)}
    if calendar is not None and calendars and names_of(calendar).isdisjoint(calendars):
        differing[NoticeKind.CALENDAR_DIFFERS] = f"{calendar}, contract {min(calendars)}"
    powers_kva = {tariff.kva for tariff in tariffs if tariff.kva is not None}
    is_for_any = any(tariff.kva is None for tariff in tariffs)
    if kva is not None and powers_kva and not is_for_any and kva not in powers_kva:
        differing[NoticeKind.POWER_DIFFERS] = f"{kva} kVA, contract {min(powers_kva)} kVA"
    return differing


class ContractWatch:
    """Reports each difference once, also over restarts: earlier notices are in the vault."""

    def __init__(self, contracts: Contracts, notices: Iterable[Notice]) -> None:
        """Continue after `notices`."""
        self._contracts = contracts
        self._reported = unresolved(notices)
        self._logged: set[NoticeKind] = set()
        self._seen: _Line | None = None

    def look(self, reading: Reading) -> list[Notice]:
        """Compare a reading that metering has used; return the notices that are new."""
        line = _Line(
            reading.serial, reading.calendar, reading.subscribed_kva, legal_day(reading.at)
        )
        # A restored account names no meter until a frame has named it.
        if reading.mode is None or line == self._seen:
            return []
        self._seen = line
        differing = differences(self._contracts, reading)
        for kind in differing.keys() - self._logged:
            log.warning("contract_differs", what=str(kind))
        self._logged = set(differing)
        gone = self._reported.items() - differing.items()
        new = differing if gone else dict(differing.items() - self._reported.items())
        self._reported = differing
        resolved = [Notice(NoticeKind.CONTRACT_FITS, reading.at)] if gone else []
        return [*resolved, *(Notice(kind, reading.at, detail) for kind, detail in new.items())]


def _on_day(contracts: Contracts, day: date) -> list[Agreement]:
    """Return the agreements that hold on a day."""
    return [
        agreement
        for agreement in contracts.agreements.values()
        if agreement.contract.start <= day
        and (agreement.contract.end is None or day < agreement.contract.end)
    ]


def _counts_registers(tariff: Tariff) -> bool:
    return any(isinstance(line, RegisterLine) for line in tariff.energy)
