"""A register set to zero, or a meter replaced: the program asks, a person confirms, it goes on."""

import signal
import subprocess
import sys
from datetime import datetime, timedelta

import pytest

from edge.metering.events import NoticeKind
from edge.metering.state import MeterState
from edge.metering.unconfirmed import quarantine_in, unconfirmed_in
from edge.tic.frame import Mode
from edge.tic.horodate import encode_horodate
from edge.vault.reader import read_vault
from tests.support.broker import enrol_chip, wait_until
from tests.support.chip_process import ChipProcess
from tests.support.sweeps import swept
from tests.unit.tic.tic_streams import WINTER, frame_bytes

START = datetime(2026, 1, 14, 18, tzinfo=WINTER)
SERIAL = "041876543210"
NEW_SERIAL = "041876543211"


class Feed:
    """A meter with two registers, a frame every five minutes."""

    def __init__(self) -> None:
        self.at = START
        self.serial = SERIAL
        self.registers_wh = [8_000_500, 9_000_700]

    def send(self, chip: ChipProcess, frames: int) -> None:
        for _ in range(frames):
            self.at += timedelta(minutes=5)
            self.registers_wh[0] += 20
            groups = [
                ("ADSC", self.serial, None),
                ("DATE", "", encode_horodate(self.at)),
                ("NGTF", "H PLEINE/CREUSE ", None),
                ("EAST", f"{sum(self.registers_wh):09}", None),
                *((f"EASF{n:02}", f"{wh:09}", None) for n, wh in enumerate(self.registers_wh, 1)),
                ("PREF", "09", None),
            ]
            chip.feed(frame_bytes(Mode.STANDARD, groups))


@pytest.fixture
def directory(broker, tmp_path):
    directory = tmp_path / "chip"
    enrol_chip(broker.cloud, directory)
    return directory


def is_quarantined(directory) -> bool:
    state = state_in(directory)
    return state is not None and quarantine_in(state) is not None


def is_waiting(directory) -> bool:
    state = state_in(directory)
    return state is not None and unconfirmed_in(state) is not None


def state_in(directory) -> MeterState | None:
    if not (directory / "vault.db").exists():
        return None
    with read_vault(directory) as vault:
        return vault.values.state()


def notices(directory) -> list[NoticeKind]:
    with read_vault(directory) as vault:
        return [each.kind for each in vault.values.notices()]


def volet(directory, *arguments: str, answer: str = "") -> str:
    command = [sys.executable, "-m", "volet.main", "edge", *arguments, "--dir", str(directory)]
    return subprocess.run(
        command, input=answer, capture_output=True, text=True, check=False, timeout=120
    ).stdout


@pytest.mark.parametrize("is_running", swept([True, False], 2), ids=["running", "started later"])
def test_a_person_confirms_and_the_program_goes_on(directory, is_running):
    feed = Feed()
    chip = ChipProcess(directory)
    with chip:
        feed.send(chip, 8)
        feed.registers_wh[1] = 0
        feed.send(chip, 8)
        wait_until(lambda: is_quarantined(directory), "the quarantine")
        assert "volet edge confirm" in volet(directory, "status", "--lang", "en")
        if not is_running:
            assert chip.end(signal.SIGTERM) == 0
        assert "EASF02" in volet(directory, "confirm", "--lang", "fr", answer="o\n")
        if is_running:
            feed.send(chip, 4)
            wait_until(lambda: not is_quarantined(directory), "the confirmed index")
    if not is_running:
        with ChipProcess(directory) as later:
            feed.send(later, 4)
            wait_until(lambda: not is_quarantined(directory), "the confirmed index")
    assert NoticeKind.INDEX_BEGAN_ANEW in notices(directory)
    assert "volet edge confirm" not in volet(directory, "status", "--lang", "en")
    assert SERIAL not in chip.log
    assert '"9000' not in chip.log


@pytest.mark.parametrize("is_running", swept([False, True], 2), ids=["started later", "running"])
def test_a_person_confirms_a_new_meter_and_the_program_follows_it(directory, is_running):
    feed = Feed()
    chip = ChipProcess(directory)
    with chip:
        feed.send(chip, 8)
        feed.serial, feed.registers_wh = NEW_SERIAL, [300, 40]
        feed.send(chip, 8)
        wait_until(lambda: is_waiting(directory), "the other meter")
        assert "volet edge confirm" in volet(directory, "status", "--lang", "en")
        if not is_running:
            assert chip.end(signal.SIGTERM) == 0
        assert NEW_SERIAL in volet(directory, "confirm", "--lang", "fr", answer="o\n")
        if is_running:
            feed.send(chip, 4)
            wait_until(lambda: not is_waiting(directory), "the confirmed meter")
    if not is_running:
        with ChipProcess(directory) as later:
            feed.send(later, 4)
            wait_until(lambda: not is_waiting(directory), "the confirmed meter")
            assert later.end(signal.SIGTERM) == 0
    account = state_in(directory).account
    assert account.last.serial == NEW_SERIAL
    assert [each.last.serial for each in account.former] == [SERIAL]
    assert NoticeKind.METER_REPLACED in notices(directory)
    assert NEW_SERIAL not in chip.log
