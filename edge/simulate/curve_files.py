"""Loads curves from files: Volet's own CSV, and Enedis' exports for its customers.

Volet's CSV has the header `start_utc,energy_wh` and one row for each step: the instant at which it
begins, and whole Wh. For Enedis see `enedis_exports` and `enedis_json`. Semicolons, commas or tabs
may separate columns. Steps may be missing; nothing is drawn in them.
"""

import csv
import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from edge.simulate.curve import Curve
from edge.simulate.curve_rows import HOUR_S, CurveRow, cells_of, check_year, curve_of, refusal
from edge.simulate.enedis_exports import (
    POWER_HEADER,
    PREAMBLE,
    is_by_span,
    rows_by_end,
    rows_by_span,
)
from edge.simulate.enedis_json import OPENING, rows_of_json
from protocol.errors import FrameError

OWN_HEADER = ["start_utc", "energy_wh"]
DELIMITERS = ";,\t"


def load_curve(path: Path) -> Curve:
    """Read a curve in any of the formats; its energy equals the file's.

    Raises:
        FrameError: the file is invalid; the message names file, line and fault.
    """
    text = _text(path)
    if text.lstrip().startswith(OPENING):
        return curve_of(path, rows_of_json(path, text))
    first = text.partition("\n")[0].strip()
    delimiter = max(DELIMITERS, key=first.count)
    header = ";".join(cell.strip() for cell in first.split(delimiter))
    if header == ";".join(OWN_HEADER):
        return curve_of(path, _own_rows(path, text, delimiter))
    if header == ";".join(POWER_HEADER) or header.startswith(PREAMBLE):
        return curve_of(path, rows_by_end(path, text, delimiter))
    if is_by_span(header):
        return curve_of(path, rows_by_span(path, text, delimiter, header))
    raise refusal(
        path,
        1,
        f"expected the header `{','.join(OWN_HEADER)}` or an Enedis export "
        f"(`{';'.join(POWER_HEADER)}` or `Début;Fin;Valeur (en Kw)`)",
    )


def save_curve(path: Path, curve: Curve) -> None:
    """Write a curve as Volet's own CSV; fractions of a Wh are dropped."""
    energies_wh = curve.power_w * curve.step_s // HOUR_S
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(OWN_HEADER)
        for start_s, energy_wh in zip(curve.edges_s.tolist(), energies_wh.tolist(), strict=False):
            writer.writerow(
                [f"{datetime.fromtimestamp(start_s, UTC):%Y-%m-%dT%H:%M:%SZ}", energy_wh]
            )


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise FrameError(f"{path}: the curve cannot be read: {exc.strerror}") from exc
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        if b"\0" in data:
            raise FrameError(f"{path}: the curve is not a text file") from exc
    return data.decode("cp1252", "replace")  # as a French spreadsheet writes it


def _own_rows(path: Path, text: str, delimiter: str) -> list[CurveRow]:
    """Read Volet's own format; the step is the shortest distance between two rows.

    Raises:
        FrameError: a line is invalid; the message names it.
    """
    begun = [
        (line, *_own_row(path, line, cells))
        for line, cells in cells_of(path, text, delimiter, skip=1)
    ]
    if len(begun) < 2:  # noqa: PLR2004 - two instants make a step
        raise refusal(path, len(begun) + 1, "the curve ends here; it needs two steps at least")
    for (_, before_s, _), (line, at_s, _) in pairwise(begun):
        if at_s <= before_s:
            raise refusal(path, line, "the instant does not come after that of the line before")
    step_s, line = min((after[1] - before[1], after[0]) for before, after in pairwise(begun))
    if HOUR_S % step_s:
        raise refusal(path, line, f"steps of {step_s} s do not divide an hour")
    return [
        CurveRow(line, at_s, at_s + step_s, energy_wh * HOUR_S // step_s)
        for line, at_s, energy_wh in begun
    ]


def _own_row(path: Path, line: int, cells: list[str]) -> tuple[int, int]:
    if len(cells) != len(OWN_HEADER):
        raise refusal(path, line, f"expected {len(OWN_HEADER)} columns, found {len(cells)}")
    stamp, value = cells
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError as exc:
        raise refusal(path, line, f"start_utc {stamp!r} is not an ISO 8601 instant") from exc
    check_year(path, line, at)
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        raise refusal(path, line, f"energy_wh {value!r} is not a whole number from 0 up")
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()), int(value)
