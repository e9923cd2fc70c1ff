"""The values of the entities, from the meter's frame, metering's account and the chip's report."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from edge.bills.judgement import Judgement, Verdict
from edge.home.entities import COLOURS, PEAK, PHASES, RESET, VERDICTS
from edge.metering.state import Account
from edge.status.report import Advice, ChipReport
from edge.status.reporter import software
from edge.tic.frame import Frame, Mode
from protocol.calendar import legal_day
from protocol.contract import Offer
from protocol.layout import REGISTERS
from protocol.quotes import tariff_on
from protocol.registers import standard_name
from protocol.tariff import CalendarLine, MarketLine, RegisterLine

Value = bool | int | float | str | None

QUARTERS_AN_HOUR = 4
WH_PER_KWH = 1_000
VA_PER_KVA = 1_000
_SERIALS = {Mode.STANDARD: "ADSC", Mode.HISTORIQUE: "ADCO"}
_PERIODS = {Mode.STANDARD: "LTARF", Mode.HISTORIQUE: "PTEC"}
# PTEC names the register that counts.
_REGISTERS = {
    **dict.fromkeys(("TH..", "HC..", "HN..", "HCJB"), 1),
    **dict.fromkeys(("HP..", "PM..", "HPJB"), 2),
    "HCJW": 3,
    "HPJW": 4,
    "HCJR": 5,
    "HPJR": 6,
}
_HISTORIQUE_COLOURS = {"B": "blue", "W": "white", "R": "red"}
_TOMORROW = {"----": "unknown", "BLEU": "blue", "BLAN": "white", "ROUG": "red"}
_OVER_POWER = ("ADPS", "ADIR1", "ADIR2", "ADIR3")
# STGE, Enedis-NOI-CPT_54E v3, table of the status register: first bit and number of bits.
_CONTACT, _OVERLOAD, _TODAY, _NEXT = (0, 1), (7, 1), (24, 2), (26, 2)
_ANNOUNCED, _PEAK = (28, 2), (30, 2)
_RELAYS = 8
_VERDICTS = dict(zip((Verdict.CORRECT, Verdict.DIFFERS, Verdict.REFUSED), VERDICTS, strict=True))


def is_of(frame: Frame, account: Account) -> bool:
    """Return whether the frame is of the account's own meter."""
    serial = frame.groups.get(_SERIALS[frame.mode])
    return serial is not None and serial.value == account.last.serial


def live_values(frame: Frame, account: Account) -> dict[str, Value]:
    """Return what a frame of the account's own meter shows beside energies.

    A value that the frame lacks is None, so that no smart home goes on showing an old one.
    """
    values: dict[str, Value] = {}
    if frame.mode is Mode.STANDARD:
        values |= _standard(frame, account)
    else:
        values |= _historique(frame, account)
    period = frame.groups.get(_PERIODS[frame.mode])
    values["period"] = None if period is None else period.value.strip(" .")
    kva = account.last.subscribed_kva
    values["subscribed_power"] = None if kva is None else kva * VA_PER_KVA
    return values


def present_register(frame: Frame) -> int | None:
    """Return the supplier register that counts now, from 1; None if the frame does not say."""
    if frame.mode is Mode.STANDARD:
        return _number(frame, "NTARF")
    period = frame.groups.get("PTEC")
    return None if period is None else _REGISTERS.get(period.value)


def _standard(frame: Frame, account: Account) -> dict[str, Value]:
    values: dict[str, Value] = {
        "power": _number(frame, "SINSTS"),
        "injected_power": _number(frame, "SINSTI"),
        "register": _text(present_register(frame)),
        "relays": _relays(_number(frame, "RELAIS")),
    }
    cut_off_kva = _number(frame, "PCOUP")
    values["cut_off_power"] = None if cut_off_kva is None else cut_off_kva * VA_PER_KVA
    for phase in PHASES:
        values[f"power_{phase}"] = _number(frame, f"SINSTS{phase}")
        values[f"current_{phase}"] = _number(frame, f"IRMS{phase}")
        values[f"voltage_{phase}"] = _number(frame, f"URMS{phase}")
    return values | _status_register(frame, account)


def _status_register(frame: Frame, account: Account) -> dict[str, Value]:
    group = frame.groups.get("STGE")
    if group is None:
        return {"overload": None, "dry_contact": None}
    bits = int(group.value, 16)
    values: dict[str, Value] = {
        "overload": bool(_bits(bits, _OVERLOAD)),
        "dry_contact": not _bits(bits, _CONTACT),
    }
    if standard_name(account.last.calendar or "") == "TEMPO" or _bits(bits, _TODAY):
        values["tempo_today"] = COLOURS[_bits(bits, _TODAY)]
        values["tempo_tomorrow"] = COLOURS[_bits(bits, _NEXT)]
    peaks = [
        found.at for n in PHASES if (found := frame.groups.get(f"DPM{n}")) is not None and found.at
    ]
    if peaks or _bits(bits, _ANNOUNCED) or _bits(bits, _PEAK):
        is_now, is_near = _bits(bits, _PEAK), _bits(bits, _ANNOUNCED)
        values["mobile_peak"] = PEAK[2 if is_now else 1 if is_near else 0]
        values["mobile_peak_at"] = min(peaks).isoformat() if peaks else None
    return values


def _historique(frame: Frame, account: Account) -> dict[str, Value]:
    values: dict[str, Value] = {
        "power": _number(frame, "PAPP"),
        "register": _text(present_register(frame)),
        # The meter reports an overload by a label that is not there otherwise.
        "overload": any(label in frame.groups for label in _OVER_POWER),
        "current_1": _number(frame, "IINST"),
    }
    if frame.groups.keys() & {"IINST1", "IINST2", "IINST3"}:
        values |= {f"current_{phase}": _number(frame, f"IINST{phase}") for phase in PHASES}
    period, tomorrow = frame.groups.get("PTEC"), frame.groups.get("DEMAIN")
    if account.last.calendar == "BBR":
        last = "" if period is None else period.value[-1]
        values["tempo_today"] = _HISTORIQUE_COLOURS.get(last)
        values["tempo_tomorrow"] = None if tomorrow is None else _TOMORROW[tomorrow.value]
    if account.last.calendar == "EJP":
        is_now = period is not None and period.value == "PM.."
        values["mobile_peak"] = PEAK[2 if is_now else 1 if "PEJP" in frame.groups else 0]
    return values


def health_values(report: ChipReport) -> dict[str, Value]:
    """Return what the chip says of itself; city and line only while it runs."""
    values: dict[str, Value] = {
        "outbox": report.outbox_depth,
        "release": software(),
        "problem": bool({*report.advice} - {Advice.NETWORK}),
    }
    if report.presence is not None:
        line = report.presence.line
        values["line_quality"] = None if line.quality is None else round(line.quality * 100)
        values["clock_offset"] = line.clock_offset_s
        values["city"] = report.presence.session.is_up
    return values


def privacy_values(report: ChipReport) -> dict[str, Value]:
    """Return how much of this year's privacy budget is used, in %."""
    return {"budget_used": round((1 - report.area.budget_left) * 100, 1)}


def last_bill_values(judgements: list[Judgement]) -> dict[str, Value]:
    """Return the total of the latest bill in EUR with tax, and the chip's verdict on it."""
    if not judgements:
        return {}
    last = max(judgements, key=lambda judgement: judgement.end)
    total = None if last.bill is None else float(last.bill.total_ttc)
    return {"last_bill": total, "verdict": _VERDICTS[last.verdict]}


def prices(offer: Offer, day: date) -> dict[int, Decimal]:
    """Return the price of a kWh in each register, EUR with tax, from the contract's own offer.

    There is none where the tariff prices the curve, by a calendar or the market.
    """
    tariff = tariff_on(offer, day)
    if tariff is None:
        return {}
    if any(isinstance(line, CalendarLine | MarketLine) for line in tariff.energy):
        return {}
    drawn = [line for line in tariff.energy if isinstance(line, RegisterLine)]
    summed = {
        n: sum(
            (line.eur_per_kwh * (1 + line.vat) for line in drawn if n in line.registers), Decimal(0)
        )
        for n in range(1, REGISTERS + 1)
    }
    return {n: eur for n, eur in summed.items() if eur}


class Cost:
    """What the energy of the legal day has cost since the chip could count it."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._from_wh: dict[str, int] = {}
        self._eur = Decimal(0)

    def after(
        self, counted: Mapping[int, tuple[str, int]], eur: Mapping[int, Decimal], now: datetime
    ) -> dict[str, Value]:
        """Count up to `counted` at the prices `eur` (EUR per kWh).

        Both are by register; `counted` has the series' key and its value in Wh.
        """
        if self._since is None or legal_day(self._since) != legal_day(now):
            self._since, self._eur = now, Decimal(0)
        for number, (key, energy_wh) in counted.items():
            risen_wh = energy_wh - self._from_wh.get(key, energy_wh)
            self._eur += eur[number] * risen_wh / WH_PER_KWH
            self._from_wh[key] = energy_wh
        return {"cost": round(float(self._eur), 4), RESET: self._since.isoformat()}


def _relays(bits: int | None) -> str | None:
    if bits is None:
        return None
    return " ".join(str(n + 1) for n in range(_RELAYS) if bits >> n & 1) or "-"


def _bits(register: int, place: tuple[int, int]) -> int:
    first, count = place
    return register >> first & ((1 << count) - 1)


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _number(frame: Frame, label: str) -> int | None:
    group = frame.groups.get(label)
    return int(group.value) if group is not None and group.value.isdecimal() else None
