"""Draws a neighbourhood's day: the plain sum, the release, and the result of purely local noise."""

import itertools
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from protocol.transform import Curve

_KW_PER_WH = 4 / 1000
_BARS = " ▁▂▃▄▅▆▇█"
_COLUMNS = 48


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a group, energies in Wh per quarter-hour, float64[quarter-hours].

    `band_wh` is the half-width of the released curve's band. `local_wh` and `local_raw_wh` are the
    day if every home adds all the noise itself (crowd = 1): with the same filter, and without the
    filter and its public model.
    """

    group: str
    day: date
    plain_wh: Curve
    released_wh: Curve
    band_wh: Curve
    local_wh: Curve
    local_raw_wh: Curve


def relative_error(estimate: Curve, plain: Curve) -> float:
    """Return the root mean square error as a fraction of the mean."""
    return float(np.sqrt(np.mean((estimate - plain) ** 2)) / np.mean(plain))


def save_picture(days: list[Day], path: Path) -> None:
    """Draw the days side by side, as PNG or SVG by the name's suffix."""
    with mpl.rc_context({"svg.hashsalt": "volet"}):
        figure = Figure(figsize=(6.5 * len(days), 4.2), layout="constrained")
        FigureCanvasAgg(figure)
        for index, day in enumerate(days):
            axes = figure.add_subplot(1, len(days), index + 1)
            hours = np.arange(len(day.plain_wh)) / 4
            for curve, style, label in (
                (day.local_raw_wh, ":", "crowd = 1, unfiltered"),
                (day.local_wh, "-", "crowd = 1"),
            ):
                axes.plot(hours, curve * _KW_PER_WH, style, lw=0.8, color="tab:gray", label=label)
            low, high = day.released_wh - day.band_wh, day.released_wh + day.band_wh
            axes.fill_between(
                hours, low * _KW_PER_WH, high * _KW_PER_WH, alpha=0.25, color="tab:blue"
            )
            axes.plot(hours, day.released_wh * _KW_PER_WH, color="tab:blue", label="released")
            axes.plot(hours, day.plain_wh * _KW_PER_WH, lw=1.2, color="black", label="plain sum")
            axes.set(title=f"{day.group}, {day.day}", xlabel="hour", xlim=(0, hours[-1]))
            axes.set_ylim(0, 2.2 * float(day.plain_wh.max()) * _KW_PER_WH)
            axes.set_ylabel("kW")
            axes.legend(loc="upper left")
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def scale_wh(day: Day) -> float:
    """Return the energy of the highest bar, the same for all curves of a day."""
    return 1.3 * float(day.plain_wh.max())


def show(day: Day, console: Console) -> None:
    """Draw the day's curves as bars in the terminal, on one scale."""
    top = scale_wh(day)
    table = Table(title=f"{day.group}, {day.day}", box=None, show_header=False)
    rows = (
        ("plain sum (nobody sees it)", day.plain_wh, ""),
        ("released", day.released_wh, _percent(relative_error(day.released_wh, day.plain_wh))),
        (
            "crowd = 1, local noise",
            day.local_wh,
            _percent(relative_error(day.local_wh, day.plain_wh)),
        ),
        (
            "the same, unfiltered",
            day.local_raw_wh,
            _percent(relative_error(day.local_raw_wh, day.plain_wh)),
        ),
    )
    for label, curve, error in rows:
        table.add_row(label, bars(curve, top), error)
    console.print(table)


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f} % off" if fraction >= 1 else f"{100 * fraction:.1f} % off"


def bars(curve: Curve, top: float, columns: int = _COLUMNS) -> str:
    """Return a curve as a line of bars, each a mean; a bar at `top` has full height."""
    edges = np.linspace(0, len(curve), columns + 1).astype(int)
    means = np.array([curve[a:b].mean() for a, b in itertools.pairwise(edges)])
    levels = np.clip(means / top * (len(_BARS) - 1), 0, len(_BARS) - 1)
    return "".join(_BARS[int(level)] for level in np.rint(levels))
