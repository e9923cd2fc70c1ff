"""Finds the meter for a new contract, and checks the one that the household names against it."""

import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from edge.contracts.fitting import MeterNow, meter_in
from edge.contracts.meter import check_is_named, is_serial
from edge.contracts.words import ANOTHER_METER, NOT_READ, SERIAL_FORM
from edge.language.choice import Lang
from edge.metering.reading import read
from edge.tic.decoder import Decoder
from edge.tic.frame import Frame
from edge.tic.serial_line import SerialSource
from edge.vault.database import FILE_NAME
from edge.vault.reader import read_vault
from protocol.errors import ConfigError, DocumentRefused

# A wrong speed is abandoned after 5 s; at 1200 bit/s two frames take another 4 s.
LISTEN_S = 12.0
_POLL_S = 0.5


def parse_serial(text: str, lang: Lang) -> str:
    """Return a meter's serial (ADSC, ADCO) that a person typed, without spaces.

    Raises:
        DocumentRefused: it does not consist of 12 digits.
    """
    serial = "".join(text.split())
    if not is_serial(serial):
        raise DocumentRefused(SERIAL_FORM[lang])
    return serial


def meter_for(
    directory: Path, source: str, speeds: tuple[int, ...], typed: str | None, lang: Lang
) -> MeterNow:
    """Return the meter for a contract: the one that the chip reads, otherwise the typed one.

    `source` is the meter's device, read at one of `speeds` (bit/s); `typed` is the serial that the
    household named, if any.

    Raises:
        DocumentRefused: the chip reads another meter or a masked serial, or it reads none and the
            household named none.
    """
    found = known_meter(directory)
    if found.serial is None:
        found = listen(source, speeds) or found
    if found.serial is None:
        if typed is None:
            raise DocumentRefused(NOT_READ[lang])
        return MeterNow(typed, None, None)
    check_is_named(found.serial)
    if typed not in (None, found.serial):
        raise DocumentRefused(ANOTHER_METER[lang])
    return found


class SerialFinder:
    """Finds a meter's serial: the one that two successive frames give.

    Attributes:
        serial: the serial, None while no two frames agree.
    """

    def __init__(self) -> None:
        self.serial: str | None = None
        self._before: str | None = None

    def observe(self, frame: Frame) -> None:
        """Take the next frame; one without a serial, as a short one is, changes nothing."""
        group = frame.groups.get("ADSC") or frame.groups.get("ADCO")
        if group is None:
            return
        if group.value == self._before:
            self.serial = group.value
        self._before = group.value


def listen(source: str, speeds: tuple[int, ...], wait_s: float = LISTEN_S) -> MeterNow | None:
    """Return the meter whose serial two successive frames on `source` give, read at one of `speeds`.

    Returns None if there is no such device, it is in use, or it sent nothing for `wait_s` seconds.
    """
    device = Path(source)
    if not device.is_char_device():
        return None
    decoder, finder = Decoder(), SerialFinder()
    end_s = time.monotonic() + wait_s
    line = SerialSource(device, lambda: decoder.quality.groups, speeds=speeds)
    with closing(line), suppress(ConfigError):  # no serial device: nobody named it for this
        while time.monotonic() < end_s and line.fault is None:
            for frame in decoder.feed(line.read(_POLL_S)):
                finder.observe(frame)
                if finder.serial is not None:
                    return _meter_of(finder.serial, frame)
    return None


def known_meter(directory: Path) -> MeterNow:
    """Return what the chip knows of the meter that it read last; nothing if it has read none."""
    if not (directory / FILE_NAME).exists():
        return meter_in(None)
    with read_vault(directory) as vault:
        return meter_in(vault.values.state())


def _meter_of(serial: str, frame: Frame) -> MeterNow:
    reading = read(frame, datetime.now(UTC))
    if reading is None:
        return MeterNow(serial, None, None)
    return MeterNow(serial, reading.calendar, reading.subscribed_kva)
