"""Writes public curves of synthetic homes, from the chip's own simulation, as Parquet.

`python -m benchmarks.public_homes --out FILE.parquet`. The files in `cloud/estimation/data` were
derived from them with `volet cloud measures derive --curves FILE.parquet --homes 200`. They serve
to try things out; a city derives its own from measured curves.
"""

from datetime import date, timedelta
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cloud.estimation.public import SLOT_COLUMNS
from edge.simulate.household import synthetic_curve

FIRST_DAY = date(2026, 11, 2)  # a Monday, after the change to winter time
_FIRST_SEED = 9_000_000  # differs from all of the demo's homes
_QUARTERS_AN_HOUR = 4


@click.command()
@click.option("--homes", type=click.IntRange(16), default=80, show_default=True)
@click.option("--days", type=click.IntRange(21), default=49, show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
def main(homes: int, days: int, out: Path) -> None:
    """Write curves of synthetic homes in Wh a quarter-hour."""
    end = FIRST_DAY + timedelta(days=days)
    curves = np.stack(
        [
            synthetic_curve(_FIRST_SEED + home, FIRST_DAY, end).power_w / _QUARTERS_AN_HOUR
            for home in range(homes)
        ]
    ).reshape(homes * days, -1)
    keys = {
        "household": np.repeat([f"synthetic-{home:03d}" for home in range(homes)], days),
        "day": np.tile(np.arange(days), homes),
    }
    slots = {name: curves[:, slot] for slot, name in enumerate(SLOT_COLUMNS)}
    pq.write_table(pa.table(keys | slots), out)
    click.echo(f"Wrote {homes} homes of {days} days to {out}.")


if __name__ == "__main__":
    main()
