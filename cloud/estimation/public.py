"""Public load curves: measured homes whose owners published them, for deriving constants."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from protocol.errors import ConfigError, FrameError
from protocol.transform import CLOCK_SLOTS

Curves = npt.NDArray[np.float64]

SLOT_COLUMNS = tuple(f"h{slot:02d}" for slot in range(CLOCK_SLOTS))
_KEYS = ("household", "day")
_DAYS_MAX = 100_000


def read_public(path: Path) -> Curves:
    """Read curves from Parquet: columns household, day (0 a Monday), h00 … h95 in Wh.

    Returns float64[homes, days, 96], homes in the order of their names. Every home must have every
    day from 0 on, once.

    Raises:
        ConfigError: the file cannot be read as Parquet, or a column is missing; names it.
        FrameError: a value is not an energy, or a day is missing or repeated; names the row.
    """
    table = _read_table(path)
    homes, names = _home_numbers(table, path)
    days = _day_numbers(table, path)
    energies = np.stack([_energies(table, column, path) for column in SLOT_COLUMNS], axis=1)
    count = int(days.max()) + 1
    cells = homes * count + days
    occurrences = np.bincount(cells, minlength=len(names) * count)
    if (occurrences > 1).any():
        row = _second(cells)
        raise FrameError(
            f"{path}, row {row}: {names[homes[row]]} has day {days[row]} already; keep one of them."
        )
    if (occurrences == 0).any():
        home, day = divmod(int(np.flatnonzero(occurrences == 0)[0]), count)
        raise FrameError(
            f"{path}: {names[home]} has no day {day}, others have; leave the home out or give the "
            "day."
        )
    curves = np.empty((len(names) * count, CLOCK_SLOTS))
    curves[cells] = energies
    return curves.reshape(len(names), count, CLOCK_SLOTS)


def _read_table(path: Path) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as exc:
        raise ConfigError(f"{path} cannot be read as Parquet: {exc}.") from exc
    for column in (*_KEYS, *SLOT_COLUMNS):
        if table.column_names.count(column) != 1:
            raise ConfigError(
                f"{path} has {table.column_names.count(column)} columns {column}; curves have "
                "household, day and h00 to h95 in Wh, once each."
            )
    if table.num_rows == 0:
        raise ConfigError(f"{path} has no rows; give it curves.")
    return table


def _home_numbers(table: pa.Table, path: Path) -> tuple[npt.NDArray[np.int64], list[str]]:
    column = table.column("household")
    _refuse_null(column, "household", path)
    values = [str(value) for value in column.to_pylist()]
    names, numbers = np.unique(np.array(values, dtype=object), return_inverse=True)
    return numbers.astype(np.int64), [str(name) for name in names]


def _day_numbers(table: pa.Table, path: Path) -> npt.NDArray[np.int64]:
    values = _numbers(table, "day", path)
    bad = ~(np.isfinite(values) & (values >= 0) & (values < _DAYS_MAX) & (values % 1 == 0))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise FrameError(f"{path}, row {row}, day: {values[row]:g} is no day number from 0 on.")
    return values.astype(np.int64)


def _energies(table: pa.Table, column: str, path: Path) -> Curves:
    values = _numbers(table, column, path)
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise FrameError(f"{path}, row {row}, {column}: {values[row]:g} is no energy in Wh.")
    return values


def _numbers(table: pa.Table, column: str, path: Path) -> Curves:
    chunked = table.column(column)
    if not (pa.types.is_integer(chunked.type) or pa.types.is_floating(chunked.type)):
        raise ConfigError(f"{path}: column {column} holds {chunked.type}, not numbers.")
    _refuse_null(chunked, column, path)
    return np.asarray(chunked.to_numpy(), np.float64)


def _refuse_null(column: pa.ChunkedArray, name: str, path: Path) -> None:
    if column.null_count:
        row = column.is_null().to_pylist().index(True)
        raise FrameError(f"{path}, row {row}, {name}: there is no value.")


def _second(cells: npt.NDArray[np.int64]) -> int:
    """Return the first row whose cell an earlier row has."""
    _, first = np.unique(cells, return_index=True)
    return int(np.setdiff1d(np.arange(len(cells)), first)[0])
