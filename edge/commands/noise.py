"""`volet edge noise`: put one household-day through the chip's mechanism, for outside tests.

The JSON is one object. `clipped` (K integers) is the day's code after transform, clip to one radius
and rounding toward zero; its norm is at most `grid`. Each of `draws` (K integers) is `clipped` plus
a fresh share: independent discrete Gaussian noise of standard deviation `std_units` in each slot.
A test can therefore check draws minus clipped for mean 0, that deviation, independence and shape.
crowd·(1 - gamma) such shares add up to the noise that gives `epsilon` and `delta` at distance
`grid`; `rho` is its cost in zCDP.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import click
import msgspec
import numpy as np

from edge.commands.household import HouseholdCommand, echo_translated
from edge.privacy.mechanism import curve_code, noised
from edge.simulate.curve import Curve as LoadCurve
from edge.simulate.curve_files import load_curve
from protocol.calendar import day_end, day_start, days_between, legal_day
from protocol.errors import FrameError, VoletError
from protocol.json_text import read_json
from protocol.layout import QUARTER_HOUR_MAX_WH
from protocol.measures import (
    CURVE_MIN,
    Group,
    Measure,
    MeasureKind,
    Measures,
    Shares,
    check_measures,
)
from protocol.transform import (
    CLOCK_SLOTS,
    Curve,
    Transform,
    clip_to_grid,
    cosines,
    from_clock,
    read_transform,
)

GRID_BITS = 24
DELTA = 1e-6
QUARTER_HOUR_S = 900
WH_PER_WS = 1 / 3_600
# In place of a collectivity's transform: the slowest cosines, and a clip radius in Wh that most
# homes' days stay within.
DEFAULT_ROWS = 24
DEFAULT_RADIUS_WH = 2_000.0
# A list of 96 values has no date: any Monday of 96 quarter-hours serves.
SOME_DAY = date(2026, 1, 5)

_FILE = click.Path(path_type=Path, dir_okay=False)


class NoiseReport(msgspec.Struct, frozen=True):
    """The output of `volet edge noise --json`, described in the module docstring.

    `clipped` and each of `draws` are in units of the grid; a clip radius is `grid` of them.
    `std_units` is the standard deviation of the noise in each slot of one share.
    """

    epsilon: float
    delta: float
    gamma: float
    crowd: int
    grid: int
    std_units: float
    rho: float
    day: str
    clipped: list[int]
    draws: list[list[int]]


@click.command(cls=HouseholdCommand)
@click.option(
    "--curve",
    type=_FILE,
    required=True,
    help="A curve (`volet edge simulate` says which formats), or 96 values in Wh as CSV or JSON.",
)
@click.option("--draws", default=1, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--epsilon", default=2.0, show_default=True, help="Privacy cost of the day.")
@click.option(
    "--crowd", default=140, show_default=True, help="Number of homes that share the noise."
)
@click.option(
    "--gamma", default=0.1, show_default=True, help="Fraction of homes that may add none."
)
@click.option(
    "--transform", "transform_path", type=_FILE, help="Transform of the measures (bytes)."
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def noise(
    curve: Path,
    draws: int,
    epsilon: float,
    crowd: int,
    gamma: float,
    transform_path: Path | None,
    *,
    is_json: bool,
) -> None:
    """Clip a day and add one home's share of noise, as the chip does, DRAWS times.

    The first complete day of the curve is used. Draws minus `clipped` are independent discrete
    Gaussian noise of standard deviation `std_units`, in units of the grid. Nothing leaves this
    machine, nothing is encrypted and no budget is spent. (A chip draws once for a day.)
    Exit codes: 0 done, 1 the terms are out of bounds, 2 usage, 5 the curve cannot be read.
    """
    day, energies = read_day(curve)
    transform = default_transform() if transform_path is None else _read(transform_path)
    measures = terms(transform, epsilon, crowd, gamma)
    report = draw(day, energies, transform, measures, draws)
    if is_json:
        click.echo(msgspec.json.encode(report))
        return
    norm = float(np.linalg.norm(report.clipped)) / report.grid
    std = report.std_units / report.grid
    echo_translated(
        f"Day        {report.day}, {len(report.clipped)} slots, norm after the clip {norm:.3f}"
    )
    echo_translated(
        f"Noise      {std:.4f} clip radii a slot and home, {std * np.sqrt(crowd):.3f} for the crowd "
        f"of {crowd}"
    )
    echo_translated(
        f"Cost       epsilon {epsilon:g} at delta {report.delta:g} (rho {report.rho:.4f})"
    )


def draw(
    day: date, energies_wh: Curve, transform: Transform, measures: Measures, draws: int
) -> NoiseReport:
    """Put one day's energies, in Wh, through the mechanism `draws` times."""
    measure = measures.measures[0]
    group, share = measure.groups[0], measure.shares.plain
    code = curve_code(transform, day, energies_wh)
    return NoiseReport(
        epsilon=measures.epsilon,
        delta=measures.delta,
        gamma=measures.gamma,
        crowd=group.crowd,
        grid=measures.grid,
        std_units=measures.noise_units(share, group),
        rho=measures.rho_of(share),
        day=day.isoformat(),
        clipped=clip_to_grid(code, measures.grid).tolist(),
        draws=[noised(code, measures, share, group)[:-1].tolist() for _ in range(draws)],
    )


def terms(transform: Transform, epsilon: float, crowd: int, gamma: float) -> Measures:
    """Return a measures document for one curve of one group, with noise for `crowd` households.

    Raises:
        VoletError: the terms are out of bounds.
        DocumentRefused: no chip would accept the document.
    """
    size = max(crowd, CURVE_MIN)
    group = Group("group", ("0",), size, crowd, size, transform.rows, transform=bytes(32))
    try:
        measures = msgspec.convert(
            msgspec.to_builtins(
                Measures(
                    collectivity="here",
                    version=1,
                    trustees=bytes(32),
                    previous=None,
                    effective=0,
                    end=1,
                    epsilon=epsilon,
                    delta=DELTA,
                    gamma=gamma,
                    grid_bits=GRID_BITS,
                    days_a_week=7,
                    profile_days_a_year=0,
                    deadline_h=24,
                    measures=(Measure("curve", MeasureKind.CURVE, Shares(1.0, 1.0), (group,)),),
                )
            ),
            Measures,
        )
    except msgspec.ValidationError as exc:
        raise VoletError(f"These terms are out of bounds: {exc}.") from exc
    check_measures(measures)
    return measures


def default_transform() -> Transform:
    """Return a transform that needs no collectivity: 24 cosines, no profile."""
    matrix = (cosines()[:DEFAULT_ROWS] / DEFAULT_RADIUS_WH).astype("<f4").tobytes()
    profiles = np.zeros((2, CLOCK_SLOTS), "<f4").tobytes()
    return Transform(CURVE_MIN, DEFAULT_ROWS, matrix, profiles, bytes(32))


def read_day(path: Path) -> tuple[date, Curve]:
    """Return the first complete legal day of a file and its quarter-hours in Wh.

    Raises:
        FrameError: the file is no curve, or holds no complete day.
    """
    plain = _plain_values(path)
    if plain is not None:
        return SOME_DAY, from_clock(np.array(plain, np.float64), SOME_DAY)
    curve = load_curve(path)
    first = legal_day(curve.start)
    for day in days_between(first, legal_day(curve.end) + timedelta(days=1)):
        if curve.start <= day_start(day) and day_end(day) <= curve.end:
            return day, _quarter_hours(curve, day)
    raise FrameError(f"{path}: no complete day from midnight to midnight.")


def _quarter_hours(curve: LoadCurve, day: date) -> Curve:
    """Return the day's energies; longer steps are spread evenly over their quarter-hours."""
    start_s, end_s = int(day_start(day).timestamp()), int(day_end(day).timestamp())
    counted = np.concatenate(((0,), np.cumsum(curve.power_w * curve.step_s))) * WH_PER_WS
    edges = np.arange(start_s, end_s + 1, QUARTER_HOUR_S)
    at = np.interp(edges, curve.edges_s, counted)
    return np.array([after - before for before, after in pairwise(at.tolist())])


def _plain_values(path: Path) -> Sequence[float] | None:
    """Return 96 plain values, or None if the file is something else."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise FrameError(f"{path}: the curve cannot be read: {exc}.") from exc
    try:
        if text.lstrip().startswith("["):
            values = read_json(text, list[float])
        else:
            values = [float(value) for value in text.replace(",", " ").split()]
    except (ValueError, TypeError):
        return None
    if len(values) != CLOCK_SLOTS or not all(0 <= value <= QUARTER_HOUR_MAX_WH for value in values):
        raise FrameError(
            f"{path}: a plain list has {CLOCK_SLOTS} values from 0 to {QUARTER_HOUR_MAX_WH} Wh."
        )
    return values


def _read(path: Path) -> Transform:
    try:
        return read_transform(path.read_bytes())
    except OSError as exc:
        raise FrameError(f"{path}: the transform cannot be read: {exc.strerror}.") from exc
