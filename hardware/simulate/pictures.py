"""Pictures of the simulation: what arrives at RXD, and what was read of all that was tried."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hardware.simulate import uart
from hardware.simulate.sweep import (
    CHOSEN,
    FORMER,
    HERE,
    LEVELS,
    SAMPLES,
    STANDARD,
    Result,
    rows,
    simulate,
)
from hardware.simulate.words import cell, circuit_text

WAVES, TABLE = HERE / "waves.svg", HERE / "table.svg"
_SHOWN_LEVEL, _SHOWN_SAMPLE = LEVELS[2], SAMPLES[4]
_SHOWN_BITS = (24, 33)
_EVERY = 4  # points, for a small file; the carrier is drawn with all
_FEW, _MANY = "#d9d9d9", "#ffffff"

mpl.rcParams.update({"svg.hashsalt": "volet", "svg.fonttype": "none", "font.size": 8})


def draw_waves(path: Path = WAVES) -> None:
    """Draw some bits at 9600 bit/s with the slow sample, for the former and the chosen values."""
    figure = Figure((7, 5), layout="constrained")
    axes = figure.subplots(3, 1, sharex=True)
    first, last = (bit / STANDARD.speed_bit_s for bit in _SHOWN_BITS)
    for values, style, color in ((FORMER, "--", "#c2571a"), (CHOSEN, "-", "#1f5fa8")):
        waves = simulate(STANDARD, values, _SHOWN_LEVEL, _SHOWN_SAMPLE)
        shown = slice(round(first / waves.step_s), round(last / waves.step_s))
        time_ms = np.arange(waves.i1_v.size)[shown] * waves.step_s * 1e3
        if values == CHOSEN:
            axes[0].plot(time_ms[::2], waves.i1_v[shown][::2], color="#444", linewidth=0.4)
        for place, volts in ((1, waves.gate_v), (2, waves.rxd_v)):
            axes[place].plot(
                time_ms[::_EVERY],
                volts[shown][::_EVERY],
                style,
                color=color,
                linewidth=1,
                label=circuit_text(values),
            )
    _mark(axes, first, last)
    figure.suptitle(
        f"9600 bit/s, {_SHOWN_LEVEL.peak_v} V, slow coupler with a transfer ratio of "
        f"{_SHOWN_SAMPLE.transfer_ratio}; a model, no measurement"
    )
    figure.savefig(path, metadata={"Date": None, "Creator": None})


def _mark(axes: list[Axes], first: float, last: float) -> None:
    for axis, name in zip(axes, ("I1 (V)", "gate (V)", "RXD (V)"), strict=True):
        axis.set_ylabel(name)
        for bit in range(*_SHOWN_BITS):
            axis.axvline(bit / STANDARD.speed_bit_s * 1e3, color="#bbb", linewidth=0.5)
    bits = uart.line_bits(STANDARD.text)
    for bit in range(*_SHOWN_BITS):
        axes[0].text((bit + 0.5) / STANDARD.speed_bit_s * 1e3, 4.2, str(bits[bit]), ha="center")
    axes[0].set_ylim(-5, 5.5)
    axes[1].legend(loc="upper right")
    for volts in (uart.LOW_V, uart.HIGH_V):
        axes[2].axhline(volts, color="#888", linewidth=0.6, linestyle=":")
    axes[2].set_xlabel("ms; dotted at RXD: what a Pi surely takes as low and high")
    axes[2].set_xlim(first * 1e3, last * 1e3)


def draw_table(results: list[Result], path: Path = TABLE) -> None:
    """Draw of how many samples the characters were read, for each circuit and level."""
    found = list(rows(results))
    circuits = list(dict.fromkeys((row.speed_bit_s, row.values) for row in found))
    figure = Figure((7, 0.26 * len(circuits) + 1), layout="constrained")
    axis = figure.subplots()
    by_place = {((row.speed_bit_s, row.values), row.level_v): row for row in found}
    shares = [
        [by_place[circuit, level.peak_v].read_by_others / len(SAMPLES) for level in LEVELS]
        for circuit in circuits
    ]
    colors = mpl.colors.LinearSegmentedColormap.from_list("read", [_FEW, _MANY])
    axis.pcolormesh(shares, cmap=colors, vmin=0, vmax=1, edgecolors="#999", linewidth=0.5)
    for line, circuit in enumerate(circuits):
        for column, level in enumerate(LEVELS):
            text = cell(by_place[circuit, level.peak_v])
            axis.text(column + 0.5, line + 0.5, text, ha="center", va="center")
    axis.set_yticks(
        [line + 0.5 for line in range(len(circuits))],
        [f"{speed} bit/s  {circuit_text(values)}" for speed, values in circuits],
    )
    axis.set_xticks(
        [place + 0.5 for place in range(len(LEVELS))], [f"{each.peak_v} V" for each in LEVELS]
    )
    axis.tick_params(length=0)
    axis.xaxis.tick_top()
    axis.invert_yaxis()
    figure.suptitle(
        f"Read of {len(SAMPLES)} samples with the meter's clock / also with clocks 1.5 % apart,\n"
        "and how late a rise was at most; a model, no measurement"
    )
    figure.savefig(path, metadata={"Date": None, "Creator": None})
