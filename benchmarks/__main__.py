"""`./run bench [NAME…]`: measure, check, show.

Exit codes: 0 done; 1 a promised bound is broken or a result was wrong; 2 wrong usage.
"""

import importlib
import sys

import click

from benchmarks.machine import this_machine
from benchmarks.report import json_lines, keep, print_machine, print_rows
from benchmarks.row import Row
from system.console import plain_console

NAMES = (
    "cipher",
    "tic",
    "chip",
    "ingest",
    "area",
    "receipt",
    "batch",
    "quotes",
    "listing",
    "wire",
    "storm",
    "watch",
)


def measure(name: str, scale: float) -> list[Row]:
    """Run the benchmark `name`."""
    try:
        rows: list[Row] = importlib.import_module(f"benchmarks.{name}").run(scale)
    except ModuleNotFoundError as exc:
        raise click.ClickException(
            f'{name} needs the package {exc.name}; `./run setup` installs it, or `pip install "volet[edge,cloud,bench]"`.'
        ) from exc
    return rows


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES), metavar="[NAME]…")
@click.option(
    "--scale",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="How much to measure; 1 takes some minutes.",
)
@click.option("--json", "is_json", is_flag=True, help="JSON lines: the machine, then a row a line.")
def bench(names: tuple[str, ...], scale: float, *, is_json: bool) -> None:
    """Measure NAME… (cipher, tic, chip, ingest, area, receipt, batch, quotes, listing, wire, storm, watch), or all; results are kept in benchmarks/results."""
    # Without a terminal, whose width is known, tables must not be folded.
    console = plain_console(width=None if sys.stdout.isatty() else 160)
    machine = this_machine()
    if not is_json:
        print_machine(console, machine)
    rows: list[Row] = []
    for name in names or NAMES:
        measured = measure(name, scale)
        rows += measured
        if not is_json:
            print_rows(console, name, measured)
    path = keep(machine, rows)
    if is_json:
        click.echo(json_lines(machine, rows), nl=False)
    else:
        click.echo(f"Kept as JSON lines in {path.relative_to(path.parents[2])}.")
    broken = [f"{row.benchmark}: {row.name}" for row in rows if not row.is_kept]
    if broken:
        raise click.ClickException(f"Promised bounds are broken: {'; '.join(broken)}.")


if __name__ == "__main__":
    bench(prog_name="./run bench")
