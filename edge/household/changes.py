"""Changes that the household makes on its page, each as its command does it.

One that is only tried is refused for the same reasons, with the same sentences.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from edge.area.report import participation
from edge.area.settings import AreaConfig, cap_year, change_choices, check_cap, load_choices
from edge.area.words import PROFILE_WORDS, participation_on_page, profile_rows
from edge.household.curve import kept_now, own_curve
from edge.household.panel_questions import Matter, PanelQuestions
from edge.household.requests import (
    AskForQuotes,
    CapYear,
    KeepCurve,
    RepeatLine,
    SetProfile,
    TakePart,
)
from edge.household.shown import Done, Feasible, done
from edge.language.choice import Lang
from edge.language.numbers import time_text
from edge.language.typography import bilingual
from edge.moving.repeating import check_lives_here, repeat_line
from edge.quotes.asking import leave_order
from edge.quotes.words import ASKED
from edge.status.repeater import repeater_in, repeater_text
from edge.tic.repeater.choice import turn_off
from edge.vault.kept_curve import LENGTHS_MONTHS, KeptCurve, save_kept_curve
from edge.vault.reader import read_vault
from protocol.calendar import day_number, legal_day
from protocol.errors import DocumentRefused
from protocol.socio import Profile, check_profile

_FEWER_ASKED = bilingual(
    fr=(
        "Le boîtier attend jusqu'au {until}. Tenez son bouton trois secondes : il gardera alors {months} "
        "mois, et supprimera le reste à la fin de la journée. Sans cela, rien ne change."
    ),
    en=(
        "The chip waits until {until}. Hold its button for three seconds: then it keeps {months} months, "
        "and deletes the rest at the end of the day. Otherwise nothing changes."
    ),
)


class Changes:
    """The changes of the chip in one directory."""

    def __init__(
        self,
        directory: Path,
        area: AreaConfig,
        now: Callable[[], datetime],
        questions: PanelQuestions,
    ) -> None:
        """Change what `directory` holds; `questions` are asked about what cannot be undone."""
        self._directory = directory
        self._area = area
        self._now = now
        self._questions = questions

    def take_part(self, asked: TakePart) -> Done | Feasible:
        """Take part in the neighbourhood's figures, or no longer."""
        if asked.is_trial:
            return Feasible()
        change_choices(self._directory, is_on=asked.is_on)
        return done(self._participation)

    def set_profile(self, asked: SetProfile) -> Done | Feasible:
        """Store who lives here, or forget it.

        Raises:
            DocumentRefused: nobody, or more persons than a household has.
        """
        profile = None if asked.ages is None else Profile(asked.ages, asked.employed)
        if profile is not None:
            check_profile(profile)
        if asked.is_trial:
            return Feasible()
        change_choices(self._directory, profile=profile)
        if profile is None:
            return done(lambda lang: PROFILE_WORDS[lang][0])
        return done(lambda lang: _who_lives_here(profile, lang))

    def cap_year(self, asked: CapYear) -> Done | Feasible:
        """Cap what a year may cost.

        Raises:
            DocumentRefused: the configuration allows less.
        """
        check_cap(self._area, asked.rho)
        if asked.is_trial:
            return Feasible()
        cap_year(self._directory, self._area, asked.rho)
        return done(self._participation)

    def ask_for_quotes(self, asked: AskForQuotes) -> Done | Feasible:
        """Order the question for quotes."""
        if asked.is_trial:
            return Feasible()
        order = leave_order(self._directory, self._now())
        return done(lambda lang: ASKED[lang].format(at=time_text(order.leaves_at, lang)))

    def keep_curve(self, asked: KeepCurve) -> Done | Feasible:
        """Keep the load curve for so many months; fewer than now only if the panel's button agrees.

        Raises:
            DocumentRefused: they are too few or too many, or there is no panel for fewer.
        """
        if asked.months not in LENGTHS_MONTHS:
            raise DocumentRefused(f"The chip cannot keep {asked.months} months; choose 1 to 12.")
        is_fewer = asked.months < kept_now(self._directory)[0].months
        if is_fewer:
            self._questions.check_can_ask(Matter.KEEP_FEWER)
        if asked.is_trial:
            return Feasible(is_at_panel=is_fewer)
        if is_fewer:
            question = self._questions.ask(Matter.KEEP_FEWER, months=asked.months)
            return done(
                lambda lang: _FEWER_ASKED[lang].format(
                    until=time_text(question.until, lang), months=asked.months
                ),
                is_at_panel=True,
            )
        save_kept_curve(self._directory, KeptCurve(asked.months))
        with read_vault(self._directory) as vault:
            return done(lambda lang: own_curve(vault, self._directory, lang).texts[0])

    def repeat_line(self, asked: RepeatLine) -> Done | Feasible:
        """Have the line repeated, never with the true numbers, or no longer.

        Raises:
            DocumentRefused: the household has left.
        """
        if asked.is_on:
            check_lives_here(self._directory)
        if asked.is_trial:
            return Feasible()
        if asked.is_on:
            repeat_line(self._directory, has_true_numbers=False)
        else:
            turn_off(self._directory)
        state = repeater_in(self._directory)
        return done(lambda lang: repeater_text(state, lang))

    def _participation(self, lang: Lang) -> str:
        today, choices = day_number(legal_day(self._now())), load_choices(self._directory)
        with read_vault(self._directory) as vault:
            ledger = vault.area.ledger(today)
        found = participation(ledger, choices, self._area, today)
        return participation_on_page(found, lang)


def _who_lives_here(profile: Profile, lang: Lang) -> str:
    return ", ".join(f"{label.strip()} {count}" for label, count in profile_rows(profile, lang))
