"""Load curves from files: Volet's own CSV, and the export that Enedis gives its customers.

Own: header `start_utc,energy_wh`, one row a step, the instant at which it begins and whole Wh.
Enedis ("Courbe de charge"): `Horodate;Valeur`, the instant at which a step *ends* with its UTC
offset, and the mean power over it in W. Steps may be missing; nothing is drawn in them.
"""

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from edge.simulate.curve import Curve
from protocol.errors import FrameError

OWN_HEADER = ["start_utc", "energy_wh"]
ENEDIS_HEADER = ["Horodate", "Valeur"]
ENEDIS_PREAMBLE = "Identifiant PRM"
ENEDIS_UNIT_COLUMN = "Unite"
HOUR_S = 3_600
MAX_POWER_W = 250_000
MAX_SPAN_S = 20 * 366 * 86_400
YEARS = range(2000, 2099)
"""What the meter can date: its horodate has two digits of the year."""

Row = tuple[int, int, int]
"""Line number, instant in Unix seconds, value as it stands in the file."""


def load_curve(path: Path) -> Curve:
    """Read a curve, whichever of the two formats it is in.

    Raises FrameError, naming file, line and what is wrong with it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise FrameError(f"{path}: the curve cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise FrameError(f"{path}: the curve is not a text file") from exc
    first = text.partition("\n")[0].strip()
    if first == ",".join(OWN_HEADER):
        return _assemble(path, list(_own_rows(path, text)), is_end=False)
    if first == ";".join(ENEDIS_HEADER) or first.startswith(ENEDIS_PREAMBLE):
        return _assemble(path, list(_enedis_rows(path, text)), is_end=True)
    raise _error(
        path,
        1,
        f"expected the header `{','.join(OWN_HEADER)}` or an Enedis export "
        f"(`{';'.join(ENEDIS_HEADER)}`)",
    )


def save_curve(path: Path, curve: Curve) -> None:
    """Write a curve as Volet's own CSV; fractions of a Wh, where a step has any, are dropped."""
    energies_wh = curve.power_w * curve.step_s // HOUR_S
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(OWN_HEADER)
        for start_s, energy_wh in zip(curve.edges_s.tolist(), energies_wh.tolist(), strict=False):
            writer.writerow(
                [f"{datetime.fromtimestamp(start_s, UTC):%Y-%m-%dT%H:%M:%SZ}", energy_wh]
            )


def _own_rows(path: Path, text: str) -> Iterator[Row]:
    for number, cells in _rows(text, ",", skip=1):
        yield _row(path, number, cells, OWN_HEADER)


def _enedis_rows(path: Path, text: str) -> Iterator[Row]:
    skip = 0
    if text.startswith(ENEDIS_PREAMBLE):
        head = [line.split(";") for line in text.splitlines()[:3]]
        if len(head) < 3 or head[2][:2] != ENEDIS_HEADER:  # noqa: PLR2004 - the third line
            raise _error(path, 3, f"expected `{';'.join(ENEDIS_HEADER)}`")
        described = dict(zip(head[0], head[1], strict=False))
        unit = described.get(ENEDIS_UNIT_COLUMN, "W")
        if unit != "W":
            raise _error(path, 2, f"expected a load curve in W, found the unit {unit!r}")
        skip = 2
    for number, cells in _rows(text, ";", skip=skip + 1):
        if len(cells) > 1 and not cells[1].strip():
            continue  # a step without a measurement
        yield _row(path, number, cells, ENEDIS_HEADER)


def _rows(text: str, delimiter: str, *, skip: int) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if number > skip and line.strip():
            yield number, line.split(delimiter)


def _row(path: Path, number: int, cells: list[str], header: list[str]) -> Row:
    if len(cells) != len(header):
        raise _error(path, number, f"expected {len(header)} columns, found {len(cells)}")
    stamp, value = (cell.strip() for cell in cells)
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError as exc:
        raise _error(path, number, f"{header[0]} {stamp!r} is not an ISO 8601 instant") from exc
    if at.year not in YEARS:
        raise _error(path, number, f"{at.year} is not a year from {YEARS[0]} to {YEARS[-1]}")
    if at.tzinfo is None:
        if header is ENEDIS_HEADER:
            raise _error(path, number, f"Horodate {stamp!r} has no UTC offset")
        at = at.replace(tzinfo=UTC)
    if not (value.isascii() and value.isdecimal()):
        raise _error(path, number, f"{header[1]} {value!r} is not a whole number from 0 up")
    return number, int(at.timestamp()), int(value)


def _assemble(path: Path, rows: list[Row], *, is_end: bool) -> Curve:
    """Build the curve of rows that give a step's end and power, or its beginning and energy."""
    if len(rows) < 2:  # noqa: PLR2004 - two instants make a step
        raise _error(path, len(rows) + 1, "the curve ends here; it needs two steps at least")
    for (_, before_s, _), (number, at_s, _) in pairwise(rows):
        if at_s <= before_s:
            raise _error(path, number, "the instant does not come after that of the line before")
    step_s = min(after[1] - before[1] for before, after in pairwise(rows))
    if HOUR_S % step_s:
        raise _error(path, rows[1][0], f"steps of {step_s} s do not divide an hour")
    to_power: Callable[[int], int] = (
        (lambda value: value) if is_end else (lambda value: value * HOUR_S // step_s)
    )
    first_s = rows[0][1]
    if rows[-1][1] - first_s > MAX_SPAN_S:
        raise _error(path, rows[-1][0], "the instant lies more than 20 years after the first one")
    power_w = np.zeros((rows[-1][1] - first_s) // step_s + 1, dtype=np.int64)
    for number, at_s, value in rows:
        if (at_s - first_s) % step_s:
            raise _error(path, number, f"the instant is not on the grid of {step_s} s")
        if to_power(value) > MAX_POWER_W:
            raise _error(path, number, f"{value} is more than a household's meter can carry")
        power_w[(at_s - first_s) // step_s] = to_power(value)
    return Curve(first_s - step_s if is_end else first_s, step_s, power_w)


def _error(path: Path, number: int, what: str) -> FrameError:
    return FrameError(f"{path}, line {number}: {what}")
