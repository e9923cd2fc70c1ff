"""Lets visitors of the page in, and passes on what those may ask whom this household let in."""

from collections.abc import Callable
from typing import Any

from edge.household.messages import Answer
from edge.household.pairing import PairingWindow
from edge.household.requests import (
    FOR_VIEWERS,
    AskPairing,
    AskToEnter,
    AskWhetherLetIn,
    Pair,
    Question,
)
from edge.household.shown import FormerHouseholds, Knocked, Paired, not_done
from edge.household.visitors import HouseholdName, VisitorRole, household_name
from edge.language.french.looking_up import sentence_in
from protocol.errors import DocumentRefused, VoletError
from protocol.ids import HouseholdKeyId


class Entrance:
    """What every chip asks of a visitor first, whether it is enrolled or not."""

    def __init__(self, household: Callable[[], HouseholdKeyId], window: PairingWindow) -> None:
        """Know visitors of the present `household`, and let others in through `window`."""
        self._key = household
        self._window = window
        self._open: dict[type[Question], Callable[[Any], Answer]] = {
            AskPairing: lambda _: self._window.state(),
            Pair: lambda asked: Paired(self._window.admit(asked.code), self._household()),
            AskToEnter: lambda _: self._window.knock(),
            AskWhetherLetIn: self._let_in,
        }

    def answer(self, request: Question, find: Callable[[Question], Answer]) -> Answer:
        """Return the answer, which `find` finds for visitors of the household.

        What cannot be done is `NotDone`.
        """
        try:
            if (open_to_all := self._open.get(type(request))) is not None:
                return open_to_all(request)
            if request.household != self._household():
                return FormerHouseholds()
            if request.role is not VisitorRole.OWNER and type(request) not in FOR_VIEWERS:
                raise DocumentRefused("This is for visitors who may see everything.")
            return find(request)
        except VoletError as exc:
            why = str(exc)
            return not_done(lambda lang: sentence_in(lang, why))

    def _household(self) -> HouseholdName:
        return household_name(self._key())

    def _let_in(self, asked: AskWhetherLetIn) -> Answer:
        found = self._window.admit_by_button(asked.knock)
        return found if isinstance(found, Knocked) else Paired(found, self._household())
