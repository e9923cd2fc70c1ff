"""Encodes frames in historique mode like a Linky (Enedis-NOI-CPT_54E v3, pages 15-17).

IMAX, HHPHC and MOTDETAT have the values that a Linky always sends. While a three-phase meter
exceeds its subscribed current, and for a minute after, 20 short frames follow each long one.
"""

from datetime import UTC, datetime

from edge.simulate.counters import Counters
from edge.simulate.profile import (
    ETX,
    STX,
    GroupCache,
    MeterProfile,
    Snapshot,
    apparent_va,
    split_by_phase,
)
from edge.simulate.tariff import CALENDARS, REGISTERS, MeterOption, StgeColour
from edge.tic.frame import Mode

VOLTAGE_V = 230
AMPERES_PER_KVA = 5
SHORT_FRAMES_LINGER_S = 60
SHORT_FRAMES_IN_A_ROW = 20
DEMAIN = {
    StgeColour.NONE: "----",
    StgeColour.BLUE: "BLEU",
    StgeColour.WHITE: "BLAN",
    StgeColour.RED: "ROUG",
}


class HistoriqueFrames:
    """Encodes the frames of one meter in historique mode."""

    def __init__(self, profile: MeterProfile, counters: Counters) -> None:
        self._profile = profile
        self._counters = counters
        self._group = GroupCache(Mode.HISTORIQUE).encode
        self._subscribed_a = profile.kva * AMPERES_PER_KVA // profile.phases

    def encode(self, snapshot: Snapshot) -> bytes:
        """Return the frame, STX to ETX."""
        power_va = apparent_va(self._counters.power_w(snapshot.at_s)[0])
        amperes = tuple(
            [
                -(-share_va // VOLTAGE_V)
                for share_va in split_by_phase(power_va, self._profile.phases)
            ]
        )
        if self._is_short(snapshot.at_s):
            return STX + self._short(amperes) + ETX
        return STX + self._long(snapshot, power_va, amperes) + ETX

    def _is_short(self, at_s: int) -> bool:
        if self._profile.phases == 1 or at_s % (SHORT_FRAMES_IN_A_ROW + 1) == 0:
            return False
        return any(
            max(split_by_phase(apparent_va(self._counters.power_w(moment_s)[0]), 3))
            > self._subscribed_a * VOLTAGE_V
            for moment_s in (at_s, at_s - SHORT_FRAMES_LINGER_S)
        )

    def _short(self, amperes: tuple[int, ...]) -> bytes:
        numbered = list(enumerate(amperes, 1))
        return b"".join(
            [
                *(self._group(f"ADIR{phase}", f"{ampere:03}") for phase, ampere in numbered),
                self._group("ADCO", self._profile.serial),
                *(self._group(f"IINST{phase}", f"{ampere:03}") for phase, ampere in numbered),
            ]
        )

    def _long(self, snapshot: Snapshot, power_va: int, amperes: tuple[int, ...]) -> bytes:
        tariff, group = self._counters.tariff, self._group
        names = REGISTERS[tariff.option]
        at = datetime.fromtimestamp(snapshot.at_s, UTC)
        groups = [
            group("ADCO", self._profile.serial),
            group("OPTARIF", CALENDARS[tariff.option][0]),
            group("ISOUSC", f"{self._subscribed_a:02}"),
        ]
        groups += [
            group(label, f"{index_wh:09}")
            for (label, _, _), index_wh in zip(names, snapshot.registers_wh, strict=False)
        ]
        peak = tariff.peak_at(at)
        if peak is not None and at < peak[0]:
            groups.append(group("PEJP", "30"))
        groups.append(group("PTEC", names[self._counters.register(snapshot.at_s)][1]))
        if tariff.option is MeterOption.TEMPO:
            groups.append(group("DEMAIN", DEMAIN[tariff.colours_at(at)[1]]))
        groups += self._power(power_va, amperes)
        return b"".join(groups)

    def _power(self, power_va: int, amperes: tuple[int, ...]) -> list[bytes]:
        group = self._group
        apparent = group("PAPP", f"{min((power_va + 5) // 10 * 10, 99_990):05}")
        tail = [group("HHPHC", "A"), group("MOTDETAT", "000000")]
        if self._profile.phases == 1:
            over = [group("ADPS", f"{amperes[0]:03}")] if amperes[0] > self._subscribed_a else []
            return [
                group("IINST", f"{amperes[0]:03}"),
                *over,
                group("IMAX", "090"),
                apparent,
                *tail,
            ]
        return [
            *(group(f"IINST{phase}", f"{ampere:03}") for phase, ampere in enumerate(amperes, 1)),
            *(group(f"IMAX{phase}", "060") for phase in (1, 2, 3)),
            group("PMAX", f"{self._profile.kva * 1_000:05}"),
            apparent,
            *tail,
            group("PPOT", "00"),
        ]
