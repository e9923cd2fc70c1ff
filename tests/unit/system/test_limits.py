"""Nothing has a limit for all that it takes; what makes no progress is given up."""

import ast
from pathlib import Path

from tests.support.product import PRODUCT

ROOT = Path(__file__).parents[3]
SEARCHED = (*PRODUCT, "benchmarks", "tests")
# Where time itself is what is asked for.
WINDOWS = {
    "benchmarks/storm_attacks.py": "attacks for so long",
    "edge/contracts/serial.py": "listens to the line for so long",
    "edge/household/call.py": "hangs up on a page that holds the door, byte by byte",
    "edge/household/printing.py": "ends a process that hangs over a bill",
    "edge/tic/serial_line.py": "tries again after so long",
    "tests/fuzz/running.py": "fuzzes for so long",
    "tests/mutation/forking.py": "takes a mutant that hangs for one that is noticed",
    "tests/support/kill_clock.py": "plays a clock",
}


def deadlines(text):
    """The lines that add something to the monotonic clock: a deadline for all that follows."""
    if "monotonic" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            for side in (node.left, node.right):
                if isinstance(side, ast.Call) and ast.unparse(side.func).endswith("monotonic"):
                    yield node.lineno


def test_nothing_waits_by_an_overall_deadline():
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in SEARCHED
        for path in sorted((ROOT / folder).rglob("*.py"))
        if str(path.relative_to(ROOT)) not in WINDOWS
        for line in deadlines(path.read_text("utf-8"))
    ]
    assert not found, f"wait with system.patience instead: {found}"


def test_a_deadline_is_seen():
    assert list(deadlines("end_s = time.monotonic() + wait_s\n")) == [1]
    assert not list(deadlines("taken_s = time.monotonic() - begun_s\n"))
