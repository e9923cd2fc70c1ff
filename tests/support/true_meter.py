"""A true meter: the counts of its registers, and the bytes that it sends.

It follows Enedis-NOI-CPT_54E v3 and does not use the product's encoder, so neither can hide a
mistake of the other.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
MODULUS_WH = 10**9
REGISTERS = 10


@dataclass(frozen=True)
class Calendar:
    """One contract's names in both modes, and its registers' historique labels, in order."""

    ngtf: str
    optarif: str
    labels: tuple[str, ...]
    periods: tuple[str, ...]


CALENDARS = {
    "BASE": Calendar("BASE", "BASE", ("BASE",), ("TH..",)),
    "HPHC": Calendar("H PLEINE/CREUSE", "HC..", ("HCHC", "HCHP"), ("HC..", "HP..")),
    "EJP": Calendar("EJP", "EJP.", ("EJPHN", "EJPHPM"), ("HN..", "PM..")),
    "TEMPO": Calendar(
        "TEMPO",
        "BBR(",
        ("BBRHCJB", "BBRHPJB", "BBRHCJW", "BBRHPJW", "BBRHCJR", "BBRHPJR"),
        ("HCJB", "HPJB", "HCJW", "HPJW", "HCJR", "HPJR"),
    ),
}
# Every name under which a chip may store a calendar, and the calendar's key.
CALENDAR_OF_NAME = {
    name: key
    for key, calendar in CALENDARS.items()
    for name in (calendar.ngtf, calendar.optarif, calendar.optarif.strip(" .("))
}


@lru_cache(maxsize=1 << 14)
def standard_group(label: str, *fields: str) -> bytes:
    """Encode a group of standard mode: HT between fields, the last HT included in the sum."""
    return _closed("\t".join((label, *fields, "")).encode(), last=0)


@lru_cache(maxsize=1 << 14)
def historique_group(label: str, value: str) -> bytes:
    """Encode a group of historique mode: SP between fields, the last SP not in the sum."""
    return _closed(f"{label} {value} ".encode(), last=1)


def _closed(body: bytes, *, last: int) -> bytes:
    total = sum(body[: len(body) - last])
    return b"\n" + body + bytes(((total & 0x3F) + 0x20,)) + b"\r"


@dataclass
class TrueMeter:
    """A meter on a wall.

    Attributes:
        indices_wh: the ten registers' indices, not yet cut to nine digits.
        other_wh: the part of the total from earlier contracts.
        clock_error: how far its clock is ahead; `is_clock_degraded`: whether it is marked so.
    """

    serial: str
    calendar: str = "HPHC"
    is_historique: bool = False
    indices_wh: list[int] = field(default_factory=lambda: [0] * REGISTERS)
    other_wh: int = 0
    subscribed_kva: int = 9
    power_va: int = 0
    clock_error: timedelta = timedelta()
    is_clock_degraded: bool = False

    def register_at(self, at: datetime) -> int:
        """Return the number of the register that counts at `at`, from 0."""
        local = at.astimezone(PARIS)
        count = len(CALENDARS[self.calendar].labels)
        if count == 1:
            return 0
        is_peak = 6 <= local.hour < 22
        return (2 * (local.toordinal() % (count // 2)) + is_peak) % count

    def count(self, at: datetime, energy_wh: int) -> int:
        """Count energy drawn up to `at`; returns the register's number."""
        number = self.register_at(at)
        self.indices_wh[number] += energy_wh
        return number

    def encode(self, at: datetime) -> bytes:
        """Return the frame that it sends at the true time `at`, STX to ETX."""
        groups = self._historique() if self.is_historique else self._standard(at)
        return b"\x02" + b"".join(groups) + b"\x03"

    def _standard(self, at: datetime) -> list[bytes]:
        group, number = standard_group, self.register_at(at)
        total_wh = (sum(self.indices_wh) + self.other_wh) % MODULUS_WH
        calendar = CALENDARS[self.calendar]
        return [
            group("ADSC", self.serial),
            group("VTIC", "02"),
            group("DATE", self._horodate(at), ""),
            group("NGTF", f"{calendar.ngtf:^16}"),
            group("LTARF", f"{calendar.periods[number]:^16}"),
            group("EAST", f"{total_wh:09}"),
            *(
                group(f"EASF{n:02}", f"{index_wh % MODULUS_WH:09}")
                for n, index_wh in enumerate(self.indices_wh, 1)
            ),
            group("PREF", f"{self.subscribed_kva:02}"),
            group("SINSTS", f"{self.power_va:05}"),
            group("NTARF", f"{number + 1:02}"),
        ]

    def _historique(self) -> list[bytes]:
        group, calendar = historique_group, CALENDARS[self.calendar]
        return [
            group("ADCO", self.serial),
            group("OPTARIF", calendar.optarif),
            group("ISOUSC", f"{self.subscribed_kva * 5:02}"),
            *(
                group(label, f"{index_wh % MODULUS_WH:09}")
                for label, index_wh in zip(calendar.labels, self.indices_wh, strict=False)
            ),
            group("IINST", f"{min(self.power_va // 230, 999):03}"),
            group("IMAX", "090"),
            group("PAPP", f"{self.power_va:05}"),
            group("HHPHC", "A"),
            group("MOTDETAT", "000000"),
        ]

    def _horodate(self, at: datetime) -> str:
        shown = (at + self.clock_error).astimezone(PARIS)
        season = "E" if shown.utcoffset() == timedelta(hours=2) else "H"
        letter = season.lower() if self.is_clock_degraded else season
        return f"{letter}{shown:%y%m%d%H%M%S}"
