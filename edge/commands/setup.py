"""`volet edge setup`: set the board up so that the meter's line can be read."""

import sys
from pathlib import Path

import click
import msgspec

from edge.commands.household import HouseholdCommand, agrees, echo
from edge.language.choice import language
from edge.stage import CONFIG_NAME, DEFAULT_DIRECTORY
from edge.tic.board.applying import BACKUP_SUFFIX, apply
from edge.tic.board.line import Plan, Why, make_plan
from edge.tic.board.machine import Machine
from edge.tic.board.words import (
    APPLY,
    BOARD,
    CHANGED,
    LINE,
    NEEDED,
    NEXT_START,
    PENDING,
    RIGHT,
    UNTRIED,
    WHY,
)
from system.commands import directory_option


class FileChange(msgspec.Struct, frozen=True):
    """A file that has to change, why, and its unified diff."""

    path: str
    why: Why
    diff: str


class SetupReport(msgspec.Struct, frozen=True):
    """What `setup --json` prints.

    Attributes:
        changed: whether anything was changed.
        needed: what had to change, or has to if nothing was changed.
        needs_restart: whether the board takes it at its next start.
        model: what the device tree calls the board.
        serial0: the device to which /dev/serial0 points now.
        source: the meter's line.
        adapters: serial devices by USB.
    """

    changed: bool
    needed: tuple[FileChange, ...]
    needs_restart: bool
    model: str | None
    serial0: str | None
    source: str
    adapters: tuple[str, ...]


@click.command(cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option("--line", help='The line of the meter: "header", or a device in /dev/serial/by-id.')
@click.option("--apply", "is_applied", is_flag=True, help="Make the changes without asking.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path("/"),
    show_default=True,
    help="The root of the system to set up.",
)
def setup(
    directory: Path, line: str | None, *, is_applied: bool, is_json: bool, root: Path
) -> None:
    """Set the board up so that the meter's line can be read.

    Shows what would change, and changes it with --apply or after asking. Exit codes: 0 done, or
    nothing has to change, or nothing was changed; 5 what is there is not known to this program.
    """
    machine = Machine.look(root)
    plan = make_plan(machine, root / directory.relative_to("/") / CONFIG_NAME, line)
    if not is_json:
        _show(machine, plan)
    if plan.changes and not is_applied and not is_json and sys.stdin.isatty():
        is_applied = agrees(APPLY[language()])
    if is_applied:
        for change in plan.changes:
            apply(change)
    if is_json:
        click.echo(msgspec.json.encode(_report(machine, plan, is_applied=is_applied)))
    elif plan.changes and is_applied:
        echo(CHANGED[language()].format(suffix=BACKUP_SUFFIX))
        if plan.is_for_next_start:
            echo(NEXT_START[language()])
    elif plan.changes:
        echo(PENDING[language()])


def _show(machine: Machine, plan: Plan) -> None:
    if machine.model is not None:
        echo(BOARD[language()].format(model=machine.model))
    echo(LINE[language()].format(source=plan.source))
    for change in plan.changes:
        why = WHY[language()][change.why]
        echo(NEEDED[language()].format(path=change.path, why=why))
        click.echo(change.diff)
    if plan.is_for_next_start:
        echo(UNTRIED[language()])
    if not plan.changes:
        echo(RIGHT[language()])


def _report(machine: Machine, plan: Plan, *, is_applied: bool) -> SetupReport:
    return SetupReport(
        changed=is_applied and bool(plan.changes),
        needed=tuple(FileChange(str(each.path), each.why, each.diff) for each in plan.changes),
        needs_restart=plan.is_for_next_start,
        model=machine.model,
        serial0=machine.serial0,
        source=plan.source,
        adapters=machine.adapters,
    )
