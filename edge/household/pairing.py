"""Lets visitors of the page in: for a few minutes, by the console's code or the panel's button.

The button lets in the one visitor whose number the home light flashes: whoever presses it compares
that number with the one on the own screen, so a stranger who knocks first gains nothing.

The window is a file beside the vault (0600), so that a restart of chip or page neither shuts it nor
gives more attempts. Console and chip change it under a lock on the directory.
"""

import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from edge.household.shown import Knocked, Pairing
from edge.household.visitors import NUMBER_LEAST, NUMBER_MOST, KnockId, KnockNumber, VisitorRole
from protocol.calendar import Instant
from protocol.errors import ConfigError, DocumentRefused
from system.locks import changing
from system.watched import OrderFile

OPEN_FOR = timedelta(minutes=5)
KNOCK_FOR = timedelta(seconds=60)
WRONG_CODES_MAX = 5
_CODES = 10**8
_NUMBERS = range(NUMBER_LEAST, NUMBER_MOST + 1)


class Knock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A visitor who waits for the button: a secret id, the number to compare, and until when."""

    id: KnockId
    number: KnockNumber
    until: Instant
    is_let_in: bool = False


class PairingOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An open window: its code, what it lets in as, when it shuts, and wrong codes so far.

    `knock` is the visitor who waits for the button, or who waited last.
    """

    code: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{8}(?!\n)$")]
    role: VisitorRole
    until: Instant
    wrong: Annotated[int, msgspec.Meta(ge=0, le=WRONG_CODES_MAX)] = 0
    knock: Knock | None = None


ORDER = OrderFile("pairing.json", PairingOrder, "pair again.")


def open_window(directory: Path, role: VisitorRole, now: datetime) -> PairingOrder:
    """Open the window of the chip in `directory` with a new code; one that was open is replaced.

    Raises:
        ConfigError: the file cannot be written, or another program holds it.
    """
    with changing(directory / ORDER.name):
        order = PairingOrder(f"{secrets.randbelow(_CODES):08}", role, now + OPEN_FOR)
        ORDER.leave(directory, order)
    return order


class PairingWindow:
    """The window of the chip in one directory, as its page and its panel use it, in any thread."""

    def __init__(
        self, directory: Path, now: Callable[[], datetime], *, has_button: bool = False
    ) -> None:
        self._directory = directory
        self._now = now
        self._has_button = has_button

    def open(self, role: VisitorRole) -> None:
        """Open the window for the button, as `open_window` does for the console.

        Raises:
            ConfigError: the file cannot be written, or another program holds it.
        """
        open_window(self._directory, role, self._now())

    def state(self) -> Pairing:
        """Return whether the window is open; wrong codes do not keep out whom the button lets in."""
        return self.seen()[0]

    def seen(self) -> tuple[Pairing, Knock | None]:
        """Return the window's state, and the visitor who waits for the button, by one look."""
        order = self._open()
        if order is None:
            return Pairing(False), None
        is_open = order.wrong < WRONG_CODES_MAX or self._has_button
        pairing = Pairing(True, order.until, self._has_button) if is_open else Pairing(False)
        return pairing, self._pending(order)

    def admit(self, code: str) -> VisitorRole:
        """Let in one visitor, as whom the window says, and shut it.

        Raises:
            DocumentRefused: the code is wrong, or no window is open. The fifth wrong code shuts it.
        """
        with changing(self._directory / ORDER.name):
            return self._admit(code)

    def knock(self) -> Knocked:
        """Let a visitor wait for the button.

        Raises:
            DocumentRefused: no window is open, there is no button, or another visitor waits.
        """
        with changing(self._directory / ORDER.name):
            order = self._open()
            if order is None or not self._has_button:
                raise DocumentRefused(
                    "No visitor is let in now; hold the button of the panel for ten seconds first."
                )
            if self._current(order) is not None:
                raise DocumentRefused(
                    "Another visitor waits for the button now; if it is nobody of yours, press "
                    "nothing, and try again in a minute."
                )
            # Never the one before: its visitor may still have it on the screen.
            before = None if order.knock is None else order.knock.number
            number = secrets.choice([n for n in _NUMBERS if n != before])
            until = min(self._now() + KNOCK_FOR, order.until)
            knock = Knock(secrets.token_hex(16), number, until)
            ORDER.leave(self._directory, msgspec.structs.replace(order, knock=knock))
            return Knocked(knock.id, number, until)

    def let_in(self, knock_id: str) -> bool:
        """Let in the visitor of that knock; return whether it still waits for the button."""
        with changing(self._directory / ORDER.name):
            order = self._open()
            waiting = None if order is None else self._pending(order)
            if order is None or waiting is None or waiting.id != knock_id:
                return False
            knock = msgspec.structs.replace(waiting, is_let_in=True)
            ORDER.leave(self._directory, msgspec.structs.replace(order, knock=knock))
            return True

    def admit_by_button(self, knock_id: str) -> VisitorRole | Knocked:
        """Let in the visitor of a knock once the button was pressed for it, and shut the window.

        Raises:
            DocumentRefused: nobody pressed the button in time.
        """
        with changing(self._directory / ORDER.name):
            order = self._open()
            knock = None if order is None else order.knock
            if (
                order is None
                or knock is None
                or not hmac.compare_digest(knock.id, knock_id)
                or not self._now() < knock.until
            ):
                raise DocumentRefused("Nobody pressed the button for you in time; try again.")
            if not knock.is_let_in:
                return Knocked(knock.id, knock.number, knock.until)
            ORDER.withdraw(self._directory)
            return order.role

    def _pending(self, order: PairingOrder) -> Knock | None:
        knock = self._current(order)
        return None if knock is None or knock.is_let_in else knock

    def _current(self, order: PairingOrder) -> Knock | None:
        """Return the knock that no other may replace: who was let in has still to ask."""
        knock = order.knock
        return knock if knock is not None and self._now() < knock.until else None

    def _admit(self, code: str) -> VisitorRole:
        order = self._open()
        if order is None:
            raise DocumentRefused(
                "No visitor is let in now; type `volet edge page --pair` at the chip first."
            )
        if order.wrong >= WRONG_CODES_MAX:
            raise _too_many()
        if hmac.compare_digest(order.code, code):
            ORDER.withdraw(self._directory)
            return order.role
        try:
            ORDER.leave(self._directory, msgspec.structs.replace(order, wrong=order.wrong + 1))
        except ConfigError:  # what cannot be counted on a full disk must not be tried without end
            ORDER.withdraw(self._directory)
            raise
        if order.wrong + 1 >= WRONG_CODES_MAX:
            raise _too_many()
        raise DocumentRefused("That is not the code on the chip's console; read it once more.")

    def _open(self) -> PairingOrder | None:
        try:
            order = ORDER.read(self._directory)
        except ConfigError:  # damaged, or just withdrawn: as good as shut
            return None
        if order is None or not self._now() < order.until <= self._now() + OPEN_FOR:
            return None
        return order


def _too_many() -> DocumentRefused:
    return DocumentRefused(
        "No visitor is let in now, since five wrong codes came; if they were not yours, somebody "
        "else in your network tried. Type `volet edge page --pair` at the chip again."
    )
