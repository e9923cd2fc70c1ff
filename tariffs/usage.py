"""A household's usage: indices at the start and end of a period, and in between."""

from collections.abc import Mapping
from datetime import date
from itertools import pairwise

import msgspec

from protocol.errors import DocumentRefused
from protocol.json_text import read_json
from tariffs.grids import REGISTERS, GridOption, grids_between, parse_option, prices_of

WH_PER_KWH = 1_000
# A meter's index has nine digits; a drop counts as a rollover only from near their end.
INDEX_MODULUS_WH = 1_000_000_000
ROLLOVER_FROM_WH = 999_000_000
INDEX_MAX_WH = 1_000_000_000_000
INDICES_MAX = 2
PERIOD_DAYS_MAX = 3_660
_FIELDS = (
    "a usage has `option`, `kva`, `from` and `to_exclusive` (YYYY-MM-DD) and `index_wh` "
    "({register: [start, end]} in Wh)"
)


class _Usage(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to_exclusive"}):
    option: str
    kva: int
    start: date
    end: date
    index_wh: dict[str, tuple[int, ...]]
    index_at: dict[date, dict[str, int]] = {}


class Usage(msgspec.Struct, frozen=True):
    """A checked usage over the days [start, end).

    `indices_wh` contains the index of each register of the option for `start`, for `end`, and for
    days in between on which it is known. Indices never fall.
    """

    option: GridOption
    kva: int
    start: date
    end: date
    indices_wh: Mapping[date, Mapping[str, int]]

    def kwh(self) -> dict[str, int]:
        """Return the whole kWh of each register over the period."""
        first, last = self.indices_wh[self.start], self.indices_wh[self.end]
        return {name: whole_kwh(first[name], last[name]) for name in first}

    def is_read(self, day: date) -> bool:
        """Return whether the index at the beginning of `day` is known rather than interpolated."""
        return day in self.indices_wh

    def index_wh(self, register: str, day: date) -> int:
        """Return a register's index at the beginning of `day`, interpolated if it is not known."""
        before = max(known for known in self.indices_wh if known <= day)
        after = min(known for known in self.indices_wh if known >= day)
        first, last = self.indices_wh[before][register], self.indices_wh[after][register]
        if before == after:
            return first
        return first + (last - first) * (day - before).days // (after - before).days


def whole_kwh(start_wh: int, end_wh: int) -> int:
    """Return the kWh billed between two indices: the difference of their whole kWh."""
    return end_wh // WH_PER_KWH - start_wh // WH_PER_KWH


def parse_usage(data: bytes, origin: str) -> Usage:
    """Read a usage file; other keys (such as a worked bill's lines) are ignored.

    Raises:
        DocumentRefused: names the origin and what is wrong.
    """
    try:
        raw = read_json(data, _Usage)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused(f"{origin}: {exc}; {_FIELDS}.") from exc
    try:
        return _check(raw)
    except DocumentRefused as exc:
        raise DocumentRefused(f"{origin}: {exc}") from exc


def _check(raw: _Usage) -> Usage:
    option = parse_option(raw.option)
    if raw.start >= raw.end:
        raise DocumentRefused(f"to_exclusive must lie after from ({raw.start}).")
    if (raw.end - raw.start).days > PERIOD_DAYS_MAX:
        raise DocumentRefused(
            f"{raw.start} to {raw.end} is more than {PERIOD_DAYS_MAX} days; price a shorter period."
        )
    changes = []
    for grid, first, _ in grids_between(raw.start, raw.end):
        prices_of(grid, option, raw.kva)
        changes.append(first)
    rows = _rows(raw, changes)
    registers = list(REGISTERS[option])
    for day, row in rows.items():
        _check_row(day, row, registers, option)
    ordered = dict(sorted(rows.items()))
    names = [name for name in raw.index_wh if name in registers]
    straight = _unrolled(ordered, names)
    return Usage(option, raw.kva, raw.start, raw.end, straight)


def _rows(raw: _Usage, changes: list[date]) -> dict[date, dict[str, int]]:
    """Return the file's indices by day."""
    days = [*changes, raw.end]
    rows: dict[date, dict[str, int]] = {raw.start: {}, raw.end: {}}
    for name, indices in raw.index_wh.items():
        if len(indices) == INDICES_MAX:
            at = [raw.start, raw.end]
        elif len(indices) == len(days):
            at = days
        else:
            changed = f", or {len(days)} with those at each change of grid" * (
                len(days) > INDICES_MAX
            )
            raise DocumentRefused(
                f"index_wh of {name!r} needs its first and last index{changed}; "
                f"{len(indices)} are there."
            )
        for day, index in zip(at, indices, strict=True):
            rows.setdefault(day, {})[name] = index
    for day, row in raw.index_at.items():
        if not raw.start < day < raw.end:
            raise DocumentRefused(f"index_at names {day}, which does not lie within the period.")
        for name, index in row.items():
            if rows.setdefault(day, {}).setdefault(name, index) != index:
                raise DocumentRefused(f"Two indices of {name!r} are given for {day}.")
    return rows


def _check_row(day: date, row: Mapping[str, int], registers: list[str], option: GridOption) -> None:
    unknown = sorted(set(row) - set(registers))
    if unknown:
        raise DocumentRefused(
            f"{option} has no register {unknown[0]!r}; it has {', '.join(registers)}."
        )
    missing = [name for name in registers if name not in row]
    if missing:
        raise DocumentRefused(
            f"The index of {', '.join(missing)} at {day} is missing; {option} bills "
            f"{', '.join(registers)}."
        )
    for name, index in row.items():
        if not 0 <= index < INDEX_MAX_WH:
            raise DocumentRefused(f"The index of {name} at {day} is {index} Wh; a meter's is not.")


def _unrolled(
    rows: Mapping[date, Mapping[str, int]], names: list[str]
) -> dict[date, dict[str, int]]:
    """Add 10^9 Wh after each rollover of a nine-digit index, so no index falls."""
    straight = {day: {name: row[name] for name in names} for day, row in rows.items()}
    for name in names:
        turns = 0
        for (_, before), (day, after) in pairwise(rows.items()):
            if after[name] < before[name]:
                if before[name] < ROLLOVER_FROM_WH or before[name] >= INDEX_MODULUS_WH:
                    raise DocumentRefused(
                        f"The index of {name} falls from {before[name]} to {after[name]} Wh by "
                        f"{day}; a meter counts up (where it was replaced, price the two apart)."
                    )
                turns += INDEX_MODULUS_WH
            straight[day][name] = after[name] + turns
    return straight
