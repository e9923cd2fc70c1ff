"""A household that has left is erased in the chip's own unit: the program begins anew, as one process.

The unit forbids much; that it lets the program replace itself is seen in a booted Debian alone.
"""

import json
import os
import shutil

import pytest

from edge.identity.keys import load_keys
from edge.moving.erasing import order_erasure
from tests.e2e.test_raspberry_pi_page import UID, meter
from tests.e2e.test_units_hold import OPTIONS, make, prepare
from tests.support.billing_home import BillingHome
from tests.support.booted import USER, booted, skip_without_containers
from tests.support.broker import wait_until

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]

CHIP = f"volet-edge@{USER}"
ADAPTER = "/dev/serial/by-id/usb-emulated"


@pytest.fixture
def left(tmp_path):
    """The directory of a household that has moved out."""
    home = BillingHome(tmp_path / "town")
    home.begin()
    home.live(1)
    home.move_out()
    home.settle()
    home.kill()
    return home.directory


def give(root, left):
    """Make the machine's chip that of the household."""
    chip = root / "var/lib/volet"
    shutil.copytree(left, chip, dirs_exist_ok=True)
    (chip / "edge.toml").write_text(f'source = "{ADAPTER}"\nmetering.is_simulated = true\n')
    for path in (chip, *chip.rglob("*")):
        os.chown(path, UID, UID)
    return chip


def test_the_unit_lets_its_program_begin_anew_and_erase(left, tmp_path):
    skip_without_containers()
    root, household = tmp_path / "root", load_keys(left).household
    make(root)
    chip = give(root, left)
    with (
        meter(tmp_path / "tic") as line,
        booted(root, tmp_path / "console.log", *OPTIONS, f"--bind={line}:{ADAPTER}") as machine,
    ):
        prepare(machine)

        def shown(name):
            return machine.run("systemctl", "show", CHIP, "-P", name).stdout.strip()

        def events():
            said = machine.run("journalctl", "-u", CHIP, "-o", "cat").stdout
            return [json.loads(each)["event"] for each in said.splitlines() if each[:1] == "{"]

        done = machine.run("systemctl", "start", CHIP)
        assert done.returncode == 0, (done.stderr, events())
        wait_until(lambda: "chip_started" in events(), "the chip", events)
        process = shown("MainPID")
        # As the panel leaves the order once the button was held.
        order_erasure(chip, household.id)
        os.chown(chip / "erase.json", UID, UID)
        wait_until(lambda: "household_erased" in events(), "the household to be erased", events)
        wait_until(lambda: "chip_not_enrolled" in events(), "its first run", events)
        assert shown("MainPID") == process
        assert shown("NRestarts") == "0"
        assert shown("ActiveState") == "active"
        assert load_keys(chip).household.id != household.id
        kept = {path.name for path in chip.rglob("*") if path.is_file()}
        assert not kept & {"vault.db", "enrolment.json", "contract.json", "erase.json"}
        # It answers its unit's watchdog as before, and ends when it is told to.
        assert machine.run("systemctl", "stop", CHIP).returncode == 0
        assert shown("Result") == "success"
