"""The units in packaging/units: how much each closes, and that what they start is there."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from edge.commands.household import HouseholdCommand
from edge.page.server import HTTP_PORT
from edge.stage import DEFAULT_DIRECTORY, DOOR_DIRECTORY, PAGE_HOME
from edge.tic.repeater.channel import SOCKET_OF_UNIT
from system import kernel_clock
from tests.support.environments import ROOT
from volet.main import volet

UNITS = ROOT / "packaging/units"
SERVICES = sorted(UNITS.glob("*.service"))
MOSQUITTO = UNITS / "mosquitto-volet.conf"
PROGRAM = re.compile(r"^ExecStart=\S+/bin/volet (.+)$", re.MULTILINE)
# Debian's own unit for the broker, as far as the score goes by it.
DEBIANS = "[Service]\nType=notify\nNotifyAccess=main\nExecStart=/usr/sbin/mosquitto\n"
EXPOSURE_MAX = 13  # tenths
SYSTEMD_MIN = 252


def exposure_is_at_most(tenths: int, name: str, text: str, folder: Path) -> bool:
    path = folder / name
    path.write_text(text)
    command = ("systemd-analyze", "security", "--offline=true", "--no-pager")
    done = subprocess.run(
        (*command, f"--threshold={tenths}", path), capture_output=True, text=True, check=False
    )
    assert "Overall exposure level" in done.stdout, done.stderr
    return done.returncode == 0


@pytest.fixture(scope="module")
def systemd():
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    shown = subprocess.run(
        ("systemd-analyze", "--version"), capture_output=True, text=True, check=True
    )
    version = int(re.search(r"systemd (\d+)", shown.stdout)[1])
    if version < SYSTEMD_MIN:
        pytest.skip(f"systemd {version} judges no files; {SYSTEMD_MIN} does")


def settings(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            yield tuple(line.split("=", 1))


def texts():
    for path in SERVICES:
        yield path.name, path.read_text()
    yield "mosquitto.service", DEBIANS + MOSQUITTO.read_text()


@pytest.mark.usefixtures("systemd")
@pytest.mark.parametrize(
    ("name", "text"), list(texts()), ids=[*(path.name for path in SERVICES), "mosquitto"]
)
def test_each_unit_closes_what_its_program_does_not_need(name, text, tmp_path):
    assert exposure_is_at_most(EXPOSURE_MAX, name, text, tmp_path)
    opened = re.sub(r"^(Restrict|ProtectKernel|NoNew).*\n", "", text, flags=re.MULTILINE)
    assert not exposure_is_at_most(EXPOSURE_MAX, name, opened, tmp_path)


def test_only_one_unit_may_ask_about_the_clock_and_has_neither_network_nor_devices():
    asking = {name: text for name, text in texts() if "ProtectClock=yes" not in text}
    assert asking.keys() == {"volet-edge-clock@.service"}
    (text,) = asking.values()
    for closed in ("PrivateNetwork=yes", "PrivateDevices=yes", "CapabilityBoundingSet="):
        assert f"\n{closed}\n" in text
    # The C library asks by either, depending on the machine.
    assert "\nSystemCallFilter=adjtimex clock_adjtime\n" in text


def test_the_chip_brings_along_what_asks_about_the_clock_where_it_looks_for_the_answer():
    chip, clock = (dict(settings(UNITS / f"volet-edge{name}@.service")) for name in ("", "-clock"))
    assert "volet-edge-clock@%i.service" in chip["Wants"].split()
    assert clock["PartOf"] == "volet-edge@%i.service"
    assert Path("/run", clock["RuntimeDirectory"]) == kernel_clock.MARK.parent
    assert clock["User"] == chip["User"] == "%i"


def test_the_page_and_its_door_are_where_the_program_looks_for_them():
    chip, page = (dict(settings(UNITS / f"volet-edge{name}.service")) for name in ("@", "-page"))
    assert Path("/var/lib", page["StateDirectory"]) == PAGE_HOME
    assert Path("/run", chip["RuntimeDirectory"]) == DOOR_DIRECTORY
    assert chip["RuntimeDirectoryMode"] == "0710", "the door is not opened where all may enter"
    assert chip["ExecStartPost"] == f"-+/usr/bin/chgrp {page['User']} %t/{DOOR_DIRECTORY.name}"
    assert f" {page['User']}\n" in (ROOT / "packaging/install").read_text()


def test_the_page_has_no_network_but_what_systemd_gives_it():
    page = dict(settings(UNITS / "volet-edge-page.service"))
    assert page["PrivateNetwork"] == "yes"
    assert page["RestrictAddressFamilies"] == "AF_UNIX"
    socket = list(settings(UNITS / "volet-edge-page.socket"))
    assert [value for key, value in socket if key == "ListenStream"] == [str(HTTP_PORT), "443"]


def test_the_repeater_has_no_network_but_what_the_chip_hands_it_and_calls_nobody():
    service = list(settings(UNITS / "volet-edge-repeater@.service"))
    assert dict(service)["PrivateNetwork"] == "yes"
    assert dict(service)["RestrictAddressFamilies"] == "AF_UNIX"
    # Without shutdown it goes on listening, and a first piece of data cannot connect either.
    assert ("SystemCallFilter", "~connect shutdown") in service
    assert dict(service)["DynamicUser"] == "yes", "no user has to be made for it"


def test_the_chip_calls_the_repeater_where_its_own_socket_waits():
    chip = dict(settings(UNITS / "volet-edge@.service"))
    socket = dict(settings(UNITS / "volet-edge-repeater@.socket"))
    assert "volet-edge-repeater@%i.socket" in chip["Wants"].split()
    assert socket["PartOf"] == "volet-edge@%i.service"
    assert socket["ListenSequentialPacket"] == str(SOCKET_OF_UNIT)
    assert (socket["SocketUser"], socket["SocketMode"]) == ("%i", "0600")


def test_the_chip_starts_after_an_interrupted_upgrade_was_taken_back():
    chip = dict(settings(UNITS / "volet-edge@.service"))
    assert "volet-software-boot.service" in chip["After"].split()


@pytest.mark.parametrize("path", [*SERVICES, MOSQUITTO], ids=lambda path: path.name)
def test_a_forbidden_call_fails_instead_of_killing(path):
    assert "\nSystemCallErrorNumber=EPERM\n" in path.read_text()


@pytest.mark.parametrize("path", [*SERVICES, MOSQUITTO], ids=lambda path: path.name)
def test_no_unit_may_ask_by_a_ring_for_what_its_filters_forbid(path):
    """No filter of system calls sees what io_uring does."""
    closed = [value.split() for key, value in settings(path) if key == "SystemCallFilter"]
    assert any(value[0].startswith("~") and "@aio" in value for value in closed)


def test_the_page_cannot_have_other_programs_ask_the_network():
    page = list(settings(UNITS / "volet-edge-page.service"))
    hidden = " ".join(value for key, value in page if key == "InaccessiblePaths").split()
    assert {"-/run/dbus", "-/run/avahi-daemon", "-/run/systemd/resolve"} <= {*hidden}


def started(path):
    """Return the context of the command that a unit starts; nothing of it is run."""
    command, arguments = volet, shlex.split(PROGRAM.search(path.read_text())[1])
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), arguments.pop(0))
    return command.make_context("unit", arguments)


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_what_a_unit_starts_is_a_command(path):
    """A command is found and its options are known."""
    started(path)


def test_what_may_not_see_the_chips_directory_does_not_look_there():
    """A household's command looks whether its directory is open before it does anything."""
    hides = ("InaccessiblePaths", f"-{DEFAULT_DIRECTORY} -/etc/volet")
    contexts = {path.name: started(path) for path in SERVICES if hides in settings(path)}
    households = {
        name: context.params
        for name, context in contexts.items()
        if isinstance(context.command, HouseholdCommand)
    }
    assert households.keys() == {"volet-edge-page.service", "volet-edge-repeater@.service"}
    for name, given in households.items():
        assert not isinstance(given.get("directory"), Path), name


def test_no_page_has_a_second_copy_of_a_unit():
    for page in (ROOT / "docs").rglob("*.md"):
        assert "\nExecStart=" not in page.read_text(), page
