"""`./run hardware`: check the board's rules, parts, drawing and simulation, or write them anew.

Exit codes: 0 all is right; 1 something is wrong, and said; 2 wrong usage.
"""

import sys
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import click

from hardware.drawing import draw, wrong_wires
from hardware.parts import parts_csv, parts_table, with_table
from hardware.simulate import pictures
from hardware.simulate.sweep import (
    CHOSEN,
    HISTORIQUE,
    LEVELS,
    RESULTS,
    SAMPLES,
    STANDARD,
    TRIED,
    Result,
    Values,
    as_csv,
    kept_results,
    model_hash,
    response_s,
    rows,
    sweep,
    what_fails,
)
from hardware.simulate.words import cell, circuit_text, table
from hardware.tic_board import Board, broken_rules, build, crossings, write_netlist

HERE = Path(__file__).parent
README, PARTS, DRAWING = HERE / "README.md", HERE / "bom.csv", HERE / "tic-interface.svg"
NETLIST = HERE.parent / "build" / "hardware" / "tic-interface.net"
_WRITTEN_ANEW = "`./run hardware --write` writes it anew"


@click.command()
@click.option("--write", "is_written", is_flag=True, help="Write parts list, drawing and results.")
def hardware(*, is_written: bool) -> None:
    """Check the board, and simulate it at both speeds."""
    board = build()
    wrong = list(_wrong_circuit(board))
    if wrong:
        _refuse(wrong)
    NETLIST.parent.mkdir(parents=True, exist_ok=True)
    write_netlist(board, NETLIST)
    click.echo(f"rules: no error, no warning; netlist in {NETLIST.relative_to(HERE.parent)}")
    click.echo("isolation: nothing but U1 between the meter's side and the Pi's")
    if not is_written:
        wrong += _wrong_papers(board)
    results = _simulated(board, is_all=is_written)
    _print(results)
    own = _values(board)
    wrong += what_fails(row for row in rows(results) if row.values == own)
    if is_written:
        RESULTS.write_text(as_csv(results), "utf-8")
        for path, text in _papers(board, results).items():
            path.write_text(text, "utf-8")
        pictures.draw_table(results)
        pictures.draw_waves()
    else:
        wrong += _wrong_results(results)
    if wrong:
        _refuse(wrong)
    click.echo("All is right, as far as rules and a model go; nobody has measured this board.")


def _refuse(wrong: list[str]) -> None:
    for line in wrong:
        click.echo(f"hardware: {line}", err=True)
    sys.exit(1)


def _wrong_circuit(board: Board) -> Iterator[str]:
    yield from broken_rules(board)
    yield from crossings(board)
    yield from wrong_wires(board)


def _values(board: Board) -> Values:
    return Values(board.ohm["R1"], board.ohm["R2"], board.ohm["R3"])


def _papers(board: Board, results: list[Result]) -> dict[Path, str]:
    parts = board.parts()
    guide = with_table(README.read_text("utf-8"), parts_table(parts))
    return {
        PARTS: parts_csv(parts),
        DRAWING: draw(board),
        README: with_table(guide, table(results)),
    }


def _wrong_papers(board: Board) -> Iterator[str]:
    for path, text in _papers(board, kept_results()[1]).items():
        if not path.is_file() or path.read_text("utf-8") != text:
            yield f"hardware/{path.name} is not what the board says; {_WRITTEN_ANEW}."
        else:
            click.echo(f"hardware/{path.name}: as the board says")


def _simulated(board: Board, *, is_all: bool) -> list[Result]:
    own = _values(board)
    if is_all:
        tried = [(line, own if values == CHOSEN else values) for line, values in TRIED]
    else:
        tried = [(STANDARD, own), (HISTORIQUE, own)]
    for sample in SAMPLES:
        rise_s, fall_s = response_s(sample)
        click.echo(
            f"U1 with a transfer ratio of {sample.transfer_ratio}, {sample.speed}: rises in "
            f"{rise_s * 1e6:.0f} µs and falls in {fall_s * 1e6:.0f} µs as data sheets measure it"
        )
    click.echo(f"ngspice: {len(tried) * len(LEVELS) * len(SAMPLES)} runs …")
    return sweep(tried)


def _print(results: list[Result]) -> None:
    for row in rows(results):
        click.echo(
            f"{row.speed_bit_s} bit/s, {circuit_text(row.values)}, {row.level_v} V: {cell(row)}"
        )


def _wrong_results(results: list[Result]) -> Iterator[str]:
    kept_hash, kept = kept_results()
    if kept_hash != model_hash():
        yield f"The kept results belong to another model; {_WRITTEN_ANEW}."
        return
    before = {_run(each): (each.is_read, each.is_read_by_others) for each in kept}
    differing = [
        each for each in results if before.get(_run(each)) != (each.is_read, each.is_read_by_others)
    ]
    if differing:
        # Another ngspice may decide the runs on the brink otherwise; what is promised is held above.
        click.echo(
            f"{len(differing)} runs were read otherwise than in hardware/simulate/results.csv"
        )


def _run(each: Result) -> tuple[object, ...]:
    return astuple(each)[:9]


if __name__ == "__main__":
    hardware(prog_name="./run hardware")
