"""A chip that is started before its meter's adapter is plugged in waits for it, and says so."""

import pytest

from tests.support.broker import enrol_chip, make_cloud
from tests.support.sweeps import swept
from tests.support.terminal import machine

ADAPTER = "/dev/ttyUSB9"
WAITED = "timeout 60 sh -c 'until grep -q {} chip.log; do sleep 0.1; done'"


@pytest.fixture
def chip(tmp_path):
    make_cloud(tmp_path / "cloud")
    chip = tmp_path / "machine/var/lib/volet"
    chip.parent.mkdir(parents=True)
    enrol_chip(tmp_path / "cloud", chip)
    with machine(tmp_path / "machine") as typing:
        yield typing


def test_an_adapter_that_is_plugged_in_later_is_read(chip):
    chip.type(f"volet edge run --source {ADAPTER} 2> chip.log &")
    assert chip.type(WAITED.format("serial_line_lost"))[0] == 0, chip.logs()
    chip.type(f"volet edge simulate --option hphc --link {ADAPTER} 2> meter.log &")
    assert chip.type(WAITED.format("serial_line_opened"))[0] == 0, chip.logs()


@pytest.mark.parametrize(
    "source", swept(["/dev/../capture.txt", "capture.txt", "/dev/shm/capture.txt"], 3)
)
def test_what_can_never_be_plugged_in_is_an_error(chip, source):
    status, said = chip.type(f"volet edge --lang en run --source {source}")
    assert status == 5
    assert f"{source}: no such device or file" in said
