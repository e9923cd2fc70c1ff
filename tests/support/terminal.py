"""A bash in which a test types a page, on a separate machine if the page uses default paths."""

import codecs
import os
import re
import select
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from system.patience import Patience, wait_until
from tests.support.typed_page import CONSOLE, Step, blocks, names, pattern, steps, with_ids

AGAIN_S = 0.2
# Whoever types again at once takes the core from the programs that are waited for.
AGAIN_AFTER_ITS_OWN_TIME = 2
LATER_WITHIN_S = 300.0
QUIET_S = 1.0
SILENT_S = 300.0
IN_BACKGROUND = re.compile(r"2> ?(\S+\.log) &$")
BASH = ("bash", "--norc")
# Separate mounts, network and processes; everything there ends with its shell.
NAMESPACE = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
AS_ROOT = ("--user", "--map-root-user", "--map-auto")
SET_UP = Path(__file__).with_name("machine.sh")


class Terminal:
    """One bash for all steps, so that background programs continue.

    Attributes:
        directory: its first working directory, and its home.
    """

    def __init__(self, directory: Path, shell: tuple[str, ...] = BASH) -> None:
        self.directory = directory
        scripts = Path(sys.executable).parent
        path = f"{scripts}:{os.environ['PATH']}:/usr/sbin"
        self._known: dict[str, str] = {}
        self._started: Path | None = None
        self._bash = subprocess.Popen(
            shell,
            cwd=directory,
            env=os.environ | {"PATH": path, "HOME": str(directory)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._printed = ""
        self._send("trap 'kill -9 $(jobs -p) 2> /dev/null' EXIT")

    def type(
        self, command: str, before_interrupt: "re.Pattern[str] | None" = None
    ) -> tuple[int, str]:
        """Run a command; returns exit status and output.

        `before_interrupt` matches the output after which Ctrl-C is typed.
        """
        mark = uuid.uuid4().hex
        end = re.compile(rf"(.*?){mark} (\d+)\n", re.DOTALL)
        if before_interrupt is None:
            self._send(f"{command}\necho {mark} $?")
        else:  # under job control, since a command in the background would not hear Ctrl-C without
            self._send(f"set -m; {command} &")
            self._read(before_interrupt)
            self._send(
                f"kill -INT %%; wait %% 2> /dev/null; status=$?; set +m; echo {mark} $status"
            )
        ended = self._read(end)
        self._printed = ""
        output = ended[1]
        return int(ended[2]), output if output.endswith("\n") or not output else f"{output}\n"

    def type_page(
        self,
        page: Path,
        replaced: tuple[tuple[str, str], ...] = (),
        since: str = "",
        until: str = "",
    ) -> int:
        """Type a page; returns the number of its commands.

        `replaced` holds pairs of a text on the page and its replacement.
        `since` and `until` are the heading at which to begin, and the one before which to stop.
        """
        count = 0
        text = page.read_text("utf-8")
        if since:
            _, heading, text = text.partition(f"\n## {since}\n")
            assert heading, f"{page.name} has no heading {since!r}"
        if until:
            text, heading, _ = text.partition(f"\n## {until}\n")
            assert heading, f"{page.name} has no heading {until!r}"
        for old, new in replaced:
            text = text.replace(old, new)
        for block in blocks(text):
            if name := block.noted("file"):
                (self.directory / name).write_text(block.text)
            elif block.kind == CONSOLE and not block.noted("not typed"):
                for step in steps(block):
                    self.type_step(step)
                    count += 1
        return count

    def _wait_as_people_do(self, command: str) -> None:
        """Wait until a background program has started, before it is ended."""
        if started := IN_BACKGROUND.search(command):
            self._started = self.directory / started[1]
        elif "kill $!" in command and self._started is not None:
            log = self._started
            wait_until(lambda: log.stat().st_size > 0, Patience(LATER_WITHIN_S))
            quiet = Patience(QUIET_S)
            while quiet.lasts(log.stat().st_size):
                time.sleep(AGAIN_S)

    def type_step(self, step: Step) -> None:
        """Type a command; it must print the promised output."""
        command = with_ids(step.command, self._known)
        until = step.before_interrupt
        before = None if until is None else pattern(until, self._known)
        promised = pattern(step.output, self._known)
        patience = Patience(LATER_WITHIN_S if step.is_later else 0)
        self._wait_as_people_do(command)
        while True:
            begun = time.monotonic()
            status, output = self.type(command, before)
            took_s = time.monotonic() - begun
            match = promised.fullmatch(output)
            if match and status == 0:
                self._known |= names(match)
                return
            if not patience.lasts(output):
                break
            time.sleep(max(AGAIN_S, AGAIN_AFTER_ITS_OWN_TIME * took_s))
        report = f"{command}\n{output}\n{self.logs()}"
        assert status == 0, report
        pytest.fail(f"expected {step.output}; {report}")

    def logs(self) -> str:
        """Return the logs of background programs."""
        return "\n".join(
            f"{path.name}:\n{path.read_text()}" for path in sorted(self.directory.glob("*.log"))
        )

    def close(self) -> None:
        self._bash.stdin.close()
        self._bash.wait(SILENT_S)
        self._bash.stdout.close()

    def _send(self, line: str) -> None:
        self._bash.stdin.write(f"{line}\n".encode())
        self._bash.stdin.flush()

    def _read(self, awaited: "re.Pattern[str]") -> "re.Match[str]":
        """Read until the whole output since the last command matches."""
        while (match := awaited.fullmatch(self._printed)) is None:
            ready, _, _ = select.select([self._bash.stdout], [], [], SILENT_S)
            data = os.read(self._bash.stdout.fileno(), 65_536) if ready else b""
            if not data:
                why = "is silent" if self._bash.poll() is None and not ready else "has ended"
                pytest.fail(f"the terminal {why}; it said:\n{self._printed}\n{self.logs()}")
            self._printed += self._decoder.decode(data)
        return match


@contextmanager
def terminal(directory: Path) -> Iterator[Terminal]:
    """Open a terminal in a directory; programs started there end with it."""
    opened = Terminal(directory)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def machine(root: Path) -> Iterator[Terminal]:
    """Open a terminal on a separate machine.

    It shares this machine's programs, but has its own `/var/lib`, `/var/backups`, `/etc/mosquitto`,
    names in `/etc/hosts` and `/dev`, processes and network. Its files are kept in `root`, so the
    same machine, or a copy, can be opened again. Skips the test if the kernel does not allow it.
    """
    for place in ("var/lib", "var/backups", "etc/mosquitto", "dev", "home"):
        (root / place).mkdir(parents=True, exist_ok=True)
    opened = Terminal(root / "home", (*namespace(), *BASH))
    try:
        status, output = opened.type(f". {SET_UP} {root}")
        assert status == 0, output
        yield opened
    finally:
        opened.close()


def namespace() -> tuple[str, ...]:
    """Return the command that runs a program on a separate machine; skip if there is none."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed (package util-linux)")
    for command in (NAMESPACE, (*NAMESPACE, *AS_ROOT)):
        tried = subprocess.run((*command, "true"), capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            return command
    pytest.skip(f"this kernel gives no namespaces to this user: {tried.stderr.strip()}")


def copy_machine(root: Path, to: Path) -> Path:
    """Copy a machine that is shut down, with owners and modes."""
    subprocess.run(("cp", "-a", "--reflink=auto", root, to), check=True)
    return to
