"""Results of the simulation in words, as the pictures and the guide show them."""

import math
from collections.abc import Iterable

from hardware.simulate.sweep import CHOSEN, LEVELS, Result, Row, Values, rows

_KILO = 1000


def ohm_text(ohm: float) -> str:
    """Return ohms as people write them: 470 Ω, 2.2 kΩ."""
    return f"{ohm / _KILO:g} kΩ" if ohm >= _KILO else f"{ohm:g} Ω"


def circuit_text(values: Values) -> str:
    """Return a circuit in a few words."""
    r1, r2 = ohm_text(values.r1_ohm), ohm_text(values.r2_ohm)
    if not values.has_transistor:
        return f"R1 {r1}, U1 alone, pull-up {r2}"
    threshold = values.threshold_v
    odd = "" if threshold == CHOSEN.threshold_v else f", Q1 from {threshold} V"
    return f"R1 {r1}, R2 {r2}{odd}"


def cell(row: Row) -> str:
    """Return of how many samples were read, with one clock and with others, and the latest rise."""
    late = "" if math.isnan(row.rise_late_us) else f", {row.rise_late_us:.0f} µs"
    return f"{row.read} / {row.read_by_others}{late}"


def table(results: Iterable[Result]) -> str:
    """Return all results as the guide shows them."""
    lines = [
        "| bit/s | circuit | " + " | ".join(f"{level.peak_v} V" for level in LEVELS) + " |",
        "|---|---|" + "---|" * len(LEVELS),
    ]
    circuits: dict[tuple[int, Values], list[str]] = {}
    for row in rows(results):
        circuits.setdefault((row.speed_bit_s, row.values), []).append(cell(row))
    lines += [
        f"| {speed} | {circuit_text(values)} | {' | '.join(cells)} |"
        for (speed, values), cells in circuits.items()
    ]
    return "\n".join(lines)
