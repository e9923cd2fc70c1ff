"""The real load curves of the audited households."""

from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from protocol.errors import ConfigError

SLOTS = 96
COLUMNS = tuple(f"h{slot:02d}" for slot in range(SLOTS))
LOW_SHARE = 0.5
STEP_WH = 250.0  # 1 kW more or less in a quarter-hour

Energies = npt.NDArray[np.float64]


class Truth(msgspec.Struct, frozen=True):
    """Curves of all households over the same days, in Wh a quarter-hour.

    `households` are device ids, `days` day numbers, `energies_wh` float64[households, days, 96],
    NaN where there is no curve.
    """

    households: tuple[str, ...]
    days: tuple[int, ...]
    energies_wh: Energies

    @property
    def is_known(self) -> npt.NDArray[np.bool_]:
        """bool[households, days]: there is a curve."""
        return np.asarray(~np.isnan(self.energies_wh).any(axis=2))

    @property
    def is_low(self) -> npt.NDArray[np.bool_]:
        """bool[households, days]: the household uses less than half of its median day."""
        totals = self.energies_wh.sum(axis=2)
        return np.asarray(totals < LOW_SHARE * np.nanmedian(totals, axis=1, keepdims=True))

    @property
    def is_step(self) -> npt.NDArray[np.bool_]:
        """bool[households, days, 95]: a step of 1 kW or more between two quarter-hours."""
        return np.asarray(np.abs(np.diff(self.energies_wh, axis=2)) >= STEP_WH)


def read_truth(path: Path) -> Truth:
    """Read columns household (device id), day (number since 1970), h00 … h95 (Wh) from Parquet.

    Raises:
        ConfigError: the file is not of this form; names the column.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as exc:
        raise ConfigError(f"{path} cannot be read as Parquet: {exc}.") from exc
    for column in ("household", "day", *COLUMNS):
        if column not in table.column_names:
            raise ConfigError(
                f"{path} lacks the column {column}; truth has household, day and h00 to h95 in Wh."
            )
    names = [str(name) for name in table.column("household").to_pylist()]
    numbers = [int(day) for day in table.column("day").to_pylist()]
    households, rows = np.unique(np.array(names), return_inverse=True)
    days, columns = np.unique(np.array(numbers), return_inverse=True)
    energies = np.full((len(households), len(days), SLOTS), np.nan)
    values = [table.column(name).to_numpy(zero_copy_only=False) for name in COLUMNS]
    energies[rows, columns] = np.stack(values, axis=1).astype(np.float64)
    return Truth(
        tuple(str(household) for household in households), tuple(int(day) for day in days), energies
    )


def write_truth(path: Path, truth: Truth) -> None:
    """Write a file for `read_truth`."""
    rows, columns = np.nonzero(truth.is_known)
    table: dict[str, object] = {
        "household": [truth.households[row] for row in rows],
        "day": [truth.days[column] for column in columns],
    }
    table |= {name: truth.energies_wh[rows, columns, j] for j, name in enumerate(COLUMNS)}
    pq.write_table(pa.table(table), path)
