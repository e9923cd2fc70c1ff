"""Rows as a table for people and as JSON lines for machines."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.machine import Machine
from benchmarks.row import Row

RESULTS = Path(__file__).parent / "results"


def figure(value: float) -> str:
    """Format a figure with four significant digits and no exponent."""
    if value == 0 or abs(value) >= 1_000:
        return f"{value:,.0f}".replace(",", " ")
    digits = 3
    scaled = abs(value)
    while scaled < 1 and digits < 8:
        scaled, digits = scaled * 10, digits + 1
    while scaled >= 10:
        scaled, digits = scaled / 10, digits - 1
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def json_lines(machine: Machine, rows: Sequence[Row]) -> bytes:
    """Return JSON lines: the machine, then one row per line."""
    lines: list[msgspec.Struct] = [machine, *rows]
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def keep(machine: Machine, rows: Sequence[Row]) -> Path:
    """Write JSON lines to a new file beside earlier results and return its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{machine.at:%Y%m%dT%H%M%SZ}.jsonl"
    path.write_bytes(json_lines(machine, rows))
    return path


def print_machine(console: Console, machine: Machine) -> None:
    """Print the machine that runs the measurements."""
    console.print(
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_mb} MB, {machine.system}, "
        f"Python {machine.python}; load {machine.load_1min:.1f}",
        highlight=False,
    )
    console.print(", ".join(machine.packages), highlight=False, style="dim")


def print_rows(console: Console, name: str, rows: Sequence[Row]) -> None:
    """Print the rows of one benchmark."""
    table = Table(title=name, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column("what")
    table.add_column("median", justify="right")
    table.add_column("unit")
    table.add_column("lowest - highest (runs)", justify="right")
    table.add_column("must be")
    table.add_column("note", style="dim")
    for row in rows:
        spread = "" if row.runs == 1 else f"{figure(row.low)} - {figure(row.high)} ({row.runs})"
        bound = f"{row.bound.side} {figure(row.bound.value)}" if row.bound else ""
        verdict = bound and f"{bound} {'kept' if row.is_kept else 'BROKEN'}"
        style = None if row.is_kept else "bold red"
        table.add_row(row.name, figure(row.value), row.unit, spread, verdict, row.note, style=style)
    console.print(table)
