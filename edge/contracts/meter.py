"""Compares the meter that a contract names with the meters that the chip read.

The contract carries a SHA-256 over a salt and the meter's serial. Salt and serial stay on the chip,
so nobody else can compare; the chip does so for every day that a statement bills.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from enum import Enum, auto
from itertools import groupby

from edge.metering.events import DayClosed
from edge.vault.rows import Metered
from protocol.contract import Contract
from protocol.errors import DocumentRefused
from protocol.registers import names_of

_SERIAL = re.compile(r"\d{12}", re.ASCII)


class Fit(Enum):
    """Whether the meter that counted on a day is the one that a contract names.

    UNKNOWN: the day was restored from the cloud, and the contract's meter has not been read since.
    """

    SAME = auto()
    ANOTHER = auto()
    UNKNOWN = auto()


def is_serial(text: str) -> bool:
    """Return whether `text` is a meter's serial as ADSC and ADCO give it: 12 digits, none masked."""
    return _SERIAL.fullmatch(text) is not None


def check_is_named(serial: str) -> None:
    """Check that a line says which meter it is of.

    Raises:
        DocumentRefused: it masks the serial.
    """
    if not is_serial(serial):
        raise DocumentRefused(
            "The line masks its meter's serial, so that no contract can name it; connect the chip to "
            "the meter itself."
        )


def meter_hash(salt: bytes, serial: str) -> bytes:
    """Return a meter's hash in a contract: SHA-256 over the chip's salt and the serial."""
    return hashlib.sha256(salt + serial.encode()).digest()


class Meters:
    """The meters that counted, as the chip knows them, to compare each day with a contract."""

    def __init__(
        self,
        salt: bytes,
        metered: Metered,
        fingerprint_of: Callable[[str, str], int],
        calendars: Iterable[str] = (),
    ) -> None:
        """Index the vault's `metered` days by meter.

        `salt`: salt of the meter hashes in contracts (32 bytes). `fingerprint_of`: returns the
        fingerprint of serial and calendar, which identifies the meter of a restored day.
        `calendars`: further calendars under which a restored day may have counted.
        """
        self._salt = salt
        self._fingerprint_of = fingerprint_of
        self._fingerprints = {closed.day: fingerprint for closed, fingerprint in metered.days}
        self._calendars = {*calendars, metered.last_calendar}
        self._first: dict[str, date] = {}
        self._last: dict[str, date] = {}
        for closed, _ in metered.days:
            self._calendars |= {closed.calendar, *(part.calendar for part in closed.parts)}
            for serial in _serials_of(closed):
                self._first.setdefault(serial, closed.day)
                self._last[serial] = closed.day
        if metered.last_serial:
            self._first.setdefault(metered.last_serial, date.max)
            self._last[metered.last_serial] = date.max

    def fit(self, contract: Contract, closed: DayClosed) -> Fit:
        """Compare the meter of a closed day with the contract's.

        On the day on which one meter replaced another, both fit the contract of either: the new one
        never counted before that day, and the old one never after it. A masked serial never fits,
        because no contract can name it.
        """
        serials = _serials_of(closed)
        if len(serials) > 1:
            is_named = any(self._is_of(contract, serial) for serial in serials)
            is_same = is_named and self._is_replacement(closed.day, serials)
        elif serials[0]:
            is_same = self._is_of(contract, serials[0])
        else:
            return self._fit_unnamed(contract, closed.day)
        return Fit.SAME if is_same else Fit.ANOTHER

    def first_day(self, fit: Fit, contract: Contract, days: Iterable[DayClosed]) -> date | None:
        """Return the first of `days` with this fit, if any."""
        return min((day.day for day in days if self.fit(contract, day) is fit), default=None)

    def _is_of(self, contract: Contract, serial: str) -> bool:
        return meter_hash(self._salt, serial) == contract.meter

    def _is_replacement(self, day: date, serials: Sequence[str]) -> bool:
        old, new = serials[0], serials[-1]
        is_one_change = len(serials) == 2  # noqa: PLR2004 - before and after
        return (
            is_one_change and self._first.get(new, day) >= day and self._last.get(old, day) <= day
        )

    def _fit_unnamed(self, contract: Contract, day: date) -> Fit:
        """Compare the fingerprint, once a serial that fits the contract has been read."""
        serial = next((read for read in self._first if read and self._is_of(contract, read)), None)
        if serial is None:
            return Fit.UNKNOWN
        expected = {
            self._fingerprint_of(serial, name)
            for calendar in self._calendars
            for name in names_of(calendar)
        }
        return Fit.SAME if self._fingerprints.get(day) in expected else Fit.ANOTHER


def _serials_of(closed: DayClosed) -> list[str]:
    """Return the serials of the meters that counted on a day, in order, one for each run."""
    serials = [part.meter_serial for part in closed.parts] or [closed.meter_serial]
    return [serial for serial, _ in groupby(serials)]
