"""The household's page as it is installed: started by visits, confined, and no burden on the chip.

A booted Debian with the units of chip and page, and an emulated meter. The page runs as its unit
starts it, with visitors in the machine's own network.
"""

import json
import os
import re
import threading

import pytest

from tests.e2e.test_raspberry_pi_page import UID, meter, quarter_hours
from tests.e2e.test_units_hold import OPTIONS, PATHS, PYTHON, make, prepare, replace
from tests.support.booted import USER, booted, skip_without_containers
from tests.support.broker import enrol_chip, wait_until
from tests.support.page_process import ENTER

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]

CHIP, PAGE, SOCKET = f"volet-edge@{USER}", "volet-edge-page", "volet-edge-page.socket"
ADAPTER = "/dev/serial/by-id/usb-emulated"
MEMORY_MAX_KB = 45_000
FIRST_DAY = "2026-03-01"  # of the emulated meter
PROGRAM = "/usr/local/bin/volet edge serve-page"
VISIT = """
import http.client, json, ssl, sys
to, port, method, path, headers, body = json.loads(sys.argv[1])
if port == 443:
    trusted = ssl.create_default_context(cafile="/var/lib/volet-page/page-authority.pem")
    trusted.check_hostname = False
    connection = http.client.HTTPSConnection(to, port, timeout=300, context=trusted)
else:
    connection = http.client.HTTPConnection(to, port, timeout=300)
connection.request(method, path, body, headers)
answer = connection.getresponse()
print(json.dumps([answer.status, dict(answer.getheaders()), answer.read().decode()]))
"""
# In the page's place: what it may not do, and what it may.
ATTEMPTS = f"""
import ctypes, json, os, socket, sys
sys.path[:0] = {PATHS.split(":")}
from pathlib import Path
from edge.household.call import call, short_door
from edge.household.requests import AskPairing
from system.answering import call_nobody
from system.systemd import given_sockets

given = given_sockets()
# As the page does before it answers anybody.
door = short_door(Path("/run/volet-edge/household.sock"), Path("/var/lib/volet-page"))
call_nobody()

def tried(attempt):
    try:
        return f"got {{attempt()!r}}"[:200]
    except OSError as exc:
        return type(exc).__name__

def read(path):
    return lambda: Path(path).read_bytes()

def call_from_port():
    listening = given[0]
    listening.shutdown(socket.SHUT_RDWR)
    return listening.connect(("::ffff:127.0.0.1", 7007))

def call_by_sending():
    listening = given[1]
    listening.shutdown(socket.SHUT_RDWR)
    return listening.sendto(b"x", socket.MSG_FASTOPEN, ("::ffff:127.0.0.1", 7007))

def call_by_ring():
    libc = ctypes.CDLL(None, use_errno=True)
    if (ring := libc.syscall(425, 8, ctypes.create_string_buffer(120))) < 0:
        raise OSError(ctypes.get_errno(), "io_uring_setup")
    return ring

def named(path):
    Path("bus").unlink(missing_ok=True)
    Path("bus").symlink_to(path)
    return "bus"

def ask_another(path):
    return lambda: socket.socket(socket.AF_UNIX).connect(path)

print(json.dumps({{
    "key": tried(read("/var/lib/volet/keys/household.key")),
    "vault": tried(read("/var/lib/volet/vault.db")),
    "directory": tried(lambda: os.listdir("/var/lib/volet")),
    "credentials": tried(read("/etc/volet/household.key.cred")),
    "network": tried(lambda: socket.create_connection(("127.0.0.1", 7007), timeout=5)),
    "socket": tried(lambda: socket.socket(socket.AF_INET)),
    "datagram": tried(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)),
    "port": tried(call_from_port),
    "sending": tried(call_by_sending),
    "ring": tried(call_by_ring),
    "bus": tried(ask_another("/run/dbus/system_bus_socket")),
    "bus by another name": tried(ask_another(named("/run/dbus/system_bus_socket"))),
    "writing": tried(lambda: Path("/run/volet-edge/x").write_text("x")),
    "door": type(call(door, AskPairing())).__name__,
}}))
"""
STRANGER = """
import socket
socket.socket(socket.AF_UNIX).connect("/run/volet-edge/household.sock")
"""


CHIP_ADDRESS, STRANGER_ADDRESS = "2001:db8:1:2::1", "2001:db8:1:3::1"
# Gives lo both addresses (SIOCSIFADDR, struct in6_ifreq of linux/ipv6.h), and asks from the second.
ADDRESSES = f"""
import fcntl, ipaddress, socket, struct
for address in ("{CHIP_ADDRESS}", "{STRANGER_ADDRESS}"):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asking:
        of_lo = struct.pack("=Ii", 64, socket.if_nametoindex("lo"))
        fcntl.ioctl(asking, 0x8916, ipaddress.ip_address(address).packed + of_lo)
with socket.create_connection(("{CHIP_ADDRESS}", 80), 60, ("{STRANGER_ADDRESS}", 0)) as stranger:
    try:
        stranger.sendall(b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
        print("told", len(stranger.recv(4_096)))
    except ConnectionError:
        print("told 0")
"""


class Home:
    """A machine with chip and page, as visitors see it."""

    def __init__(self, machine) -> None:
        self.machine = machine
        self.cookie = ""

    def runs(self, *arguments):
        """Run Python in the machine's own network."""
        run = ("systemd-run", "--wait", "--pipe", "--quiet", PYTHON, "-c", *arguments)
        done = self.machine.run(*run)
        assert done.returncode == 0, (done.stderr, self.journal())
        return done.stdout

    def visit(self, path="/", *, to="127.0.0.1", port=443, method="GET", body=None, **headers):
        """Ask for `path`; return status, headers, text."""
        sent = {"Accept-Language": "en", "Cookie": self.cookie} | headers
        asked = json.dumps([to, port, method, path, sent, body])
        status, answered, text = json.loads(self.runs(VISIT, asked))
        return status, {name.lower(): value for name, value in answered.items()}, text

    def let_in(self) -> None:
        """Pair by a code that the chip's user has made."""
        done = self.machine.run("runuser", "-u", USER, "--", "volet", "edge", "page", "--pair")
        code = re.search(r"^(\d{4}) (\d{4})$", done.stdout, re.MULTILINE)
        assert code, done.stderr
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        own = {"Origin": "https://127.0.0.1"}
        entered = self.visit(ENTER, method="POST", body=f"code={code[1]}{code[2]}", **form, **own)
        assert entered[0] == 303, entered
        self.cookie = entered[1]["set-cookie"].partition(";")[0]

    def shown(self, name: str) -> str:
        """Return a property of the page's unit."""
        return self.machine.run("systemctl", "show", PAGE, "-P", name).stdout.strip()

    def journal(self) -> str:
        return self.machine.run("journalctl", "-u", PAGE, "-u", CHIP, "-o", "cat").stdout[-3_000:]

    def meters_on(self) -> None:
        """Wait for the next quarter-hour."""
        before = quarter_hours(self.machine)
        wait_until(lambda: quarter_hours(self.machine) > before, "the chip to go on metering")

    def runs_with(self, *settings: str) -> None:
        """Replace settings of the page's service, none if there are none, and end it."""
        replace(self.machine, PAGE, ["[Service]", *settings])
        self.machine.run("systemctl", "stop", f"{PAGE}.service")


def make_with_chip(root, cloud):
    """Make a machine with an enrolled chip that listens at ADAPTER."""
    make(root)
    chip = root / "var/lib/volet"
    enrol_chip(cloud, chip)
    with (chip / "edge.toml").open("a") as file:
        file.write(f'source = "{ADAPTER}"\nmetering.is_simulated = true\n')
    for path in (chip, *chip.rglob("*")):
        os.chown(path, UID, UID)


@pytest.fixture(scope="module")
def home(shared_broker, tmp_path_factory):
    skip_without_containers()
    folder = tmp_path_factory.mktemp("page-unit")
    root = folder / "root"
    make_with_chip(root, shared_broker.cloud)
    (root / "etc/volet").mkdir()
    (root / "etc/volet/household.key.cred").write_text("x")
    with (
        meter(folder / "tic") as line,
        booted(root, folder / "console.log", *OPTIONS, f"--bind={line}:{ADAPTER}") as machine,
    ):
        prepare(machine)
        home = Home(machine)
        for unit in (CHIP, SOCKET):
            done = machine.run("systemctl", "enable", "--now", unit)
            assert done.returncode == 0, (done.stderr, home.journal())
        wait_until(lambda: quarter_hours(machine) > 0, "the first quarter-hour", home.journal)
        assert home.shown("ActiveState") == "inactive"
        first_visit(home)
        home.let_in()
        yield home


def first_visit(home: Home) -> None:
    """Until then there is no certificate that a visitor could trust."""
    done = home.visit("/", port=80)
    assert done[0] == 308
    assert home.shown("ActiveState") == "active"


def test_a_visit_starts_it_and_shows_what_the_meter_said(home):
    home.machine.run("systemctl", "stop", f"{PAGE}.service")
    status, headers, text = home.visit(f"/api/v1/shared?day={FIRST_DAY}")
    assert (status, headers["cache-control"]) == (200, "no-store")
    assert json.loads(text)["energy_wh"] > 0
    assert "kWh" in home.visit(f"/partage?jour={FIRST_DAY}")[2]
    assert home.shown("ActiveState") == "active"


def test_it_is_reached_by_both_kinds_of_address_and_port_80_leads_there(home):
    for to in ("127.0.0.1", "::1"):
        assert home.visit(ENTER, to=to)[0] == 200
        status, headers, _ = home.visit("/", to=to, port=80)
        shown = f"[{to}]" if ":" in to else to
        assert (status, headers["location"]) == (308, f"https://{shown}/")


def test_a_visitor_from_a_global_address_is_told_from_a_stranger_without_a_list_of_interfaces(home):
    assert home.runs(ADDRESSES) == "told 0\n"
    assert "page_stranger_refused" in home.journal()
    assert home.visit(ENTER, to=CHIP_ADDRESS)[0] == 200


def test_the_fingerprint_is_shown_to_the_chips_user(home):
    done = home.machine.run("runuser", "-u", USER, "--", "volet", "edge", "page", "--show")
    assert "https://raspberrypi.local/\n" in done.stdout, done.stderr
    assert "SHA-256 " in done.stdout


def test_its_process_reads_nothing_of_the_chip_and_reaches_nobody(home):
    (home.machine.root / "srv/attempt.py").write_text(ATTEMPTS)
    one = ("Type=oneshot", "WatchdogSec=0", "StandardOutput=file:/srv/open/attempts")
    home.runs_with(*one, "ExecStart=", f"ExecStart={PYTHON} /srv/attempt.py")
    done = home.machine.run("systemctl", "start", f"{PAGE}.service")
    assert done.returncode == 0, home.journal()
    outcomes = json.loads((home.machine.root / "srv/open/attempts").read_text())
    assert outcomes.pop("door") == "Pairing"
    assert not {name: said for name, said in outcomes.items() if said.startswith("got")}
    home.runs_with()
    home.machine.run("systemctl", "restart", SOCKET)  # those that were given no longer listen
    assert home.visit("/")[0] == 200


def test_no_other_user_gets_to_the_door(home):
    for user, is_let_in in (("volet-page", True), (USER, True), ("volet-trustee", False)):
        done = home.machine.run("runuser", "-u", user, "--", PYTHON, "-c", STRANGER)
        assert (done.returncode == 0) == is_let_in, (user, done.stderr)
        assert is_let_in or "PermissionError" in done.stderr


def test_it_takes_little_memory(home):
    for path in ("/", "/partage", "/etat", "/aide", "/static/page.css", "/api/v1/state") * 2:
        assert home.visit(path)[0] == 200
    memory = home.machine.run("cat", f"/proc/{home.shown('MainPID')}/smaps_rollup").stdout
    assert int(memory.split("\nRss:")[1].split()[0]) < MEMORY_MAX_KB, memory


def test_it_ends_when_nobody_looks_and_the_next_visit_starts_it_again(home):
    home.runs_with("ExecStart=", f"ExecStart={PROGRAM} --idle 1")
    assert home.visit("/")[0] == 200
    first = home.shown("InvocationID")
    wait_until(lambda: home.shown("ActiveState") == "inactive", "the page to end")
    assert home.shown("Result") == "success"
    assert home.visit("/")[0] == 200
    assert home.shown("InvocationID") != first
    home.runs_with()


def test_the_chip_meters_on_while_the_page_is_killed_again_and_again(home):
    before = quarter_hours(home.machine)

    def kill() -> bool:
        home.visit(ENTER)
        home.machine.run("systemctl", "kill", "--signal=KILL", PAGE)
        return quarter_hours(home.machine) >= before + 2

    wait_until(kill, "two quarter-hours", lambda: quarter_hours(home.machine))
    wait_until(lambda: home.shown("ActiveState") != "active", "the page to be gone")
    assert home.visit("/")[0] == 200


def test_the_chip_meters_on_while_the_page_hangs_which_is_ended_then(home):
    home.runs_with("WatchdogSec=30")
    assert home.visit("/")[0] == 200
    home.machine.run("systemctl", "kill", "--signal=STOP", PAGE)
    waiting: list[int] = []
    visitor = threading.Thread(target=lambda: waiting.append(home.visit("/")[0]))
    visitor.start()
    home.meters_on()
    visitor.join()
    assert waiting == [200]
    assert "watchdog" in home.machine.run("journalctl", "-u", PAGE).stdout.lower()
    home.runs_with()


def test_a_chip_that_is_stopped_is_told_of_and_found_again_after_its_start(home):
    home.machine.run("systemctl", "stop", CHIP)
    assert home.visit("/")[0] == 503
    assert home.machine.run("systemctl", "is-active", CHIP).stdout == "inactive\n"
    home.machine.run("systemctl", "start", CHIP)
    wait_until(lambda: home.visit("/")[0] == 200, "the door to be open again")
