"""A chip that is not enrolled yet: it reads its line, answers its page, and meters nothing.

Nothing of the line is stored. Once the collectivity's answer is installed, by the page or at a
console, the program goes on as the usual chip.
"""

import select
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol, Self

import structlog

from edge.chip.config import EdgeConfig
from edge.chip.house_panel import HousePanel
from edge.contracts.enrolling import check_no_import
from edge.contracts.serial import SerialFinder
from edge.household.door import open_door
from edge.household.first_run import FirstRunAnswers, SeenLine
from edge.household.pairing import PairingWindow
from edge.identity.keys import load_keys
from edge.metering.reading import read
from edge.stage import Stage, stage
from edge.status.line import LineWatch
from edge.status.panel import Panel
from edge.tic.decoder import Decoder
from edge.tic.frame import Frame, InformationGroup
from edge.tic.intake import Intake
from edge.tic.serial_line import SerialSource
from edge.vault.lock import hold_vault
from protocol.errors import ConfigError
from system.clock import Clock, SystemClock
from system.conditions import Repeated
from system.systemd import Notifier, runtime_directory

ROUND_S = 0.25
# A look at what is wrong takes tens of milliseconds on a Pi.
LOOKS_EVERY_S = 2.0
# A device that may not be read, or is no line, is tried again: somebody is setting it up.
REFUSED_FOR_S = 5.0

log = structlog.get_logger()


class Stop(Protocol):
    """What ends the program."""

    is_set: bool

    def fileno(self) -> int:
        """Return a descriptor that becomes readable."""


class Line:
    """The meter's line, of which the latest frames alone are known."""

    def __init__(self, config: EdgeConfig, clock: Clock) -> None:
        """Read the device of `config`, which need not be there yet."""
        self.seen = SeenLine()
        self._clock = clock
        self._decoder = decoder = Decoder()
        self._watch = LineWatch(decoder)
        self._source = SerialSource(
            Path(config.source), lambda: decoder.quality.groups, speeds=config.speeds
        )
        self._intake = Intake(self._source, decoder, clock=clock.monotonic_s)
        self._finder = SerialFinder()
        self._groups: dict[str, InformationGroup] = {}
        self._calendar: str | None = None
        self._subscribed_kva: int | None = None
        self._refused: str | None = None
        self._refusals = Repeated(clock.monotonic_s)
        self._tries_at_s = self._looks_at_s = 0.0

    def fileno(self) -> int:
        """Return the device's descriptor, -1 while it is not open."""
        return self._source.fileno()

    @property
    def is_good(self) -> bool:
        """True if a good frame has come within ten seconds."""
        return self._watch.is_good(self._clock.monotonic_s())

    def close(self) -> None:
        """Close the device."""
        self._source.close()

    def read(self) -> None:
        """Take what has come."""
        now_s = self._clock.monotonic_s()
        if now_s < self._tries_at_s:
            return
        try:
            frames = self._intake.step(0.0)
        except ConfigError as exc:
            if times := self._refusals.found(str(exc)):
                log.warning("first_run_line_refused", why=str(exc), times=times)
            self._refused, self._tries_at_s = str(exc), now_s + REFUSED_FOR_S
            return
        self._refused = None
        for frame in frames:
            self._take(frame)

    def look(self) -> None:
        """Note what is known of the line, every few seconds."""
        if (now_s := self._clock.monotonic_s()) < self._looks_at_s:
            return
        self._looks_at_s = now_s + LOOKS_EVERY_S
        self.seen = SeenLine(
            self._finder.serial,
            self._decoder.mode,
            dict(self._groups),
            self._intake.faults(),
            self._refused or self._source.fault,
            self._calendar,
            self._subscribed_kva,
        )

    def _take(self, frame: Frame) -> None:
        self._finder.observe(frame)
        self._watch.record_frame(frame, self._clock.now(), self._clock.monotonic_s())
        if frame.is_complete and not frame.is_short:
            self._groups = {}
        self._groups |= frame.groups
        if (reading := read(frame, self._clock.now())) is not None:
            self._calendar = reading.calendar or self._calendar
            self._subscribed_kva = reading.subscribed_kva or self._subscribed_kva


class FirstRun:
    """The program of a chip until it is enrolled."""

    def __init__(self, directory: Path, line: Line, panel: HousePanel | None, clock: Clock) -> None:
        """Use `open` instead."""
        self._directory = directory
        self._line = line
        self._panel = panel
        self._notifier = Notifier(clock)

    @classmethod
    @contextmanager
    def open(
        cls,
        directory: Path,
        config: EdgeConfig,
        *,
        pins: Panel | None = None,
        clock: Clock | None = None,
    ) -> Iterator[Self]:
        """Open line and door of the chip in `directory` while the context lasts.

        The panel, if there is one, is at `pins`, which stay open.

        Raises:
            ConfigError: a key is missing or damaged, an import is under way, or another process runs
                this chip.
        """
        check_no_import(directory)
        load_keys(directory)
        clock = clock or SystemClock()
        with ExitStack() as opened:
            opened.enter_context(hold_vault(directory))
            line = Line(config, clock)
            opened.callback(line.close)
            window = PairingWindow(
                directory, clock.now, has_button=pins is not None and pins.lets_in
            )
            panel = None
            if pins is not None:
                panel = HousePanel(pins, window, clock, is_quiet=config.is_quiet)
            answers = FirstRunAnswers(directory, window, lambda: line.seen, clock.now)
            try:
                opened.enter_context(open_door(directory, answers.answer, runtime_directory()))
            except OSError as exc:
                log.warning("household_door_shut", why=str(exc))
            yield cls(directory, line, panel, clock)

    def run(self, stop: Stop) -> bool:
        """Run until stopped or enrolled; return whether the chip is enrolled."""
        self._notifier.ready()
        log.info("chip_not_enrolled")
        while not stop.is_set:
            if stage(self._directory) is Stage.ENROLLED:
                log.info("chip_enrolled")
                return True
            self._round(stop)
        self._notifier.stopping()
        log.info("chip_stopped")
        return False

    def _round(self, stop: Stop) -> None:
        source = self._line.fileno()
        waiting = [stop.fileno(), source] if source >= 0 else [stop.fileno()]
        ready, _, _ = select.select(waiting, [], [], ROUND_S)
        if source < 0 or source in ready:
            self._line.read()
        self._line.look()
        if self._panel is not None:
            self._panel.step(is_line_good=self._line.is_good)
        self._notifier.progress()
