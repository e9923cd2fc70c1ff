"""Reads the two formats in which Enedis has exported load curves to its customers.

Until 2024 ("Courbe de charge"): `Horodate;Valeur`, the instant at which a step *ends* with its UTC
offset, and the mean power over the step in W. The file does not state the length of a step: it
follows from the rows around. Where it does not, the line is refused, because half of the energy may
be at stake. Since 2024: `Début;Fin;Valeur (en Kw)`, both ends in local time and the mean power in
kW.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate, groupby, pairwise
from pathlib import Path

import msgspec

from edge.simulate.curve_rows import HOUR_S, CurveRow, cells_of, check_year, refusal
from protocol.calendar import PARIS
from protocol.errors import FrameError

POWER_HEADER = ["Horodate", "Valeur"]
PREAMBLE = "Identifiant PRM"
UNIT_COLUMN = "Unite"
_PREAMBLE_LINES = 2
_SPAN_HEADER = re.compile(r"début\s*;\s*fin\s*;\s*valeur \(en (k?w)\)", re.IGNORECASE)
_LOCAL_FORMATS = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M")
_WATTS_PER_KW = 1_000
# Least number of successive equal gaps that count as steps; fewer may come from missing rows. More
# are needed between steps of one shorter length, because every second row may be missing there.
_RUN_LEAST = 4
_RUN_LEAST_BETWEEN = 24


class _Span(msgspec.Struct, frozen=True):
    """A row of the newer format; `power_w` is None where there is no measurement."""

    line: int
    start: datetime
    end: datetime
    power_w: int | None


class _Mark(msgspec.Struct, frozen=True):
    """A row of the older format; `power_w` is None where there is no measurement."""

    line: int
    at_s: int
    power_w: int | None


def rows_by_end(path: Path, text: str, delimiter: str) -> list[CurveRow]:
    """Read the format used until 2024.

    Raises:
        FrameError: a line is invalid; the message names it.
    """
    marks = list(_marks(path, text, delimiter))
    if len(marks) < 2:  # noqa: PLR2004 - two instants make a step
        raise refusal(path, len(marks) + 1, "the curve ends here; it needs two steps at least")
    for before, mark in pairwise(marks):
        if mark.at_s <= before.at_s:
            raise refusal(
                path, mark.line, "the instant does not come after that of the line before"
            )
    rows = [
        CurveRow(mark.line, mark.at_s - length_s, mark.at_s, mark.power_w)
        for mark, length_s in zip(marks, _lengths_s(path, marks), strict=True)
        if mark.power_w is not None
    ]
    return _measured(path, rows, marks[-1].line)


def is_by_span(header: str) -> bool:
    """Return whether a header, with semicolons between columns, has the format used since 2024."""
    return _SPAN_HEADER.fullmatch(header) is not None


def rows_by_span(path: Path, text: str, delimiter: str, header: str) -> list[CurveRow]:
    """Read the format used since 2024.

    Raises:
        FrameError: a line is invalid; the message names it.
    """
    match = _SPAN_HEADER.fullmatch(header)
    if match is None:
        raise refusal(path, 1, "expected `Début;Fin;Valeur (en Kw)`")
    factor = _WATTS_PER_KW if match[1].lower() == "kw" else 1
    spans = list(_spans(path, text, delimiter, factor))
    rows = [
        CurveRow(span.line, *ends_s, span.power_w)
        for span, ends_s in zip(spans, _instants(path, spans), strict=True)
        if span.power_w is not None
    ]
    return _measured(path, rows, spans[-1].line if spans else 2)


def _measured(path: Path, rows: list[CurveRow], last_line: int) -> list[CurveRow]:
    if not rows:
        raise refusal(path, last_line, "the curve ends here; it needs one measurement at least")
    return rows


def _marks(path: Path, text: str, delimiter: str) -> Iterator[_Mark]:
    skip = 1
    if text.startswith(PREAMBLE):
        _check_preamble(path, text, delimiter)
        skip += _PREAMBLE_LINES
    for line, cells in cells_of(path, text, delimiter, skip=skip):
        if len(cells) != len(POWER_HEADER):
            raise refusal(path, line, f"expected {len(POWER_HEADER)} columns, found {len(cells)}")
        stamp, value = cells
        try:
            at = datetime.fromisoformat(stamp)
        except ValueError as exc:
            raise refusal(path, line, f"Horodate {stamp!r} is not an ISO 8601 instant") from exc
        check_year(path, line, at)
        if at.tzinfo is None:
            raise refusal(path, line, f"Horodate {stamp!r} has no UTC offset")
        power_w = _watts(path, line, value, 1) if value else None
        yield _Mark(line, int(at.timestamp()), power_w)


def _check_preamble(path: Path, text: str, delimiter: str) -> None:
    head = [cells for _, cells in cells_of(path, text, delimiter, skip=0)][: _PREAMBLE_LINES + 1]
    if len(head) <= _PREAMBLE_LINES or head[2][:2] != POWER_HEADER:
        raise refusal(path, 3, f"expected `{';'.join(POWER_HEADER)}`")
    unit = dict(zip(head[0], head[1], strict=False)).get(UNIT_COLUMN, "W")
    if unit != "W":
        raise refusal(path, 2, f"expected a load curve in W, found the unit {unit!r}")


def _lengths_s(path: Path, marks: Sequence[_Mark]) -> list[int]:
    """Return the length of the step that ends at each mark, in seconds.

    A step is no longer than the gap before its mark. Several wide gaps in a row are longer steps; a
    single wide gap among equal steps is a hole. After a hole of more than an hour, steps must be as
    long as before it.

    Raises:
        FrameError: the length of one step is ambiguous.
    """
    gaps_s = [after.at_s - before.at_s for before, after in pairwise(marks)]
    least_s = min(gaps_s)
    if HOUR_S % least_s:
        line = marks[gaps_s.index(least_s) + 1].line
        raise refusal(path, line, f"steps of {least_s} s do not divide an hour")
    runs = [(gap_s, len(list(same))) for gap_s, same in groupby(gaps_s)]
    short = [run for run in runs if run[0] <= HOUR_S]
    lengths_s: list[int] = []
    at = -1  # in `short`
    for gap_s, count in runs:
        at += gap_s <= HOUR_S
        if gap_s > HOUR_S:
            length_s = 0  # follows from the steps around it
        elif gap_s == least_s or count >= _least(short, at):
            length_s = gap_s
        else:
            length_s = _length_around(short, at)
            if not length_s:
                raise _ambiguous_step(path, marks[len(lengths_s) + 1])
        lengths_s += [length_s] * count
    return _completed(path, marks, [0, *lengths_s])


def _least(runs: Sequence[tuple[int, int]], at: int) -> int:
    """Return how many equal gaps make a run count as steps."""
    is_between = 0 < at < len(runs) - 1 and runs[at - 1][0] == runs[at + 1][0] < runs[at][0]
    return _RUN_LEAST_BETWEEN if is_between else _RUN_LEAST


def _length_around(runs: Sequence[tuple[int, int]], at: int) -> int:
    """Return the length of the steps around a hole; 0 if the hole may be a step itself."""
    if runs[at][1] > 1 or not 0 < at < len(runs) - 1 or runs[at - 1][0] != runs[at + 1][0]:
        return 0
    length_s = runs[at - 1][0]
    return length_s if length_s < runs[at][0] and runs[at][0] % length_s == 0 else 0


def _completed(path: Path, marks: Sequence[_Mark], lengths_s: list[int]) -> list[int]:
    """Replace each unknown length (0: the first step, or after a long hole) by that around it."""
    known_s = set(lengths_s) - {0}
    before_s = accumulate(lengths_s, _last_known)
    after_s = [*accumulate(reversed(lengths_s), _last_known)][::-1]
    completed_s: list[int] = []
    for mark, length_s, *around in zip(marks, lengths_s, before_s, after_s, strict=True):
        around_s = {length_s} if length_s else set(around) - {0} or known_s
        if len(around_s) != 1:
            raise _ambiguous_step(path, mark)
        completed_s += around_s
    return completed_s


def _last_known(known: int, length: int) -> int:
    return length or known


def _ambiguous_step(path: Path, mark: _Mark) -> FrameError:
    return refusal(
        path,
        mark.line,
        "whether rows are missing before this one or its step has another length cannot be told; "
        "cut the file here and take one of both parts",
    )


def _spans(path: Path, text: str, delimiter: str, factor: int) -> Iterator[_Span]:
    for line, cells in cells_of(path, text, delimiter, skip=1):
        if len(cells) != 3:  # noqa: PLR2004 - both ends and the value
            raise refusal(path, line, f"expected 3 columns, found {len(cells)}")
        start, end = (_local(path, line, cell) for cell in cells[:2])
        power_w = _watts(path, line, cells[2], factor) if cells[2] else None
        yield _Span(line, start, end, power_w)


def _instants(path: Path, spans: Sequence[_Span]) -> list[tuple[int, int]]:
    """Return both ends of each step, in Unix seconds.

    When the clock goes back, one hour occurs twice. The second pass begins where the time of day
    goes back, at the end of the step before.

    Raises:
        FrameError: a line is invalid or ambiguous; the message names it.
    """
    instants: list[tuple[int, int]] = []
    for is_twice, same in groupby(spans, lambda span: _comes_twice(span.start)):
        night = list(same)
        again = _second_pass(path, night) if is_twice else len(night)
        for at, span in enumerate(night):
            start_s = _start_s(path, span, fold=int(at >= again))
            before_s = instants[-1][1] if instants else start_s
            if start_s < before_s:
                raise refusal(
                    path, span.line, "the instant does not come after that of the line before"
                )
            if at == again and start_s != before_s:
                raise _ambiguous_pass(path, span)
            instants.append((start_s, start_s + _length_s(path, span, start_s)))
    return instants


def _comes_twice(at: datetime) -> bool:
    return at.replace(fold=0).timestamp() < at.replace(fold=1).timestamp()


def _second_pass(path: Path, night: Sequence[_Span]) -> int:
    """Return the index at which the second pass of a repeated hour begins.

    Rows without a measurement may belong to either pass.
    """
    for at, (before, span) in enumerate(pairwise(night), 1):
        if span.start <= before.start:
            return at
    measured = [span for span in night if span.power_w is not None]
    if measured:
        raise _ambiguous_pass(path, measured[0])
    return len(night)


def _ambiguous_pass(path: Path, span: _Span) -> FrameError:
    return refusal(
        path,
        span.line,
        f"{span.start:%d/%m/%Y %H:%M} comes twice, and which of both this is cannot be told; "
        "put in the rows of the hour that are missing, without a value, or cut the file here",
    )


def _start_s(path: Path, span: _Span, *, fold: int) -> int:
    if span.start.replace(fold=1).timestamp() < span.start.replace(fold=0).timestamp():
        raise refusal(
            path,
            span.line,
            f"{span.start:%d/%m/%Y %H:%M:%S} does not exist: the clock goes forward there",
        )
    return int(span.start.replace(fold=fold).timestamp())


def _length_s(path: Path, span: _Span, start_s: int) -> int:
    """Return a step's length in seconds; its end may follow the clock or the start's offset."""
    by_clock = int((span.end - span.start) / timedelta(seconds=1))
    by_instants = [int(span.end.replace(fold=fold).timestamp()) - start_s for fold in (0, 1)]
    length_s = min((length for length in (by_clock, *by_instants) if length > 0), default=0)
    if not 0 < length_s <= HOUR_S:
        raise refusal(
            path,
            span.line,
            f"from {span.start:%d/%m/%Y %H:%M:%S} to {span.end:%d/%m/%Y %H:%M:%S} is no step of "
            "an hour at most",
        )
    return length_s


def _local(path: Path, line: int, text: str) -> datetime:
    for form in _LOCAL_FORMATS:
        try:
            at = datetime.strptime(text, form).replace(tzinfo=PARIS)
        except ValueError:
            continue
        check_year(path, line, at)
        return at
    raise refusal(path, line, f"{text!r} is no instant such as 02/03/2023 00:30:00")


def _watts(path: Path, line: int, text: str, factor: int) -> int:
    if not re.fullmatch(r"\d{1,9}([.,]\d{1,9})?", text, re.ASCII):
        raise refusal(path, line, f"Valeur {text!r} is not a number from 0 up")
    watts = Decimal(text.replace(",", ".")) * factor
    if watts != watts.to_integral_value():
        raise refusal(path, line, f"Valeur {text!r} is not a whole number of watts")
    return int(watts)
