"""Reads the load curve that Enedis gives customers and their agents as JSON.

`consumption_load_curve` of Data Connect: each reading has the local time at which its step *ends*,
the step's length, and the mean power in W. When the clock goes back, the second pass of the
repeated hour begins where the time of day does.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby, pairwise
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from edge.simulate.curve_rows import CurveRow, check_year
from protocol.calendar import PARIS
from protocol.errors import FrameError
from protocol.json_text import read_json

OPENING = "{"
_MINUTE_S = 60


class _IntervalReading(msgspec.Struct, frozen=True):
    value: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}(?!\n)$")]
    date: Annotated[
        str, msgspec.Meta(pattern=r"^[0-9]{4}(-[0-9]{2}){2} [0-9]{2}(:[0-9]{2}){2}(?!\n)$")
    ]
    interval_length: Annotated[str, msgspec.Meta(pattern=r"^PT(5|10|15|20|30|60)M(?!\n)$")]


class _ReadingType(msgspec.Struct, frozen=True):
    unit: Literal["W"]


class _MeterReading(msgspec.Struct, frozen=True):
    reading_type: _ReadingType
    interval_reading: Annotated[tuple[_IntervalReading, ...], msgspec.Meta(min_length=1)]


class _Document(msgspec.Struct, frozen=True):
    meter_reading: _MeterReading


def rows_of_json(path: Path, text: str) -> list[CurveRow]:
    """Read a document; a row's `line` is the number of its reading.

    Raises:
        FrameError: it is invalid; the message names the reading.
    """
    try:
        readings = read_json(text.encode(), _Document).meter_reading.interval_reading
    except msgspec.MsgspecError as exc:
        raise FrameError(f"{path} is no load curve in Enedis' JSON: {exc}") from exc
    ends_s = _instants_s(path, [_local(path, at, each) for at, each in enumerate(readings, 1)])
    return [
        CurveRow(at, end_s - _length_s(reading), end_s, int(reading.value))
        for at, (reading, end_s) in enumerate(zip(readings, ends_s, strict=True), 1)
    ]


def _refusal(path: Path, at: int, what: str) -> FrameError:
    return FrameError(f"{path}, reading {at}: {what}")


def _length_s(reading: _IntervalReading) -> int:
    return _MINUTE_S * int(reading.interval_length.removeprefix("PT").removesuffix("M"))


def _local(path: Path, at: int, reading: _IntervalReading) -> datetime:
    try:
        local = datetime.fromisoformat(reading.date).replace(tzinfo=PARIS)
    except ValueError as exc:
        raise _refusal(path, at, f"{reading.date!r} is no instant") from exc
    check_year(path, at, local)
    return local


def _instants_s(path: Path, ends: Sequence[datetime]) -> list[int]:
    """Return the instants of local times, in Unix seconds.

    Raises:
        FrameError: a time does not exist, comes twice and may be either, or goes back.
    """
    instants_s: list[int] = []
    for night, same in groupby(enumerate(ends, 1), lambda each: _night_of(each[1])):
        numbered = list(same)
        instants_s += _once(path, numbered) if night is None else _both_passes(path, numbered)
    for at, (before_s, after_s) in enumerate(pairwise(instants_s), 2):
        if after_s <= before_s:
            raise _refusal(path, at, "the instant does not come after that of the reading before")
    return instants_s


def _night_of(at: datetime) -> date | None:
    """Return the day on which a time comes twice; None if it comes once."""
    is_twice = at.replace(fold=0).timestamp() < at.replace(fold=1).timestamp()
    return at.date() if is_twice else None


def _once(path: Path, ends: Sequence[tuple[int, datetime]]) -> Iterator[int]:
    for at, end in ends:
        if end.replace(fold=1).timestamp() < end.timestamp():
            raise _refusal(
                path, at, f"{end:%d/%m/%Y %H:%M:%S} does not exist: the clock goes forward there"
            )
        yield int(end.timestamp())


def _both_passes(path: Path, ends: Sequence[tuple[int, datetime]]) -> Iterator[int]:
    second = next((at for (_, before), (at, end) in pairwise(ends) if end <= before), None)
    if second is None:
        at, end = ends[0]
        raise _refusal(
            path,
            at,
            f"{end:%d/%m/%Y %H:%M} comes twice, and which of both this is cannot be told; take "
            "the CSV, or leave this hour out",
        )
    for at, end in ends:
        yield int(end.replace(fold=int(at >= second)).timestamp())
