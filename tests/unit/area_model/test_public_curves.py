"""Public curves from Parquet: all of them or a refusal that names the place."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cloud.estimation.public import SLOT_COLUMNS, read_public
from protocol.errors import ConfigError, FrameError


def columns(homes=("b", "a"), days=2):
    keys = [(home, day) for home in homes for day in range(days)]
    rng = np.random.default_rng(1)
    made = {"household": [home for home, _ in keys], "day": [day for _, day in keys]}
    return made | {name: rng.integers(0, 500, len(keys)).tolist() for name in SLOT_COLUMNS}


def write(path, made):
    pq.write_table(pa.table(made), path)
    return path


def test_homes_come_in_the_order_of_their_names_and_days_in_theirs(tmp_path):
    made = columns()
    order = [3, 0, 2, 1]
    shuffled = {name: [values[row] for row in order] for name, values in made.items()}
    curves = read_public(write(tmp_path / "c.parquet", shuffled))
    assert curves.shape == (2, 2, 96)
    assert curves[0, 1, 5] == made["h05"][3]
    assert curves[1, 0, 95] == made["h95"][0]


def change(made, name, row, value):
    values = list(made[name])
    values[row] = value
    return made | {name: values}


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (lambda m: {k: v for k, v in m.items() if k != "h40"}, ConfigError, "0 columns h40"),
        (lambda m: change(m, "h07", 2, None), FrameError, "row 2, h07"),
        (lambda m: change(m, "h07", 1, -1), FrameError, "row 1, h07: -1"),
        (lambda m: m | {"h07": [1.0, float("nan"), 1.0, 1.0]}, FrameError, "row 1, h07: nan"),
        (lambda m: m | {"h07": ["a", "b", "c", "d"]}, ConfigError, "column h07 holds string"),
        (lambda m: change(m, "day", 3, 0), FrameError, "row 3: a has day 0 already"),
        (lambda m: change(m, "day", 3, 4), FrameError, "a has no day 1"),
        (lambda m: change(m, "day", 3, -1), FrameError, "row 3, day: -1"),
        (lambda m: change(m, "household", 0, None), FrameError, "row 0, household"),
        (lambda m: {name: [] for name in m}, ConfigError, "no rows"),
    ],
)
def test_what_is_malformed_is_named(tmp_path, spoil, error, words):
    with pytest.raises(error, match=words):
        read_public(write(tmp_path / "c.parquet", spoil(columns())))


def test_what_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "c.parquet").write_bytes(b"household,day")
    with pytest.raises(ConfigError, match="cannot be read as Parquet"):
        read_public(tmp_path / "c.parquet")
