"""The tutorial, typed by a test as it stands: every command, and the output it promises."""

import os
import re
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.support.broker import free_ports

PAGE = Path(__file__).parents[2] / "docs/tutorial/first-household.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ANY_LINES = "…"
PORTS = ("18883", "18884")


def steps(text):
    """(command, expected output) of each `$` line in the page's console blocks."""
    found = []
    for block in BLOCK.findall(text):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(([line[2:]], []))
            elif line.startswith("> "):
                found[-1][0].append(line[2:])
            else:
                found[-1][1].append(line)
    return [("\n".join(command), expected) for command, expected in found]


def pattern(expected):
    """What a step's output must match: `…` is anything in a line, alone any lines."""
    parts = []
    for line in expected:
        if line == ANY_LINES:
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(".*".join(re.escape(part) for part in line.split("…")) + r"\n")
    return re.compile("".join(parts))


class Terminal:
    """One bash for all steps, so that what runs in the background goes on."""

    def __init__(self, directory):
        scripts = Path(sys.executable).parent
        path = f"{scripts}:{os.environ['PATH']}:/usr/sbin"
        self._bash = subprocess.Popen(
            ["bash", "--norc"],
            cwd=directory,
            env=os.environ | {"PATH": path, "HOME": str(directory)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._bash.stdin.write("trap 'kill -9 $(jobs -p) 2> /dev/null' EXIT\n")

    def type(self, command):
        """Run a command; returns exit status and output."""
        mark = uuid.uuid4().hex
        self._bash.stdin.write(f"{command}\necho {mark} $?\n")
        self._bash.stdin.flush()
        lines = []
        for line in self._bash.stdout:
            text, is_end, status = line.partition(mark)
            lines.append(text)
            if is_end:
                return int(status), "".join(lines)
        raise AssertionError(f"the terminal ended at {command!r}:\n{''.join(lines)}")

    def close(self):
        self._bash.stdin.close()
        self._bash.wait(30)
        self._bash.stdout.close()


@pytest.fixture
def terminal(tmp_path):
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


def logs(directory):
    return "\n".join(
        f"{path.name}:\n{path.read_text()}" for path in sorted(directory.glob("*.log"))
    )


@pytest.mark.usefixtures("mosquitto_available")
def test_every_step_of_the_tutorial_runs_and_says_what_is_written(terminal, tmp_path):
    if shutil.which("mosquitto_sub") is None:
        pytest.skip("mosquitto_sub is not installed; `./run setup` installs it")
    text = PAGE.read_text("utf-8")
    for port, free in zip(PORTS, free_ports(2), strict=True):
        text = text.replace(port, str(free))
    typed = steps(text)
    assert len(typed) > 15
    for command, expected in typed:
        status, output = terminal.type(command)
        told = f"{command}\n{output}\n{logs(tmp_path)}"
        assert status == 0, told
        assert pattern(expected).fullmatch(output), f"expected {expected}; {told}"
