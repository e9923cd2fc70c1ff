"""A simulated Linky: registers and frames as a pure function of the instant."""

from collections.abc import Mapping
from datetime import datetime
from itertools import zip_longest

from edge.simulate.counters import COUNTER_MODULUS_WH, WS_PER_WH, Counters
from edge.simulate.historique import HistoriqueFrames
from edge.simulate.profile import MeterProfile, Snapshot
from edge.simulate.standard import StandardFrames
from edge.simulate.tariff import REGISTERS
from edge.tic.frame import Mode

INTER_FRAME_GAP_S = 0.025
BITS_PER_CHARACTER = 10
BAUD: Mapping[Mode, int] = {Mode.HISTORIQUE: 1_200, Mode.STANDARD: 9_600}


class SimulatedMeter:
    """One meter on one load curve.

    Frames are deterministic and may be requested in any order; `registers_wh` is the oracle for
    tests.
    """

    def __init__(self, profile: MeterProfile, counters: Counters) -> None:
        self.profile = profile
        self.counters = counters
        counts_from = profile.counts_from or counters.start
        self._zero_ws = counters.drawn_ws(int(counts_from.timestamp()))
        self._injected_zero_ws = counters.injected_ws(int(counts_from.timestamp()))
        count = max(len(REGISTERS[counters.tariff.option]), len(profile.base_wh))
        self._base_wh = (*profile.base_wh, *[0] * count)[:count]
        self._frames = (
            StandardFrames(profile, counters)
            if profile.mode is Mode.STANDARD
            else HistoriqueFrames(profile, counters)
        )

    def registers_wh(self, at: datetime) -> tuple[int, ...]:
        """Return the index of each register at the instant, in Wh.

        The registers of the tariff option come first, then those of an earlier option.
        """
        return self._registers_wh(int(at.timestamp()))

    def total_wh(self, at: datetime) -> int:
        """Return the meter's index of all energy drawn: the sum of its registers, modulo 10^9."""
        return sum(self.registers_wh(at)) % COUNTER_MODULUS_WH

    def injected_wh(self, at: datetime) -> int:
        """Return the injection index at the instant, in Wh."""
        return self._injected_wh(int(at.timestamp()))

    def frame_at(self, at: datetime) -> bytes:
        """Return the frame that begins at the instant, STX to ETX."""
        at_s = int(at.timestamp())
        return self._frames.encode(
            Snapshot(
                at_s=at_s,
                registers_wh=self._registers_wh(at_s),
                injected_wh=self._injected_wh(at_s) if self.profile.is_producer else None,
            )
        )

    def frame_duration_s(self, frame: bytes) -> float:
        """Return how long the frame occupies the line, including the pause after it."""
        return len(frame) * BITS_PER_CHARACTER / BAUD[self.profile.mode] + INTER_FRAME_GAP_S

    def _registers_wh(self, at_s: int) -> tuple[int, ...]:
        counted_ws = self.counters.drawn_ws(at_s)
        counted_wh = [
            (ws - zero_ws) // WS_PER_WH
            for ws, zero_ws in zip(counted_ws, self._zero_ws, strict=True)
        ]
        return tuple(
            (base_wh + wh) % COUNTER_MODULUS_WH
            for base_wh, wh in zip_longest(self._base_wh, counted_wh, fillvalue=0)
        )

    def _injected_wh(self, at_s: int) -> int:
        counted_wh = (self.counters.injected_ws(at_s) - self._injected_zero_ws) // WS_PER_WH
        return (self.profile.injected_base_wh + counted_wh) % COUNTER_MODULUS_WH
