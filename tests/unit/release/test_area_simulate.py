"""`volet area simulate`: the contract's JSON, its refusals, and the errors it promises."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from cloud.estimation.derive import assemble
from cloud.estimation.learn import learn
from protocol.errors import ConfigError
from tests.support.tariffs import SHARED
from volet.area import simulate as module
from volet.main import volet

KEYS = {
    "median_relative_rmse",
    "p95_relative_rmse",
    "daily_total_error_median",
    "daily_total_error_p95",
    "epsilon",
    "delta",
    "households",
    "seconds",
    "band_coverage",
    "releases",
}
BAMBERG = SHARED / "load_curves" / "ch_bamberg_15min.parquet"


def write_curves(path, prefix: str, homes: int = 10, days: int = 28, seed: int = 5):
    """Write homes of daily shapes with a morning and an evening."""
    rng = np.random.default_rng(seed)
    hours = np.arange(96) / 4
    shape = 40 + 60 * np.exp(-((hours - 8) ** 2) / 3) + 90 * np.exp(-((hours - 19) ** 2) / 6)
    level = rng.lognormal(0, 0.4, (homes, 1, 1))
    curves = level * shape * rng.lognormal(0, 0.3, (homes, days, 96))
    flat = curves.reshape(-1, 96)
    columns = {
        "household": np.repeat([f"{prefix}{n:03d}" for n in range(homes)], days),
        "day": np.tile(np.arange(days), homes),
        **{f"h{slot:02d}": flat[:, slot] for slot in range(96)},
    }
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def files(tmp_path):
    return (
        write_curves(tmp_path / "curves.parquet", "a"),
        write_curves(tmp_path / "public.parquet", "b", seed=6),
    )


def run(curves, public, *words):
    words = ("--curves", str(curves), "--public", str(public), *words, "--json")
    return CliRunner().invoke(volet, ["area", "simulate", *words], standalone_mode=False)


def quick_derive(curves, homes, sigma):
    return assemble(learn(curves), homes, sigma, 0.8, 1.64)


def test_the_whole_path_gives_the_contracts_figures(files, monkeypatch):
    monkeypatch.setattr(module, "derive", quick_derive)
    done = run(*files, "--households", "200", "--epsilon", "2", "--days", "2", "--workers", "1")
    assert done.exception is None, done.output
    result = json.loads(done.stdout)
    assert set(result) == KEYS
    assert (result["households"], result["epsilon"], result["delta"]) == (200, 2.0, 1e-6)
    assert result["releases"] == 2
    # Noise of a few percent: a mask that stayed, or noise by the textbook, would be hundreds.
    assert 0 < result["median_relative_rmse"] < 0.5


def test_homes_may_not_be_public_and_private(files):
    with pytest.raises(ConfigError, match="10 households are in"):
        raise run(files[0], files[0], "--households", "200").exception


def test_too_few_households_are_refused(files):
    with pytest.raises(ConfigError, match="from 200 households on, not of 199"):
        raise run(*files, "--households", "199").exception


def test_more_days_than_there_are_are_refused(files):
    with pytest.raises(ConfigError, match="28 whole days"):
        raise run(*files, "--households", "200", "--days", "29").exception


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize(("households", "most"), [(200, 0.13), (1_000, 0.06), (10_000, 0.012)])
def test_real_curves_come_out_as_promised(tmp_path, households, most):
    if not BAMBERG.exists():
        pytest.skip(f"{BAMBERG.name} is not beside the project")
    table = pq.read_table(BAMBERG)
    homes = table.column("household").cast(pa.string())
    names = sorted(set(homes.to_pylist()))
    order = np.random.default_rng(7).permutation(len(names))
    paths = []
    for place, part in enumerate(np.array_split(order, 2)):
        own = table.filter(pc.is_in(homes, pa.array([names[n] for n in part])))
        paths.append(tmp_path / f"{place}.parquet")
        pq.write_table(own, paths[-1])
    done = run(*paths, "--households", str(households), "--days", "28", "--seed", "1")
    assert done.exception is None, done.output
    assert json.loads(done.stdout)["median_relative_rmse"] <= most
