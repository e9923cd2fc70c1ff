"""What units close is closed: a program in the place of each unit's tries to get at it.

What a booted Debian in a container lets nobody do cannot be tried in it, and a limit that needs a
control group is skipped, with the reason, where this kernel does not enforce it.
"""

import ast
import json
import shutil
import sysconfig
from pathlib import Path

import pytest

from tests.support import attempts
from tests.support.booted import USER, booted, make_root, skip_without_containers
from tests.support.broker import wait_until
from tests.support.environments import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]

UNITS = ROOT / "packaging/units"
# Each unit, and the directory in which its program may write.
WRITES = {
    f"volet-edge@{USER}": "/var/lib/volet",
    f"volet-edge-clock@{USER}": "/run/volet-edge-clock",
    "volet-edge-page": "/var/lib/volet-page",
    f"volet-edge-repeater@{USER}": "/run/volet-attempts",
    "volet-worker": "/var/lib/volet-cloud",
    "volet-api": "/var/lib/volet-cloud",
    "volet-release": "/var/lib/volet-cloud",
    "volet-cloud-backup": "/var/lib/volet-cloud",
    "volet-trustee": "/var/lib/volet-trustee",
    "volet-monitor": "/var/lib/volet-monitor",
    "volet-software-boot": "/opt/volet",
    "volet-update": "/var/cache/volet-update",
    "volet-update-install": "/opt/volet",
    "volet-update-activate": "/opt/volet",
    "mosquitto": "/etc/mosquitto/volet",
}
# The product, as it is here, with its packages.
PATHS = "/srv/volet:/srv/site"
OPTIONS = (
    *("--private-network", f"--bind-ro={ROOT}:/srv/volet"),
    f"--bind-ro={sysconfig.get_path('purelib')}:/srv/site",
    "--system-call-filter=adjtimex clock_adjtime",  # whose clock, otherwise, no container may know
)
PYTHON = "/usr/bin/python3"  # the machine's, whatever this test runs with
CHIP, CLOCK, PAGE = f"volet-edge@{USER}", f"volet-edge-clock@{USER}", "volet-edge-page"
REPEATER = f"volet-edge-repeater@{USER}"
ROOTS = {"volet-software-boot", "volet-update-install", "volet-update-activate"}
WITHOUT_NETWORK = {"volet-cloud-backup", CLOCK, PAGE, REPEATER, *ROOTS}
# From which the chip's directory is hidden, whoever owns it.
WITHOUT_CHIP = {PAGE, REPEATER, "volet-update", "volet-update-install", "volet-update-activate"}
AS_ROOT = ("name_the_machine", "mount", "load_a_module", "set_the_clock", "write_to_the_kernel")
AS_USER = tuple(
    attempt.__name__ for attempt in attempts.ATTEMPTS if attempt.__name__ not in AS_ROOT
)
# Held by control groups, which not every kernel lets a container have.
BY_GROUPS = {
    (CHIP, "open_another_device"),
    *((unit, "take_memory") for unit in (CHIP, CLOCK, PAGE, REPEATER)),
}
LISTEN = (
    "import socket; s = socket.create_server(('127.0.0.1', %d)); [s.accept() for _ in iter(int, 1)]"
)


def closed(unit: str):
    """Yield the attempts that a unit must not let through."""
    for attempt in (*AS_USER, *AS_ROOT):
        if attempt == "reach_the_network" and unit not in WITHOUT_NETWORK:
            continue
        if attempt == "open_a_local_socket" and unit != "volet-update-install":
            continue
        if attempt == "take_memory" and unit not in {CHIP, CLOCK, PAGE, REPEATER}:
            continue
        if attempt == "read_the_chips_directory" and unit not in WITHOUT_CHIP:
            continue
        if attempt == "ask_about_the_clock" and unit == CLOCK:
            continue
        if unit in ROOTS and attempt in {"gain_privileges", "see_other_programs"}:
            continue  # it is root already
        yield attempt


def make(root: Path, *more: str) -> None:
    """Make a Debian with units, their users and directories, what attempts are after, and `more`."""
    make_root(root, "mosquitto", *more)
    inside = root / "etc/systemd/system"
    for unit in UNITS.glob("volet-*"):
        shutil.copy(unit, inside)
    dropin = inside / "mosquitto.service.d/volet.conf"
    dropin.parent.mkdir()
    shutil.copy(UNITS / "mosquitto-volet.conf", dropin)
    # Started by the test alone, once there is something to start with.
    (inside / "multi-user.target.wants/mosquitto.service").unlink()
    shutil.copy(attempts.__file__, root / "srv/attempts.py")
    for name in ("srv/open", "usr/lib/modules/planted", "opt/volet", "var/backups/volet"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "srv/open").chmod(0o777)
    (root / "home/pi").chmod(0o755)
    (root / "home/pi/planted").write_text("x")
    shutil.copy(root / "usr/bin/id", root / "usr/local/bin/planted-id")
    (root / "usr/local/bin/planted-id").chmod(0o4755)
    program = root / "usr/local/bin/volet"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={PATHS} exec python3 -m volet.main "$@"\n')
    program.chmod(0o755)
    for name in ("srv/volet", "srv/site"):
        (root / name).mkdir()


def prepare(machine) -> None:
    """Do in the running machine what is not a file of it."""
    for user in ("volet-cloud", "volet-trustee", "volet-monitor", "volet-page"):
        machine.run("adduser", "--system", "--group", "--home", f"/var/lib/{user}", user)
    # Root without capabilities writes there too, as no state directory of systemd's is.
    machine.run("install", "-d", "-m", "0777", "-o", "mosquitto", "/etc/mosquitto/volet")
    machine.run("chown", "volet-cloud:", "/var/backups/volet")
    machine.run("install", "-d", "-m", "0755", "-o", USER, "/var/lib/volet")
    machine.run("sh", "-c", "echo x > /var/lib/volet/planted")
    machine.run("sh", "-c", "echo x > /tmp/planted; mknod -m 666 /dev/planted c 10 229")
    listening = ("systemd-run", "--unit=listening", PYTHON, "-c", LISTEN % attempts.PORT)
    assert machine.run(*listening).returncode == 0


def read(text: str) -> dict[str, str]:
    lines = map(json.loads, text.splitlines())
    return {line["attempt"]: line["outcome"] for line in lines}


def unconfined(machine, user: str) -> dict[str, str]:
    """Return what comes of each attempt without a unit's limits."""
    folder = f"/srv/{user}"
    machine.run("install", "-d", "-o", user, folder)
    run = ("systemd-run", "--wait", "--pipe", f"--uid={user}", "--quiet")
    done = machine.run(*run, PYTHON, "/srv/attempts.py", f"{folder}/out")
    assert done.returncode == 0, done.stderr
    return read((machine.root / f"srv/{user}/out").read_text())


def confined(machine, unit: str, user: str | None) -> dict[str, str]:
    """Run the attempts in a unit's place, as its own user or as another; return the outcomes."""
    out = f"{WRITES[unit]}/attempts-{user or 'own'}"
    settings = [
        *("[Unit]", "ConditionPathExists=", "[Service]", "Type=oneshot", "Restart=no"),
        *("WatchdogSec=0", "RuntimeDirectoryPreserve=yes", "ExecStart="),
        f"ExecStart={PYTHON} /srv/attempts.py {out}",
        *([f"User={user}"] if user else []),
        # It writes nothing, and so has no directory of its own.
        *(["RuntimeDirectory=volet-attempts"] if unit == REPEATER else []),
        *(["DynamicUser=no"] if unit == REPEATER and user else []),
    ]
    replace(machine, unit, settings)
    machine.run("systemctl", "restart", unit)  # the chip's may have brought it along
    done = machine.run("cat", out)
    assert done.returncode == 0, machine.run("journalctl", "-u", unit).stdout
    return read(done.stdout)


def replace(machine, unit: str, settings: list[str]) -> None:
    """Replace settings of a unit, none if there are none."""
    dropin = machine.root / f"etc/systemd/system/{unit}.service.d/zz-attempts.conf"
    dropin.parent.mkdir(exist_ok=True)
    dropin.write_text("\n".join(settings) + "\n")
    machine.run("systemctl", "daemon-reload")


def clock_answers(machine) -> dict[str, list[bool | None]]:
    """Return what the kernel says of the clock, to whom, and what the chip makes of it.

    In the chip's place runs what asks there. The unit that it brings along runs its own program, then
    one whose kernel says yes.
    """
    asked = "import system.kernel_clock as c; said = [c._kernel_says(), c.is_synchronised()]"
    env = f"Environment=PYTHONPATH={PATHS}"
    one = ["[Service]", "Type=oneshot", "Restart=no", "WatchdogSec=0", env]
    told = f"{WRITES[CHIP]}/said"
    asking = f"{asked}; open('{told}', 'w').write(repr(said))"
    replace(machine, CHIP, [*one, "ExecStart=", f'ExecStart={PYTHON} -c "{asking}"'])
    replace(machine, CLOCK, [])
    machine.run("rm", "-rf", WRITES[CLOCK])
    unit = machine.root / "etc/systemd/system/volet-edge-clock@.service"

    def chip_says() -> list[bool | None]:
        done = machine.run("systemctl", "start", CHIP)
        assert done.returncode == 0, machine.run("journalctl", "-u", CHIP).stdout
        return ast.literal_eval((machine.root / told[1:]).read_text())

    def chip_says_alone() -> list[bool | None]:
        """Return what it says where there is no unit that it could bring along."""
        machine.run("systemctl", "stop", CLOCK)
        unit.rename(unit.with_suffix(".away"))
        machine.run("systemctl", "daemon-reload")
        said = chip_says()
        unit.with_suffix(".away").rename(unit)
        machine.run("systemctl", "daemon-reload")
        return said

    outside = machine.run("env", f"PYTHONPATH={PATHS}", PYTHON, "-c", f"{asked}; print(repr(said))")
    answers = {"kernel": ast.literal_eval(outside.stdout), "alone": chip_says_alone()}
    wait_until(lambda: chip_says() == [None, answers["kernel"][0]], "the kernel's answer")
    answers["beside"] = chip_says()
    yes = "import system.kernel_clock as c; c._kernel_says = lambda: True; c.keep_marked()"
    replace(machine, CLOCK, ["[Service]", env, "ExecStart=", f'ExecStart={PYTHON} -c "{yes}"'])
    machine.run("systemctl", "stop", CLOCK)
    wait_until(lambda: chip_says() == [None, True], "the answer yes")
    answers["yes"] = chip_says()
    answers["stopped"] = chip_says_alone()
    return answers


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Without limits, and by unit: what came of each attempt; and what is said of the clock."""
    skip_without_containers()
    folder = tmp_path_factory.mktemp("units")
    make(folder / "root")
    log = folder / "console.log"
    with booted(folder / "root", log, *OPTIONS) as machine:
        prepare(machine)
        free = unconfined(machine, USER)
        free |= {name: unconfined(machine, "root")[name] for name in AS_ROOT}
        held = {}
        for unit in WRITES:
            own = confined(machine, unit, None)
            as_root = confined(machine, unit, "root")
            held[unit] = own | {name: as_root.get(name, "ended") for name in AS_ROOT}
        return free, held, clock_answers(machine)


@pytest.mark.parametrize(
    ("unit", "attempt"), [(unit, attempt) for unit in WRITES for attempt in closed(unit)]
)
def test_a_unit_holds(outcomes, unit, attempt):
    free, held, _ = outcomes
    if free.get(attempt) != "got":
        pytest.skip(f"cannot be tried here, since nobody can do it: {free.get(attempt, 'ended')}")
    outcome = held[unit].get(attempt, "ended")  # a program that is ended has got nothing
    if outcome == "got" and (unit, attempt) in BY_GROUPS:
        pytest.skip("this kernel does not enforce the limits of control groups in a container")
    assert outcome != "got"


def test_the_network_is_there_for_what_needs_it(outcomes):
    """Otherwise the attempts upon it would show nothing."""
    assert outcomes[1]["volet-worker"]["reach_the_network"] == "got"


def test_the_unit_that_asks_about_the_clock_may(outcomes):
    """The C library has two system calls for it, and without the right one the answer is no."""
    free, held, _ = outcomes
    if free["ask_about_the_clock"] != "got":
        pytest.skip(f"cannot be tried here: {free['ask_about_the_clock']}")
    assert held[CLOCK]["ask_about_the_clock"] == "got"


def test_the_chip_may_not_ask_about_the_clock_and_knows_what_the_kernel_says(outcomes):
    answers = outcomes[2]
    kernel = answers["kernel"][0]
    assert kernel is not None
    assert answers == {
        "kernel": [kernel, kernel],
        "alone": [None, False],
        "beside": [None, kernel],
        "yes": [None, True],
        "stopped": [None, False],
    }


def test_programs_do_their_work_in_their_units(tmp_path):
    """Broker, worker, API, release, trustee and backup of one collectivity, on one machine."""
    skip_without_containers()
    root, log = tmp_path / "root", tmp_path / "console.log"
    make(root)
    with (root / "etc/hosts").open("a") as file:
        file.write("127.0.0.1 broker.testville.example\n")
    with booted(root, log, *OPTIONS) as machine:
        prepare(machine)

        def typed(*command: str, user: str = "volet-cloud") -> None:
            done = machine.run("runuser", "-u", user, "--", *command)
            assert done.returncode == 0, (command, done.stderr)

        def started(*units: str) -> None:
            for unit in units:
                done = machine.run("systemctl", "restart", unit)
                assert done.returncode == 0, machine.run("journalctl", "-u", unit).stdout

        def journal(unit: str) -> str:
            return machine.run("journalctl", "-u", unit, "-o", "cat").stdout

        cloud, trustee = "/var/lib/volet-cloud", "/var/lib/volet-trustee"
        host = ("--collectivity", "testville", "--broker-host", "broker.testville.example")
        typed("volet", "cloud", "init", "--dir", cloud, *host)
        typed("volet", "cloud", "issue", "worker-release")
        machine.run("install", "-d", "-o", "volet-trustee", trustee)
        machine.run("cp", f"{cloud}/pki/ca.pem", "/srv/open")
        named = ("--name", "trustee-consumers", "--title", "Consumers", "--ca", "/srv/open/ca.pem")
        typed("volet", "trustee", "init", *host, *named, user="volet-trustee")
        machine.run("cp", f"{trustee}/tls.csr", "/srv/open")
        typed("volet", "cloud", "issue", "trustee-consumers", "--request", "/srv/open/tls.csr")
        machine.run("cp", f"{cloud}/pki/trustee-consumers.pem", "/srv/open")
        machine.run("chown", "-R", "volet-trustee:", "/srv/open")
        issued = "/srv/open/trustee-consumers.pem"
        typed("volet", "trustee", "install", issued, user="volet-trustee")
        watch = ("--name", "monitor-ops", "--ca", "/srv/open/ca.pem")
        machine.run("install", "-d", "-m", "0700", "-o", "volet-monitor", "/var/lib/volet-monitor")
        typed("volet", "monitor", "init", *host, *watch, user="volet-monitor")
        request = "/srv/open/monitor.csr"
        machine.run("cp", "/var/lib/volet-monitor/tls.csr", request)
        typed("volet", "cloud", "issue", "monitor-ops", "--request", request)
        issued = "/srv/open/monitor-ops.pem"
        machine.run("cp", f"{cloud}/pki/monitor-ops.pem", issued)
        typed("volet", "monitor", "install", issued, user="volet-monitor")
        done = machine.run("volet", "cloud", "broker-config", "--out", "/etc/mosquitto/volet")
        assert done.returncode == 0, done.stderr
        units = ("volet-worker", "volet-api", "volet-release", "volet-trustee", "volet-monitor")
        machine.run("systemctl", "daemon-reload")
        started("mosquitto", *units)
        for unit in ("volet-worker", "volet-release", "volet-trustee", "volet-monitor"):
            wait_until(lambda: "broker_connected" in journal(unit), f"{unit} at the broker")  # noqa: B023
        wait_until(lambda: "api_started" in journal("volet-api"), "the API")
        typed("volet", "monitor", "chips", user="volet-monitor")
        monthly = ("volet", "cloud", "renew", "--broker", "/etc/mosquitto/volet")
        at_home = ("systemd-run", "--wait", "--pipe", "--quiet")  # in the machine's network
        done = machine.run(*at_home, *monthly, "--force")
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert "Restarted mosquitto.service" in done.stdout
        assert machine.run(*at_home, *monthly).stdout.endswith("nothing was changed.\n")
        assert machine.run("systemctl", "reload", "mosquitto").returncode != 0
        machine.run("chown", "-R", "volet-cloud:", cloud)
        machine.run("sh", "-c", "cd /srv/open && volet cloud backup-key --out backup.key")
        machine.run("install", "-d", "-m", "0755", "/etc/volet")
        machine.run("install", "-m", "0644", "/srv/open/backup.key.pub", "/etc/volet")
        started("volet-cloud-backup")
        assert list((root / "var/backups/volet").glob("volet-cloud-*.backup"))
        for unit in ("mosquitto", *units):
            shown = machine.run("systemctl", "show", unit, "-P", "NRestarts", "-P", "ActiveState")
            assert shown.stdout.split() == ["0", "active"], (unit, journal(unit))
