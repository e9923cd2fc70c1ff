"""`./run hardware`: green as the board is, red with each fault that a hand could make."""

import re
import shutil
import subprocess

import pytest

from tests.support.environments import ROOT, skip_without_registry

pytestmark = pytest.mark.long

PYTHON = ROOT / "build/hardware/.venv/bin/python"
_WIRED = re.compile(r'[a-z]+\d\["\d"\]')


@pytest.fixture(scope="module", autouse=True)
def tools(tmp_path_factory):
    """SKiDL and ngspice, as `./run hardware` installs them."""
    if not PYTHON.exists():
        skip_without_registry(tmp_path_factory.mktemp("registry"))
    subprocess.run(("./run", "hardware", "--help"), cwd=ROOT, check=True)


@pytest.fixture
def board(tmp_path):
    """A copy of the board, to spoil."""
    shutil.copytree(ROOT / "hardware", tmp_path / "hardware")
    return tmp_path / "hardware/tic_board.py"


def check(board):
    return subprocess.run(
        (PYTHON, "-m", "hardware"),
        cwd=board.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )


def spoil(board, old, new):
    text = board.read_text("utf-8")
    assert text.count(old) == 1
    board.write_text(text.replace(old, new), "utf-8")


def test_the_board_as_it_is(board):
    done = check(board)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no error, no warning" in done.stdout
    netlist = (board.parents[1] / "build/hardware/tic-interface.net").read_text("utf-8")
    for name in ("I1", "LED", "I2", "3V3", "GATE", "RXD", "GND"):
        assert f'(name "{name}")' in netlist


def test_each_wire_that_is_left_out_is_named(board):
    text = board.read_text("utf-8")
    wires = _WIRED.findall(text)
    assert len(wires) == 18
    for wire in wires:
        board.write_text(re.sub(rf"(, )?{re.escape(wire)}(, )?", between, text), "utf-8")
        done = check(board)
        assert done.returncode == 1, wire
        assert "Unconnected pin" in done.stderr, wire


def between(match):
    """What stands for a pin that is taken out from among others."""
    return ", " if match[1] and match[2] else ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'connect(j2["2"], r2["2"]',
            'connect(j2["2"], j1["2"], u1["2"], r2["2"]',
            "J2 of the Pi's side is joined to the meter's side",
        ),
        ('connect(j2["2"], r2', 'connect(j2["2"], j2["1"], r2', "Pin conflict"),
        ('connect(u1["3"], r2["1"], q1["1"])', 'connect(u1["3"], r2["1"], q1["3"])', "Unconnected"),
    ],
    ids=["sides joined", "supply shorted", "gate forgotten"],
)
def test_a_wrong_net_is_named(board, old, new, said):
    spoil(board, old, new)
    done = check(board)
    assert done.returncode == 1
    assert said in done.stderr


def test_a_resistor_across_the_barrier_is_named(board):
    spoil(
        board,
        "    return Board(circuit, ohm)",
        '    r4 = _resistor(circuit, "R4", 1_000_000, "resistor", "–", "none")\n'
        '    r4["1"] += j1["1"]\n    r4["2"] += j2["2"]\n    return Board(circuit, ohm)',
    )
    done = check(board)
    assert done.returncode == 1
    assert "J2 of the Pi's side is joined to the meter's side" in done.stderr


def test_a_wrong_value_is_read_badly(board):
    spoil(board, '"R2": 2200,', '"R2": 10_000,')
    done = check(board)
    assert done.returncode == 1
    assert "hardware/bom.csv is not what the board says" in done.stderr
    assert "9600 bit/s at 3.5 V" in done.stderr
    assert "1200 bit/s" not in done.stderr
