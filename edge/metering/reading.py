"""Turns a frame's groups into one reading: time, meter and counters.

Source of labels and units: Enedis-NOI-CPT_54E v3. Counters are nine digits of Wh and wrap.
"""

from datetime import UTC, date, datetime

import msgspec

from edge.tic.frame import Frame, InformationGroup, Mode
from protocol.calendar import legal_day
from protocol.layout import REGISTERS
from protocol.registers import optarif_name

COUNTER_MODULUS_WH = 1_000_000_000
# Converts subscribed A to kVA in French contracts.
VOLTS_NOMINAL = 200

STANDARD_REGISTERS = tuple(f"EASF{number:02d}" for number in range(1, REGISTERS + 1))
HISTORIQUE_REGISTERS = {
    "BASE": ("BASE",),
    "HC": ("HCHC", "HCHP"),
    "EJP": ("EJPHN", "EJPHPM"),
    "BBR": ("BBRHCJB", "BBRHPJB", "BBRHCJW", "BBRHPJW", "BBRHCJR", "BBRHPJR"),
}


class DayMaximum(msgspec.Struct, frozen=True):
    """The highest apparent power of a legal day, as the meter itself records it."""

    day: date
    power_va: int


class Stale(msgspec.Struct, frozen=True):
    """Registers of a reading that are older than its total, since its frame did not show them.

    Attributes:
        registers: their numbers, from 0.
        since_wh: the total when the oldest of them was read.
        counted_wh: what the total has counted since then that no other register shows.
    """

    registers: frozenset[int]
    since_wh: int
    counted_wh: int


class Reading(msgspec.Struct, frozen=True):
    """What metering uses of one frame.

    Attributes:
        at: the meter's DATE in standard mode, the host's time in historique.
        mode: None if the account was restored from a day that names none.
        serial: ADSC or ADCO.
        calendar: NGTF or OPTARIF, stripped; None if the frame lacks it.
        total_wh: the total drawn, modulo 10^9: EAST, or the sum of the contract's registers.
        injected_wh: EAIT; None if the meter does not send it.
        registers_wh: supplier registers 1..10; None for each that the frame lacks.
        subscribed_kva: the power that the meter is set to, kVA; None if the frame lacks it.
        stale: the registers that are older than `total_wh`; None if all are of the same frame.
        power_va: apparent power drawn at that moment, 0 if the frame lacks it.
        day_maxima: highest apparent powers of days, if the meter records them.
        is_clock_degraded: the meter reports that its clock is not reliable.
    """

    at: datetime
    mode: Mode | None
    serial: str
    calendar: str | None
    total_wh: int
    injected_wh: int | None
    registers_wh: tuple[int | None, ...]
    power_va: int = 0
    day_maxima: tuple[DayMaximum, ...] = ()
    is_clock_degraded: bool = False
    subscribed_kva: int | None = None
    stale: Stale | None = None

    @property
    def registers_total_wh(self) -> int:
        """The total at which the oldest of the registers was read."""
        return self.total_wh if self.stale is None else self.stale.since_wh


def read(frame: Frame, host_time: datetime) -> Reading | None:
    """Return the frame's reading; None if it lacks meter, time or total.

    A rejected group costs only what it carries: the other registers of the frame are used, but not
    a total that is the sum of registers. A short overload frame has no total.
    `host_time` is aware and used in historique.
    """
    if frame.mode is Mode.STANDARD:
        return _read_standard(frame)
    return _read_historique(frame, host_time)


def _read_standard(frame: Frame) -> Reading | None:
    clock = frame.groups.get("DATE")
    serial = frame.groups.get("ADSC")
    total_wh = _number(frame, "EAST")
    if clock is None or clock.at is None or serial is None or total_wh is None:
        return None
    calendar = frame.groups.get("NGTF")
    return Reading(
        at=clock.at.astimezone(UTC),
        mode=Mode.STANDARD,
        serial=serial.value,
        calendar=None if calendar is None else calendar.value.strip(),
        total_wh=total_wh,
        injected_wh=_number(frame, "EAIT"),
        registers_wh=tuple([_number(frame, label) for label in STANDARD_REGISTERS]),
        power_va=_number(frame, "SINSTS") or 0,
        day_maxima=_day_maxima(frame),
        is_clock_degraded=clock.is_clock_degraded,
        subscribed_kva=_number(frame, "PREF"),
    )


def _read_historique(frame: Frame, host_time: datetime) -> Reading | None:
    serial = frame.groups.get("ADCO")
    contract = frame.groups.get("OPTARIF")
    if serial is None or contract is None:
        return None
    calendar = optarif_name(contract.value)
    indices_wh: list[int | None] = [
        _number(frame, label) for label in HISTORIQUE_REGISTERS.get(calendar, ())
    ]
    known_wh = [index_wh for index_wh in indices_wh if index_wh is not None]
    if not known_wh or len(known_wh) < len(indices_wh):
        return None
    return Reading(
        at=host_time.astimezone(UTC),
        mode=Mode.HISTORIQUE,
        serial=serial.value,
        calendar=calendar,
        total_wh=sum(known_wh) % COUNTER_MODULUS_WH,
        injected_wh=None,
        registers_wh=(*indices_wh, *[None] * (REGISTERS - len(indices_wh))),
        power_va=_number(frame, "PAPP") or 0,
        subscribed_kva=_historique_kva(frame),
    )


def _historique_kva(frame: Frame) -> int | None:
    """Return the subscribed power from a phase's current: 30 A are 6 kVA, or 18 on three phases."""
    current_a = _number(frame, "ISOUSC")
    if current_a is None:
        return None
    if "IINST" in frame.groups:
        return current_a * VOLTS_NOMINAL // 1_000
    if frame.groups.keys() & {"IINST1", "IINST2", "IINST3"}:
        return 3 * current_a * VOLTS_NOMINAL // 1_000
    return None


def _number(frame: Frame, label: str) -> int | None:
    group = frame.groups.get(label)
    if group is None or not (group.value.isascii() and group.value.isdecimal()):
        return None
    return int(group.value)


def _day_maxima(frame: Frame) -> tuple[DayMaximum, ...]:
    maxima = []
    for label in ("SMAXSN", "SMAXSN-1"):
        group: InformationGroup | None = frame.groups.get(label)
        power_va = _number(frame, label)
        if group is None or group.at is None or group.is_clock_degraded or power_va is None:
            continue
        maxima.append(DayMaximum(day=legal_day(group.at), power_va=power_va))
    return tuple(maxima)
