"""Asks at the panel whether a household that has left is to be erased."""

from pathlib import Path

import msgspec

from edge.household.panel_questions import Matter, PanelQuestions
from edge.household.requests import EraseHousehold
from edge.household.shown import Done, Feasible, Moving, MovingStep, done
from edge.language.numbers import time_text
from edge.language.typography import bilingual
from edge.moving.erasing import check_has_left

_ASKED = bilingual(
    fr=(
        "Le boîtier attend jusqu'au {until}. Tenez son bouton vingt secondes : le foyer est alors "
        "effacé et le boîtier redémarre, prêt pour le suivant. Sans cela, rien ne se passe."
    ),
    en=(
        "The chip waits until {until}. Hold its button for twenty seconds: then the household is "
        "erased, and the chip starts anew, ready for the next one. Otherwise nothing happens."
    ),
)


class Erasing:
    """The question of the chip in one directory."""

    def __init__(self, directory: Path, questions: PanelQuestions) -> None:
        self._directory = directory
        self._questions = questions

    def shown_in(self, moving: Moving) -> Moving:
        """Return the answer with whether the panel can be asked, and is."""
        has_left, question = moving.step in (MovingStep.LEFT, MovingStep.TAKEN), None
        if has_left:
            question = self._questions.standing_about(Matter.ERASE)
        return msgspec.structs.replace(
            moving,
            can_erase=has_left and self._questions.has_panel,
            asked_until=None if question is None else question.until,
        )

    def ask(self, asked: EraseHousehold) -> Done | Feasible:
        """Ask at the panel whether the household is to be erased.

        Raises:
            VoletError: it has not left, its keys are not here, or there is no panel.
        """
        check_has_left(self._directory)
        self._questions.check_can_ask(Matter.ERASE)
        if asked.is_trial:
            return Feasible(is_at_panel=True)
        question = self._questions.ask(Matter.ERASE)
        return done(
            lambda lang: _ASKED[lang].format(until=time_text(question.until, lang)),
            is_at_panel=True,
        )
