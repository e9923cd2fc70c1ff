"""Before a chip has run, its command reads the meter's line itself, if one is connected."""

import os
import threading
import tty
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.contracts.enrolling import draw_keys
from edge.contracts.serial import listen
from edge.simulate.home import HomeSettings, build_home
from edge.simulate.household import synthetic_curve
from edge.tic.frame import Mode
from edge.tic.speed import SPEEDS

DAY = date(2026, 3, 1)
NOON = datetime(2026, 3, 1, 11, tzinfo=UTC)
SERIAL = "041961234567"


class Line:
    """A pty on which a meter repeats its frame until it is closed."""

    def __init__(self, frame: bytes) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.device = os.ttyname(self._slave)
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._send, args=(frame,))
        self._thread.start()

    def _send(self, frame: bytes) -> None:
        while not self._is_closed.wait(0.01):
            try:
                os.write(self._master, frame)
            except BlockingIOError:
                continue

    def close(self) -> None:
        self._is_closed.set()
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture(params=Mode)
def line(request):
    curve = synthetic_curve(1, DAY, date(2026, 3, 2))
    home = build_home(curve, HomeSettings(mode=request.param, serial=SERIAL))
    line = Line(home.frame_at(NOON))
    yield line
    line.close()


def request_with(directory, *options):
    """Ask for a contract under an offer that is not there: what is said first counts."""
    taken = ("--offer", directory / "offer.json", "--from", "2026-03-01", *options)
    arguments = ["--lang", "en", "request", "--dir", str(directory), *map(str, taken)]
    return CliRunner().invoke(edge, arguments)


def test_the_serial_is_read_from_the_line(line):
    assert listen(line.device, SPEEDS).serial == SERIAL


def test_a_source_that_is_no_device_or_says_nothing_names_no_meter(tmp_path):
    (tmp_path / "capture").write_bytes(b"\x02")
    for source in ("-", str(tmp_path / "capture"), str(tmp_path / "gone"), "/dev/null"):
        assert listen(source, SPEEDS, wait_s=0.05) is None


def test_a_chip_without_a_line_asks_for_the_serial(tmp_path):
    draw_keys(tmp_path)
    (tmp_path / "edge.toml").write_text(f'source = "{tmp_path / "gone"}"\n')
    (tmp_path / "offer.json").write_text('{"kind": "Offer", "body": "", "signature": ""}')
    assert "has read no meter yet" in str(request_with(tmp_path).exception)
