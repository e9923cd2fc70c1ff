"""The household's choice to have its line repeated: `repeater.json` in the chip's directory, mode 0600.

It is of one household in one home: whatever enrols the chip anew, or puts another household's files
there, forgets it.
"""

import secrets
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from edge.tic.masking import StandIns
from protocol.errors import DocumentRefused
from system.at_home import is_private
from system.watched import ChoiceFile

FILE_NAME = "repeater.json"
# As the line's speed, so that it can be remembered.
PORT = 9_600
PORT_LEAST = 1_024
# In a serial number: maker, year and type. No maker has the number 00, so that none is another's by
# chance, and a type that was drawn would have clients name a meter that it is not.
_NO_MAKER, _NO_REGION = "000000", "00"
_SERIAL_DIGITS, _PRM_DIGITS = 12, 14

Port = Annotated[int, msgspec.Meta(ge=PORT_LEAST, le=65_535)]
_Address = Annotated[str, msgspec.Meta(max_length=64)]
_Serial = Annotated[str, msgspec.Meta(pattern=r"^([0-9]{12})?(?!\n)$")]
_Prm = Annotated[str, msgspec.Meta(pattern=r"^([0-9]{14})?(?!\n)$")]


class RepeaterChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The household's choice.

    Attributes:
        is_on: whether the line is repeated.
        port: the TCP port.
        address: the address of this machine to listen on; empty: all that are of the home.
        has_true_numbers: hand on the true numbers of meter and point of delivery.
        serial, prm: what stands in their place otherwise; drawn once, so that clients know the
            meter again, and of nothing that could be found elsewhere.
    """

    is_on: bool = False
    port: Port = PORT
    address: _Address = ""
    has_true_numbers: bool = False
    serial: _Serial = ""
    prm: _Prm = ""

    @property
    def stand_ins(self) -> StandIns | None:
        """What stands in the place of true numbers; None if nothing was drawn."""
        if not (self.serial and self.prm):
            return None
        return StandIns(self.serial.encode(), self.prm.encode())


class RepeaterFault(StrEnum):
    """Why a line that is to be repeated is not."""

    PUBLIC = "address_is_public"
    TAKEN = "port_is_taken"
    ABSENT = "address_is_not_here"
    OTHER = "not_opened"
    UNSERVED = "nobody_serves"
    STARTING = "not_yet"
    STOPPED = "chip_does_not_run"


class RepeaterState(msgspec.Struct, frozen=True):
    """How the line is repeated now: the choice, why it is not served, and how many clients read it."""

    port: int
    address: str
    has_true_numbers: bool
    fault: RepeaterFault | None
    clients: int


_FILE = ChoiceFile(FILE_NAME, RepeaterChoice(), unreadable=RepeaterChoice())
watched_repeater, load_repeater = _FILE.watched, _FILE.load


def turn_on(
    directory: Path,
    *,
    has_true_numbers: bool,
    port: int | None = None,
    address: str | None = None,
) -> RepeaterChoice:
    """Have the line repeated; without port or address, where it was before.

    Raises:
        ConfigError: the present choice is damaged, or cannot be written.
        DocumentRefused: the address is not of a home's network.
    """
    if address:
        check_is_private(address)
    changed: dict[str, object] = {"is_on": True, "has_true_numbers": has_true_numbers}
    changed |= {} if port is None else {"port": port}
    changed |= {} if address is None else {"address": address}
    if load_repeater(directory).stand_ins is None:
        changed |= {
            "serial": _drawn(_NO_MAKER, _SERIAL_DIGITS),
            "prm": _drawn(_NO_REGION, _PRM_DIGITS),
        }
    _FILE.change(directory, **changed)
    return load_repeater(directory)


def turn_off(directory: Path) -> None:
    """Have the line repeated no longer; the drawn numbers stay for another time.

    Raises:
        ConfigError: the present choice is damaged, or cannot be written.
    """
    if (directory / FILE_NAME).exists():
        _FILE.change(directory, is_on=False)


def forget_repeater(directory: Path) -> None:
    """Forget the choice, and the drawn numbers with it."""
    (directory / FILE_NAME).unlink(missing_ok=True)


def check_is_private(address: str) -> None:
    """Check that an address is of a home's network, or of this machine alone.

    Raises:
        DocumentRefused: it is not.
    """
    if not is_private(address):
        raise DocumentRefused(
            f"{address} is no address of a home's network, and whoever reads the line there reads the "
            "whole curve; name a private one, or none."
        )


def _drawn(start: str, digits: int) -> str:
    count = digits - len(start)
    return f"{start}{secrets.randbelow(10**count):0{count}}"
