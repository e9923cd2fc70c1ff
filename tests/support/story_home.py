"""A household's own side of the story: its meter, its machine as it is installed, what it types."""

import hashlib
import os
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from edge.page.names import HTTPS_PORT
from edge.simulate.home import HomeSettings, build_home
from edge.simulate.household import synthetic_curve
from edge.simulate.link import PtyLink
from edge.simulate.tariff import MeterOption
from edge.vault.reader import read_vault
from protocol.calendar import QUARTER_HOUR, day_start, legal_day
from protocol.errors import ConfigError
from tests.support.booted import USER, Booted
from tests.support.broker import wait_until

DIALOUT = 20
SEED, KVA = 3, 9
ADAPTER = "/dev/serial/by-id/usb-emulated"
SECOND, WH_PER_KWH = timedelta(seconds=1), 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Where days are to pass, so often a frame: a day takes ten seconds.
FAST_S = 0.1


class StoryMeter:
    """A meter on a pty: a frame each second, or one of each quarter-hour where days are to pass.

    At midnight it sends two, since the chip takes a value that jumps once a second frame agrees.
    """

    def __init__(self, path: Path, first: date) -> None:
        curve = synthetic_curve(SEED, first - timedelta(days=1), first + timedelta(days=60))
        settings = HomeSettings(option=MeterOption.HPHC, kva=KVA, seed=SEED)
        self._home = build_home(curve, settings)
        self.at = day_start(first) - 2 * QUARTER_HOUR
        self._until = self.at
        self._link = PtyLink(path)
        os.chown(self._link.device, 0, DIALOUT)
        Path(self._link.device).chmod(0o660)
        self.device = self._link.device
        self.serial = self._home.meter_at(self.at).profile.serial

    @contextmanager
    def running(self) -> Iterator["StoryMeter"]:
        """Send until the context ends."""
        stopped = threading.Event()

        def run() -> None:
            while not stopped.wait(FAST_S if self.at < self._until else 1.0):
                self.at = self._next()
                self._link.send(self._home.frame_at(self.at))

        thread = threading.Thread(target=run, name="meter")
        thread.start()
        try:
            yield self
        finally:
            stopped.set()
            thread.join()
            self._link.close()

    def pass_until(self, instant: datetime) -> None:
        """Let time pass until then, and wait for it; after it each second takes a second again."""
        self._until = instant
        wait_until(lambda: self.at >= instant, "the meter's days", lambda: self.at)

    def catch_up(self) -> None:
        """Let time pass until the present."""
        while self.at < datetime.now(UTC) - SECOND:
            self.pass_until(datetime.now(UTC))

    def index_kwh(self, day: date, register: int) -> int:
        """Return what the meter itself shows of a register at the beginning of a day."""
        found = re.search(rb"\nEASF%02d\t(\d{9})\t" % register, self._home.frame_at(day_start(day)))
        assert found
        return int(found[1]) // WH_PER_KWH

    def _next(self) -> datetime:
        second = self.at + SECOND
        if self.at >= self._until or self.at == day_start(legal_day(self.at)):
            return second
        begun = (self.at - _EPOCH) // QUARTER_HOUR
        return min(_EPOCH + (begun + 1) * QUARTER_HOUR, max(self._until, second))


class StoryHome:
    """A machine at home, with what its household types.

    Attributes:
        typed: each command with what it printed.
    """

    name, port = "raspberrypi.local", HTTPS_PORT

    def __init__(self, machine: Booted) -> None:
        self.machine = machine
        self.typed: list[tuple[str, str]] = []
        self.chip = machine.root / "var/lib/volet"
        self.directory = machine.root / "var/lib/volet-page"

    def type(self, *commands: str, status: int = 0) -> str:
        """Log in and type commands; return what the last one printed."""
        with self.machine.login() as typing:
            for command in commands:
                ended, output = typing.type(command)
                self.typed.append((command, output))
                assert ended == status, (command, output, self.journal())
        return output

    def visit_first(self) -> str:
        """Open the page as the first one; return the fingerprint that a browser shows."""
        unknown = ssl.create_default_context()
        unknown.check_hostname, unknown.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.port)) as connection,
            unknown.wrap_socket(connection, server_hostname=self.name) as secured,
        ):
            shown = secured.getpeercert(binary_form=True)
        return hashlib.sha256(shown).digest().hex(":").upper()

    def code(self, *options: str) -> str:
        """Type at the chip what shows a code."""
        shown = self.type(" ".join(("volet edge page --pair", *options)))
        found = re.search(r"^(\d{4}) (\d{4})$", shown, re.MULTILINE)
        assert found, shown
        return found[1] + found[2]

    def closed_until(self) -> date | None:
        """Return the last day that the chip has closed."""
        try:
            with read_vault(self.chip) as vault:
                return vault.figures().last_day_closed
        except ConfigError:
            return None

    def unsent(self) -> int:
        """Return how much the city does not have yet."""
        with read_vault(self.chip) as vault:
            figures = vault.figures()
        return figures.outbox_depth + figures.intervals_to_encrypt

    def journal(self) -> str:
        asked = ("journalctl", "-u", f"volet-edge@{USER}", "-u", "volet-edge-page", "-o", "cat")
        return self.machine.run(*asked).stdout[-4_000:]
