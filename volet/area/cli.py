"""`volet area simulate`: measure the error of an area's figures on curves whose sum is known."""

import os
from pathlib import Path

import click
import msgspec

from protocol.privacy import EPSILON_MAX
from system.commands import LazyGroup
from system.logs import configure_logs
from volet.area.simulate import SimulationPlan, simulate_area

area = LazyGroup(
    "area",
    {"simulate": "volet.area.cli:simulate"},
    "A neighbourhood simulated on this machine with the product's own code.",
)

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command()
@click.option("--curves", type=_FILE, required=True, help="Homes that take part, Parquet.")
@click.option("--public", type=_FILE, required=True, help="Homes for the public constants.")
@click.option("--households", type=click.IntRange(1), required=True, help="Homes in the area.")
@click.option(
    "--epsilon",
    type=click.FloatRange(0, EPSILON_MAX, min_open=True),
    default=2.0,
    show_default=True,
    help="Epsilon of a household-day, with delta 1e-6.",
)
@click.option("--days", type=click.IntRange(1), default=28, show_default=True)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed that selects homes; not for noise."
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    show_default=True,
    help="Processes that play the chips.",
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def simulate(is_json: bool, **options: object) -> None:  # noqa: FBT001 - click names it
    """Release an area's curves day by day and compare them with the plain sum.

    Both files have the columns household, day (0 is a Monday) and h00 to h95 in Wh. If there are
    more households than homes, homes are resampled: shifted by whole weeks and at most a
    quarter-hour, and scaled at random by about a fifth. One of the four trustees is offline. Errors
    are fractions.
    """
    configure_logs("warning")
    plan = msgspec.convert(options, SimulationPlan)
    result = simulate_area(plan, lambda text: click.echo(text, err=True))
    if is_json:
        click.echo(msgspec.json.encode(result))
        return
    click.echo(
        f"{result.households} households at epsilon {result.epsilon:g}, delta {result.delta:g}: "
        f"the quarter-hour curve is off by {result.median_relative_rmse:.1%} (median of "
        f"{plan.days} days; {result.p95_relative_rmse:.1%} in 95 of 100), the day's total by "
        f"{result.daily_total_error_median:.1%} ({result.daily_total_error_p95:.1%}). The band "
        f"for 90 % held the truth {result.band_coverage:.0%} of the time. {result.seconds:.0f} s."
    )
