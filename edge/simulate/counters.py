"""The exact counters of a meter at any instant, a pure function of curve and tariff."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from edge.simulate.curve import Curve
from edge.simulate.tariff import REGISTERS, SimulatedTariff
from protocol.calendar import day_end, day_start, days_between, legal_day

COUNTER_MODULUS_WH = 1_000_000_000
WS_PER_WH = 3_600


@dataclass(frozen=True, slots=True)
class PowerMaximum:
    """The highest active power of a day so far, and its beginning (Unix seconds)."""

    power_w: int
    at_s: int


class Counters:
    """Energy by register, injection and power over time.

    Args:
        curve: the power drawn; before and after the curve it is zero.
        tariff: decides which register counts.
        injected: the power injected; None: zero.
        cuts: (from, to) without mains, when nothing is drawn or injected.
    """

    def __init__(
        self,
        curve: Curve,
        tariff: SimulatedTariff,
        injected: Curve | None = None,
        cuts: tuple[tuple[datetime, datetime], ...] = (),
    ) -> None:
        self.start, self.end, self.tariff = curve.start, curve.end, tariff
        switches = tariff.switches(curve.start, curve.end)
        switch_s = np.array([at_s for at_s, _ in switches], dtype=np.int64)
        days = days_between(legal_day(curve.start), legal_day(curve.end) + timedelta(days=1))
        midnights_s = np.array([int(day_start(day).timestamp()) for day in days], dtype=np.int64)
        cuts_s = [(int(begin.timestamp()), int(end.timestamp())) for begin, end in cuts]
        cut_edges_s = np.array(cuts_s, dtype=np.int64).ravel()
        edges_s = np.unique(np.concatenate([curve.edges_s, switch_s, midnights_s, cut_edges_s]))
        first, last = np.searchsorted(edges_s, (curve.edges_s[0], curve.edges_s[-1]))
        self._edges_s: NDArray[np.int64] = edges_s[first : last + 1]
        begins_s = self._edges_s[:-1]
        self._power_w = _power_at(curve, begins_s, cuts_s)
        which = np.searchsorted(switch_s, begins_s, side="right") - 1
        self._register = np.array([register for _, register in switches], dtype=np.int64)[which]
        lengths_s = np.diff(self._edges_s)
        counts = len(REGISTERS[tariff.option])
        by_register_ws = np.where(
            self._register[:, None] == np.arange(counts), (self._power_w * lengths_s)[:, None], 0
        )
        self._drawn_ws = _cumulated(by_register_ws)
        self._injected_w = np.zeros_like(self._power_w)
        if injected is not None:
            self._injected_w = _power_at(injected, begins_s, cuts_s)
        self._injected_ws = _cumulated((self._injected_w * lengths_s)[:, None])

    def drawn_ws(self, at_s: int) -> list[int]:
        """Return the energy that each register has counted since the curve's start, in Ws."""
        i, elapsed_s = self._locate(at_s)
        counted: list[int] = self._drawn_ws[i].tolist()
        if elapsed_s:
            counted[self._register[i]] += int(self._power_w[i]) * elapsed_s
        return counted

    def injected_ws(self, at_s: int) -> int:
        """Return the energy injected since the curve's start, in Ws."""
        i, elapsed_s = self._locate(at_s)
        power_w = int(self._injected_w[i]) if elapsed_s else 0
        return int(self._injected_ws[i, 0]) + power_w * elapsed_s

    def power_w(self, at_s: int) -> tuple[int, int]:
        """Return the active power (drawn, injected) at the instant."""
        i = int(np.searchsorted(self._edges_s, at_s, side="right")) - 1
        if not 0 <= i < len(self._power_w):
            return 0, 0
        return int(self._power_w[i]), int(self._injected_w[i])

    def register(self, at_s: int) -> int:
        """Return the number, from 0, of the register that counts at the instant."""
        i = int(np.searchsorted(self._edges_s, at_s, side="right")) - 1
        return int(self._register[min(max(i, 0), len(self._register) - 1)])

    def maximum(self, day: date, at_s: int, *, is_injected: bool = False) -> PowerMaximum:
        """Return the highest active power of `day` up to the instant; 0 at its start if none."""
        begin_s, end_s = int(day_start(day).timestamp()), int(day_end(day).timestamp())
        first, last = np.searchsorted(self._edges_s, (begin_s, min(end_s, at_s + 1)))
        power_w = (self._injected_w if is_injected else self._power_w)[first:last]
        if not len(power_w):
            return PowerMaximum(0, begin_s)
        best = int(np.argmax(power_w))
        return PowerMaximum(int(power_w[best]), int(self._edges_s[first + best]))

    def segment_span_s(self, at_s: int) -> tuple[int, int]:
        """Return (from, to) around the instant in which power and register stay the same."""
        i = int(np.searchsorted(self._edges_s, at_s, side="right"))
        begin_s = int(self._edges_s[i - 1]) if i > 0 else at_s
        return begin_s, int(self._edges_s[i]) if i < len(self._edges_s) else at_s + 1

    def _locate(self, at_s: int) -> tuple[int, int]:
        """Return the segment that contains the instant, and the seconds since its beginning."""
        i = int(np.searchsorted(self._edges_s, at_s, side="right")) - 1
        if i < 0:
            return 0, 0
        if i >= len(self._power_w):
            return len(self._power_w), 0
        return i, at_s - int(self._edges_s[i])


def _power_at(
    curve: Curve, begins_s: NDArray[np.int64], cuts_s: list[tuple[int, int]]
) -> NDArray[np.int64]:
    """Return the curve's power from each of `begins_s` on; 0 outside the curve and during cuts."""
    step = (begins_s - curve.start_s) // curve.step_s
    is_inside = (step >= 0) & (step < len(curve.power_w))
    power_w = np.where(is_inside, curve.power_w[np.where(is_inside, step, 0)], 0)
    for begin_s, end_s in cuts_s:
        power_w[(begins_s >= begin_s) & (begins_s < end_s)] = 0
    return power_w


def _cumulated(amounts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return int64[n + 1, k]: sums of the first 0…n rows of int64[n, k]."""
    start = np.zeros((1, amounts.shape[1]), dtype=np.int64)
    return np.concatenate([start, np.cumsum(amounts, axis=0)])
