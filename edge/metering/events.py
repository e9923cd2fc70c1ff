"""The events of metering: closed quarter-hours, closed days, and notices for the household."""

from datetime import date, datetime
from enum import StrEnum

import msgspec

from edge.tic.frame import Mode
from protocol.doubt import Doubt


class MeterId(msgspec.Struct, frozen=True):
    """A meter as its TIC output names it. `serial` (ADSC/ADCO) never leaves the chip in clear."""

    serial: str


class QuarterHourClosed(msgspec.Struct, frozen=True):
    """Energy drawn in quarter-hour `j` of the legal day, in Wh, in [0, 9000].

    `is_estimated`: the energy was spread over a gap, not metered.
    """

    day: date
    j: int
    energy_wh: int
    is_estimated: bool = False


class DayPart(msgspec.Struct, frozen=True):
    """What one meter counted under one calendar, on a day on which either changed.

    Attributes:
        meter_serial: the meter of this part.
        calendar: NGTF or OPTARIF, stripped.
        until: the instant at which the next part begins; the day's end for the last part.
        register_steps_kwh: whole-kWh steps of registers 1..10 within this part.
        register_index_kwh: whole-kWh indices of registers 1..10 up to which steps are counted.
        injected_wh: energy injected within this part; `injected_step_kwh` its whole-kWh step.
    """

    meter_serial: str
    calendar: str
    until: datetime
    register_steps_kwh: tuple[int, ...]
    register_index_kwh: tuple[int, ...]
    injected_wh: int = 0
    injected_step_kwh: int = 0


class DayClosed(msgspec.Struct, frozen=True):
    """The registers' account of one legal day.

    Attributes:
        day: the legal day.
        register_steps_kwh: whole-kWh steps of supplier registers 1..10 (always ten), of all parts.
        injected_wh: energy injected that day; `injected_step_kwh` its whole-kWh step.
        register_index_kwh: whole-kWh indices of registers 1..10 up to which steps are counted:
            those of the day's last reading, unless a step was too large for one day.
        injected_index_kwh: the same for injection.
        drawn_index_wh: the total drawn, modulo 10^9, that the curve accounts for by the day's end.
        injected_index_wh: the injection index that is accounted for, 0 if there is none.
        meter_serial: the meter at the day's end.
        calendar: NGTF or OPTARIF as the meter sends it, stripped.
        max_power_va: the highest apparent power seen.
        is_index_read: False if no reading lies near the day's end ("index not read").
        parts: the day split where meter or calendar changed, in order; empty on any other day.
        doubts: why its energy is an estimate: it rests on a reading that was believed although
            nobody can vouch for it.
        mode: the TIC mode at the day's end, which decides what `drawn_index_wh` counts; None if it
            is not known.
    """

    day: date
    register_steps_kwh: tuple[int, ...]
    injected_wh: int
    injected_step_kwh: int
    register_index_kwh: tuple[int, ...]
    injected_index_kwh: int
    drawn_index_wh: int
    injected_index_wh: int
    meter_serial: str
    calendar: str
    max_power_va: int
    is_index_read: bool
    parts: tuple[DayPart, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    mode: Mode | None = None


class NoticeKind(StrEnum):
    """What the chip reports to the household about the meter, the contract and the vault."""

    GAP = "gap"
    GAPS_ENDED = "gaps_ended"
    CLOCK_JUMP = "clock_jump"
    CLOCK_DEGRADED = "clock_degraded"
    CLOCK_DOUBTED = "clock_doubted"
    CLOCKS_DIFFER = "clocks_differ"
    DAYS_REOPENED = "days_reopened"
    BEGINNING_MOVED = "beginning_moved"
    OTHER_METER = "other_meter"
    OTHER_METER_DROPPED = "other_meter_dropped"
    METER_REPLACED = "meter_replaced"
    CALENDAR_CHANGED = "calendar_changed"
    INDEX_QUARANTINED = "index_quarantined"
    QUARANTINE_ENDED = "quarantine_ended"
    INDEX_BEGAN_ANEW = "index_began_anew"
    INDEX_JUMPED = "index_jumped"
    INDEX_WRAPPED = "index_wrapped"
    ENERGY_UNPLACED = "energy_unplaced"
    LIMIT_YIELDED = "limit_yielded"
    METER_DIFFERS = "meter_differs"
    CALENDAR_DIFFERS = "calendar_differs"
    POWER_DIFFERS = "power_differs"
    CONTRACT_FITS = "contract_fits"
    VAULT_REBUILT = "vault_rebuilt"
    KEYS_DRAWN = "keys_drawn"
    KEYS_LOST = "keys_lost"


class Notice(msgspec.Struct, frozen=True):
    """Something unusual, at the meter's time. `detail` carries no index and no energy."""

    kind: NoticeKind
    at: datetime
    detail: str = ""


Event = QuarterHourClosed | DayClosed | Notice
