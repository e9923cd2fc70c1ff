"""The repeater of the line as it is installed: called by the chip, confined, and no burden on it.

A booted Debian with the units of chip and repeater, an emulated meter, and clients in its network.
"""

import json
import os
import re

import pytest

from edge.tic.repeater.choice import turn_off, turn_on
from tests.e2e.test_page_unit import ADAPTER, make_with_chip
from tests.e2e.test_raspberry_pi_page import UID, meter, quarter_hours
from tests.e2e.test_units_hold import OPTIONS, PATHS, PYTHON, prepare, replace
from tests.support.booted import USER, booted, skip_without_containers
from tests.support.broker import wait_until

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]

CHIP, REPEATER = f"volet-edge@{USER}", f"volet-edge-repeater@{USER}"
MEMORY_MAX_KB = 30_000
READ = """
import socket
with socket.create_connection(("127.0.0.1", 9600), 60) as line:
    line.settimeout(60)
    heard = b""
    while heard.count(b"\\x03") < 2:
        assert (data := line.recv(4_096)), "hung up on"
        heard += data
print(heard.decode("ascii"))
"""
# In the repeater's place, once the chip has called: what it may not do, and what it may.
ATTEMPTS = f"""
import ctypes, json, os, socket, sys
sys.path[:0] = {PATHS.split(":")}
from pathlib import Path
from system.systemd import given_sockets

channel, _ = given_sockets()[0].accept()
said, (port,), _, _ = socket.recv_fds(channel, 4, 2)
listening = socket.socket(fileno=port)

def tried(attempt):
    try:
        return f"got {{attempt()!r}}"[:200]
    except OSError as exc:
        return type(exc).__name__

def call():
    return listening.connect(("127.0.0.1", 7007))

def call_by_sending():
    listening.shutdown(socket.SHUT_RDWR)
    return listening.sendto(b"x", socket.MSG_FASTOPEN, ("127.0.0.1", 7007))

def call_by_ring():
    libc = ctypes.CDLL(None, use_errno=True)
    if (ring := libc.syscall(425, 8, ctypes.create_string_buffer(120))) < 0:
        raise OSError(ctypes.get_errno(), "io_uring_setup")
    return ring

def own():
    return socket.socket(socket.AF_UNIX).connect("/run/volet-edge/household.sock")

print(json.dumps({{
    "key": tried(lambda: Path("/var/lib/volet/keys/household.key").read_bytes()),
    "choice": tried(lambda: Path("/var/lib/volet/repeater.json").read_bytes()),
    "directory": tried(lambda: os.listdir("/var/lib/volet")),
    "door": tried(own),
    "socket": tried(lambda: socket.socket(socket.AF_INET)),
    "datagram": tried(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)),
    "writing": tried(lambda: Path("/run/volet-edge-repeater/x").write_text("x")),
    "home": tried(lambda: os.listdir("/home/pi")),
    "line": tried(lambda: os.open("{ADAPTER}", os.O_RDONLY)),
    "port": tried(call),
    "sending": tried(call_by_sending),
    "ring": tried(call_by_ring),
    "said": said.decode(),
}}))
"""


class Home:
    """A machine with chip and repeater."""

    def __init__(self, machine) -> None:
        self.machine = machine
        self.chip = machine.root / "var/lib/volet"

    def turn_on(self) -> None:
        turn_on(self.chip, has_true_numbers=False)
        os.chown(self.chip / "repeater.json", UID, UID)

    def shown(self, name: str, unit: str = f"{REPEATER}.service") -> str:
        return self.machine.run("systemctl", "show", unit, "-P", name).stdout.strip()

    def kill(self, number: str) -> None:
        command = ("systemctl", "kill", "--kill-who=main", f"--signal={number}")
        done = self.machine.run(*command, f"{REPEATER}.service")
        assert done.returncode == 0, done.stderr

    def journal(self) -> str:
        units = ("-u", f"{REPEATER}.service", "-u", f"{REPEATER}.socket", "-u", CHIP)
        return self.machine.run("journalctl", *units, "-o", "cat").stdout[-4_000:]

    def read(self) -> str:
        """Read two frames as a client in the machine's own network; empty if there is no port."""
        run = ("systemd-run", "--wait", "--pipe", "--quiet", PYTHON, "-c", READ)
        return self.machine.run(*run).stdout


@pytest.fixture(scope="module")
def home(shared_broker, tmp_path_factory):
    skip_without_containers()
    folder = tmp_path_factory.mktemp("repeater-unit")
    root = folder / "root"
    make_with_chip(root, shared_broker.cloud)
    with (
        meter(folder / "tic") as line,
        booted(root, folder / "console.log", *OPTIONS, f"--bind={line}:{ADAPTER}") as machine,
    ):
        prepare(machine)
        home = Home(machine)
        done = machine.run("systemctl", "enable", "--now", CHIP)
        assert done.returncode == 0, (done.stderr, home.journal())
        wait_until(lambda: quarter_hours(machine) > 0, "the first quarter-hour", home.journal)
        yield home


@pytest.fixture
def repeated(home):
    """The same while the line is repeated."""
    home.turn_on()
    wait_until(lambda: home.shown("ActiveState") == "active", "the repeater", home.journal)
    yield home
    turn_off(home.chip)


def test_nothing_runs_and_no_port_is_open_until_the_household_wants_it(home):
    assert home.shown("ActiveState", f"{REPEATER}.socket") == "active"
    assert home.shown("ActiveState") == "inactive"
    assert home.read() == ""


def test_a_client_reads_the_line_while_it_is_on_and_nothing_afterwards(repeated):
    serial = re.search(r"AD[SC][CO]\s(\d{12})\s", repeated.read())[1]
    assert serial.startswith("000000")
    pid = int(repeated.shown("MainPID"))
    status = (repeated.machine.run("cat", f"/proc/{pid}/status")).stdout
    assert int(re.search(r"VmRSS:\s+(\d+)", status)[1]) < MEMORY_MAX_KB
    turn_off(repeated.chip)
    wait_until(lambda: repeated.shown("ActiveState") == "inactive", "its end", repeated.journal)
    assert repeated.read() == ""


def test_one_that_is_killed_or_stopped_comes_back_and_costs_no_quarter_hour(repeated):
    for number in ("KILL", "STOP"):
        before, pid = quarter_hours(repeated.machine), repeated.shown("MainPID")
        repeated.kill(number)
        wait_until(lambda: quarter_hours(repeated.machine) > before, "a quarter-hour")  # noqa: B023
        if number == "STOP":
            repeated.kill("KILL")  # as its watchdog does after a minute
        wait_until(lambda: repeated.shown("MainPID") not in {"0", pid}, "another one")  # noqa: B023
        assert "AD" in repeated.read()
    assert repeated.shown("NRestarts", CHIP) == "0"


def test_its_process_reads_nothing_of_the_chip_and_calls_nobody(home):
    turn_off(home.chip)
    wait_until(lambda: home.shown("ActiveState") == "inactive", "its end", home.journal)
    (home.machine.root / "srv/attempt.py").write_text(ATTEMPTS)
    one = ("Type=oneshot", "WatchdogSec=0", "StandardOutput=file:/srv/open/attempts")
    replace(
        home.machine,
        REPEATER,
        ["[Service]", *one, "ExecStart=", f"ExecStart={PYTHON} /srv/attempt.py"],
    )
    home.turn_on()
    said = home.machine.root / "srv/open/attempts"
    wait_until(lambda: said.exists() and said.read_text().endswith("}\n"), "it", home.journal)
    turn_off(home.chip)
    outcomes = json.loads(said.read_text().splitlines()[0])
    assert outcomes.pop("said") == "line"
    assert not {name: said for name, said in outcomes.items() if said.startswith("got")}
    replace(home.machine, REPEATER, [])


def test_no_other_user_calls_it(home):
    path = "/run/volet-edge-repeater/line.sock"
    call = f"import socket; socket.socket(1, socket.SOCK_SEQPACKET).connect({path!r})"
    done = home.machine.run("runuser", "-u", "volet-page", "--", PYTHON, "-c", call)
    assert "PermissionError" in done.stderr
