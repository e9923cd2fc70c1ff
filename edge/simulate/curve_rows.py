"""Rows of a curve's file, and the curve that they form.

A row holds the mean power from one instant to another. Rows ascend and do not overlap. There may be
gaps between them, in which nothing is drawn.
"""

import csv
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from edge.simulate.curve import Curve
from protocol.errors import FrameError

HOUR_S = 3_600
MAX_POWER_W = 250_000
MAX_SPAN_S = 20 * 366 * 86_400
# Twenty years have 1 054 080 steps of ten minutes.
MAX_STEPS = 2_000_000
YEARS = range(2000, 2099)
"""The years that a meter can date: its horodate has two digits of the year."""


class CurveRow(msgspec.Struct, frozen=True):
    """The mean power between two instants (Unix seconds), and the number of its line."""

    line: int
    start_s: int
    end_s: int
    power_w: int


def refusal(path: Path, line: int, what: str) -> FrameError:
    """Return the error for a line."""
    return FrameError(f"{path}, line {line}: {what}")


def cells_of(
    path: Path, text: str, delimiter: str, *, skip: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the stripped cells of each row after the first `skip` lines.

    Raises:
        FrameError: a line is not a row of a table.
    """
    rows = csv.reader(text.splitlines(), delimiter=delimiter)
    try:
        for cells in rows:
            if rows.line_num > skip and any(cell.strip() for cell in cells):
                yield rows.line_num, [cell.strip() for cell in cells]
    except csv.Error as exc:
        raise refusal(path, rows.line_num, f"the line is no row of a table ({exc})") from exc


def check_year(path: Path, line: int, at: datetime) -> None:
    """Check that a meter can date an instant. Raises FrameError."""
    if at.year not in YEARS:
        raise refusal(path, line, f"{at.year} is not a year from {YEARS[0]} to {YEARS[-1]}")


def curve_of(path: Path, rows: Sequence[CurveRow]) -> Curve:
    """Make the curve of ascending rows, on the grid of the shortest one.

    Raises:
        FrameError: rows overlap, or one does not fit the grid; the message names the line.
    """
    for before, row in pairwise(rows):
        if row.start_s < before.end_s:
            raise refusal(path, row.line, "the instant does not come after that of the line before")
    shortest = min(rows, key=lambda row: row.end_s - row.start_s)
    first_s, step_s = rows[0].start_s, shortest.end_s - shortest.start_s
    if HOUR_S % step_s:
        raise refusal(path, shortest.line, f"steps of {step_s} s do not divide an hour")
    if rows[-1].end_s - first_s > MAX_SPAN_S:
        raise refusal(
            path, rows[-1].line, "the instant lies more than 20 years after the first one"
        )
    steps = -(-(rows[-1].end_s - first_s) // step_s)
    if steps > MAX_STEPS:
        raise refusal(
            path,
            rows[-1].line,
            f"up to this instant the curve has {steps} steps of {step_s} s, beyond {MAX_STEPS}",
        )
    power_w = np.zeros(steps, dtype=np.int64)
    for row in rows:
        if (row.start_s - first_s) % step_s or (row.end_s - first_s) % step_s:
            raise refusal(path, row.line, f"the instant is not on the grid of {step_s} s")
        if row.power_w > MAX_POWER_W:
            raise refusal(
                path, row.line, f"{row.power_w} W is more than a household's meter can carry"
            )
        power_w[(row.start_s - first_s) // step_s : (row.end_s - first_s) // step_s] = row.power_w
    return Curve(first_s, step_s, power_w)
