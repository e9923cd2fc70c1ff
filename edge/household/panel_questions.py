"""What the page asks at the panel, because it cannot be undone: a session alone does not suffice.

The question is in the memory of the chip's program, so that a restart forgets it, and it ends after
three minutes. Only the press that its matter names says yes, begun while the question stood.
"""

import secrets
import threading
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from edge.status.lights import Press
from protocol.errors import DocumentRefused
from system.clock import Clock

ASKED_FOR = timedelta(minutes=3)


class Matter(StrEnum):
    """What can be asked."""

    ERASE = "erase"
    KEEP_FEWER = "keep_fewer"


# Twenty seconds, so that nobody erases a household who meant to answer something else.
YES_TO = {Matter.ERASE: Press.ERASE, Matter.KEEP_FEWER: Press.YES}
_WITHOUT_PANEL = {
    Matter.ERASE: (
        "This chip has no panel with a button and a home light; stop it and type "
        "`volet edge erase` there."
    ),
    Matter.KEEP_FEWER: (
        "Keeping fewer months deletes quarter-hours for good, which a button at the chip confirms, "
        "and this chip has no panel with a button and a home light; type `volet edge curve --keep "
        "MONTHS` there."
    ),
}


class PanelQuestion(NamedTuple):
    """A question that stands until then; each has an id of its own.

    `months`: of the curve that are to stay, where it is about that.
    """

    id: str
    matter: Matter
    until: datetime
    months: int = 0


class PanelQuestions:
    """The question that stands in one chip, if one does, for its page and its panel in any thread."""

    def __init__(self, clock: Clock, *, has_panel: bool = False) -> None:
        """Without a panel that has button and home light, nothing can be asked."""
        self.has_panel = has_panel
        self._clock = clock
        self._lock = threading.Lock()
        self._question: PanelQuestion | None = None
        self._ends_at_s = 0.0

    def check_can_ask(self, matter: Matter) -> None:
        """Check that somebody can answer.

        Raises:
            DocumentRefused: there is no button, or no light that shows a question.
        """
        if not self.has_panel:
            raise DocumentRefused(_WITHOUT_PANEL[matter])

    def ask(self, matter: Matter, *, months: int = 0) -> PanelQuestion:
        """Ask; a question that stood is replaced.

        Raises:
            DocumentRefused: nobody could answer.
        """
        self.check_can_ask(matter)
        with self._lock:
            until = self._clock.now() + ASKED_FOR
            self._question = PanelQuestion(secrets.token_hex(16), matter, until, months)
            self._ends_at_s = self._clock.monotonic_s() + ASKED_FOR.total_seconds()
            return self._question

    def standing(self) -> PanelQuestion | None:
        """Return the question that stands."""
        with self._lock:
            return self._standing()

    def standing_about(self, matter: Matter) -> PanelQuestion | None:
        """Return the question that stands if it is about `matter`."""
        question = self.standing()
        return question if question is not None and question.matter is matter else None

    def take(self, question: PanelQuestion) -> bool:
        """End a question by a yes; return whether it still stood."""
        with self._lock:
            is_standing = self._standing() == question
            if is_standing:
                self._question = None
            return is_standing

    def _standing(self) -> PanelQuestion | None:
        return self._question if self._clock.monotonic_s() < self._ends_at_s else None
