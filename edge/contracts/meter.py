"""The meter that a contract names: a hash that the household signs, held against what its chip read.

The serial stays on the chip. The contract carries its SHA-256 over a salt that stays there too, so
that nobody else can compare; this chip does, for every day that a statement bills.
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import date
from enum import Enum, auto

from edge.metering.events import DayClosed
from protocol.contract import Contract

_SERIAL = re.compile(r"\d{12}", re.ASCII)


class Fit(Enum):
    """Whether the meter that counted on a day is the one that a contract names.

    UNKNOWN: the day came back from the cloud, and no frame has named its meter since.
    """

    SAME = auto()
    ANOTHER = auto()
    UNKNOWN = auto()


def is_serial(text: str) -> bool:
    """Say whether this is a meter's serial as ADSC and ADCO give it: 12 digits, none masked."""
    return _SERIAL.fullmatch(text) is not None


def meter_hash(salt: bytes, serial: str) -> bytes:
    """Return what a contract says of a meter: SHA-256 over the chip's salt and the serial."""
    return hashlib.sha256(salt + serial.encode()).digest()


def fit_of(contract: Contract, salt: bytes, closed: DayClosed) -> Fit:
    """Compare the meter of a closed day with the contract's.

    On the day on which a meter was replaced both have counted: it fits the contract of either. A
    masked serial is none that a contract can name, so it never fits.
    """
    serials = {part.meter_serial for part in closed.parts} or {closed.meter_serial}
    if any(meter_hash(salt, serial) == contract.meter for serial in serials):
        return Fit.SAME
    return Fit.UNKNOWN if "" in serials else Fit.ANOTHER


def first_day_of(
    fit: Fit, contract: Contract, salt: bytes, days: Iterable[DayClosed]
) -> date | None:
    """Return the first of `days` with this fit, if any."""
    return min((day.day for day in days if fit_of(contract, salt, day) is fit), default=None)
