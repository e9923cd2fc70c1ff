"""A chip on a pty, whose line is repeated: chip, repeater and clients are real processes and sockets."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from edge.simulate.home import HomeSettings, SimulatedHome, build_home
from edge.simulate.household import synthetic_curve
from edge.simulate.tariff import MeterOption
from edge.tic.frame import Mode
from edge.tic.groups import encode_group
from edge.tic.horodate import encode_horodate
from edge.tic.repeater.choice import turn_on
from edge.vault.reader import read_vault
from edge.vault.rows import QuarterHour
from protocol.calendar import PARIS, QUARTER_HOUR, day_start
from protocol.errors import ConfigError
from tests.support.broker import enrol_chip, make_cloud, wait_until
from tests.support.chip_process import ROOT, ChipProcess
from tests.support.chip_town import MONTH

SEED = 3
SERIAL = "041876543210"
CONFIG = "send_window_s = 0\nmetering.is_simulated = true\n"
READ_BYTES = 65_536
FRAMES_EACH = 5


def free_port() -> int:
    """Return a port of this machine that nobody holds now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


class RepeaterProcess:
    """`volet edge repeat-line` beside the chip in a directory."""

    def __init__(self, directory: Path) -> None:
        self.log_path = directory.parent / "repeater.log"
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "volet.main", "edge", "repeat-line"),
                    *("--dir", str(directory)),
                ],
                stdout=log,
                stderr=log,
                cwd=ROOT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text("utf-8")

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it, even if it is stopped."""
        self._process.send_signal(number)
        self._process.wait()


class LineClient:
    """A client on the home network, as linkytic is one."""

    def __init__(self, port: int, address: str = "127.0.0.1") -> None:
        self.connection = socket.create_connection((address, port))
        self.connection.setblocking(False)
        self.received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def read(self) -> bool:
        """Take what has come; return whether the connection still stands."""
        try:
            while data := self.connection.recv(READ_BYTES):
                self.received += data
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False


class CapturedMeter:
    """A frame of a real meter that goes on: its date and its indices move, and nothing else."""

    def __init__(self, capture: bytes) -> None:
        characters = bytes(byte & 0x7F for byte in capture)
        start = characters.index(b"\x02\n")
        self._frame = characters[start : characters.index(b"\x03", start) + 1]

    def frame_at(self, at: datetime) -> bytes:
        """Return the frame of an instant; each second counts half a watt-hour."""
        counted_wh = round((at - day_start(MONTH)).total_seconds() / 2)

        def moved(group: re.Match[bytes]) -> bytes:
            name, value = group[1].decode(), int(group[2])
            return encode_group(Mode.STANDARD, name, f"{value + counted_wh:09}")

        date = encode_group(Mode.STANDARD, "DATE", "", encode_horodate(at.astimezone(PARIS)))
        dated = re.sub(rb"\nDATE\t[^\r]*\r", lambda _: date, self._frame)
        return re.sub(rb"\n(EAST|EASF01|EASD01)\t(\d{9})\t.\r", moved, dated)


class RepeatedHome:
    """An enrolled chip whose collectivity is away, and its meter on a pty."""

    def __init__(self, folder: Path, capture: bytes = b"") -> None:
        make_cloud(folder / "cloud")
        self.directory = folder / "chip"
        enrol_chip(folder / "cloud", self.directory)
        (self.directory / "edge.toml").write_text(CONFIG)
        self.port = free_port()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self._meter = CapturedMeter(capture) if capture else _simulated_meter()
        self.at: datetime = day_start(MONTH)

    def close(self) -> None:
        os.close(self._master)
        os.close(self._slave)

    def turn_on(self, *, has_true_numbers: bool = False, address: str | None = None) -> None:
        turn_on(self.directory, has_true_numbers=has_true_numbers, port=self.port, address=address)

    @contextmanager
    def chip(self) -> Iterator[ChipProcess]:
        """Run the chip, which throws away what came before it opened the line."""
        opened, log = "serial_line_opened", self.directory.parent / f"{self.directory.name}.log"
        before = log.read_text("utf-8").count(opened) if log.exists() else 0
        with ChipProcess(self.directory, source=os.ttyname(self._slave)) as chip:
            wait_until(lambda: chip.log.count(opened) > before, "the line")
            yield chip
            chip.end(signal.SIGTERM)

    def repeater(self) -> RepeaterProcess:
        return RepeaterProcess(self.directory)

    def send(self, data: bytes) -> None:
        """Send bytes on the line, as fast as the chip takes them."""
        while data:
            data = data[os.write(self._master, data) :]

    def frame(self, second: int = 0) -> bytes:
        """Return the meter's frame of now."""
        return self._meter.frame_at(self.at + timedelta(seconds=second))

    def live(self, quarters: int, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Let quarter-hours pass, with `meanwhile` in each, and wait until the chip has them."""
        for _ in range(quarters):
            for second in range(FRAMES_EACH):
                self.send(self.frame(second))
            meanwhile()
            self.at += QUARTER_HOUR
        wait_until(
            lambda: len(self.quarters()) >= self.due, "quarter-hours in the vault", self.count
        )

    @property
    def due(self) -> int:
        return (self.at - day_start(MONTH)) // QUARTER_HOUR - 2

    def count(self) -> int:
        return len(self.quarters())

    def quarters(self) -> list[QuarterHour]:
        """Return every quarter-hour that the chip has stored, with its energy."""
        days = MONTH - timedelta(days=1), MONTH + timedelta(days=9)
        try:
            with read_vault(self.directory) as vault:
                return vault.values.intervals(*days)
        except ConfigError:
            return []

    def client(self) -> LineClient:
        """Connect a client, once the port is open."""
        found: list[LineClient] = []

        def connects() -> bool:
            with contextlib.suppress(OSError):
                found.append(LineClient(self.port))
            return bool(found)

        wait_until(connects, "the line on the home network")
        return found[0]

    def until(self, client: LineClient, has_come: bytes, more: bytes = b"") -> bytes:
        """Send frames until a client has received something; return all that it received."""

        def came() -> bool:
            self.send(more or self.frame())
            assert client.read(), "the client was hung up on"
            return has_come in client.received

        wait_until(came, f"{has_come!r} at a client", lambda: len(client.received))
        return client.received


def _simulated_meter() -> SimulatedHome:
    curve = synthetic_curve(SEED, MONTH, MONTH + timedelta(days=9))
    return build_home(curve, HomeSettings(option=MeterOption.HPHC, seed=SEED, serial=SERIAL))


@contextmanager
def repeated_home(folder: Path, capture: bytes = b"") -> Iterator[RepeatedHome]:
    """Make a home, with a simulated meter or one that was captured."""
    with ExitStack() as opened:
        home = RepeatedHome(folder, capture)
        opened.callback(home.close)
        yield home
