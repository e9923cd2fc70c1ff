"""Lets visitors of the page in: for a few minutes, by a code that stands on the chip's console.

The window is a file beside the vault (0600), so that a restart of chip or page neither shuts it nor
gives more attempts.
"""

import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from edge.household.messages import Pairing, VisitorRole
from protocol.calendar import Instant
from protocol.errors import ConfigError, DocumentRefused
from system.watched import OrderFile

OPEN_FOR = timedelta(minutes=5)
WRONG_CODES_MAX = 5
_CODES = 10**8


class PairingOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An open window: its code, what it lets in as, when it shuts, and wrong codes so far."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{8}(?!\n)$")]
    role: VisitorRole
    until: Instant
    wrong: Annotated[int, msgspec.Meta(ge=0, le=WRONG_CODES_MAX)] = 0


ORDER = OrderFile("pairing.json", PairingOrder, "pair again.")


def open_window(directory: Path, role: VisitorRole, now: datetime) -> PairingOrder:
    """Open the window of the chip in `directory` with a new code; one that was open is replaced."""
    order = PairingOrder(f"{secrets.randbelow(_CODES):08}", role, now + OPEN_FOR)
    ORDER.leave(directory, order)
    return order


class PairingWindow:
    """The window of the chip in one directory, as its page may use it."""

    def __init__(self, directory: Path, now: Callable[[], datetime]) -> None:
        self._directory = directory
        self._now = now

    def state(self) -> Pairing:
        """Return whether the window is open."""
        order = self._open()
        if order is None or order.wrong >= WRONG_CODES_MAX:
            return Pairing(False)
        return Pairing(True, order.until)

    def admit(self, code: str) -> VisitorRole:
        """Let in one visitor, as whom the window says, and shut it.

        Raises:
            DocumentRefused: the code is wrong, or no window is open. The fifth wrong code shuts it.
        """
        order = self._open()
        if order is None:
            raise DocumentRefused(
                "No visitor is let in now; type `volet edge page --pair` at the chip first."
            )
        if order.wrong >= WRONG_CODES_MAX:
            raise DocumentRefused(
                "No visitor is let in now, since five wrong codes came; if they were not yours, "
                "somebody else in your network tried. Type `volet edge page --pair` at the chip "
                "again."
            )
        if hmac.compare_digest(order.code, code):
            ORDER.withdraw(self._directory)
            return order.role
        ORDER.leave(self._directory, msgspec.structs.replace(order, wrong=order.wrong + 1))
        raise DocumentRefused("That is not the code on the chip's console; read it once more.")

    def _open(self) -> PairingOrder | None:
        try:
            order = ORDER.read(self._directory)
        except ConfigError:  # damaged: as good as shut
            ORDER.withdraw(self._directory)
            return None
        if order is None or not self._now() < order.until <= self._now() + OPEN_FOR:
            return None
        return order
