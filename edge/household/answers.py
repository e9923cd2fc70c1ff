"""Finds the answer to each request of the page, by what the chip's directory holds."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from edge.area.settings import AreaConfig, load_choices
from edge.household.messages import (
    Answer,
    AskLive,
    AskPairing,
    AskShared,
    AskState,
    AskToday,
    Live,
    NotDone,
    Pair,
    Paired,
    Question,
)
from edge.household.pairing import PairingWindow
from edge.household.shared import shared
from edge.household.state import state
from edge.household.today import today
from edge.language.choice import Lang
from edge.language.french.looking_up import sentence_in
from edge.metering.unconfirmed import Unconfirmed
from edge.status.live import LiveValues
from edge.status.report import ChipReport, report
from edge.vault.reader import read_vault
from protocol.calendar import legal_day
from protocol.errors import VoletError

# Values older than this are of a line that has fallen silent.
LIVE_FOR_S = 10.0


class Answers:
    """Answers for the chip in one directory, whose running parts are asked by functions."""

    def __init__(
        self,
        directory: Path,
        area: AreaConfig,
        now: Callable[[], datetime],
        live: Callable[[], LiveValues],
        confirmed: Callable[[], Unconfirmed | None],
        *,
        is_real_line_called_simulated: bool = False,
    ) -> None:
        """Read `directory` at each request; `live` and `confirmed` are those of the chip."""
        self._directory = directory
        self._area = area
        self._now = now
        self._live = live
        self._confirmed = confirmed
        self._is_called_simulated = is_real_line_called_simulated
        self._window = PairingWindow(directory, now)

    def answer(self, request: Question) -> Answer:
        """Return the answer; what cannot be done is `NotDone`, in the household's language."""
        lang = request.lang
        try:
            return self._answer(request, lang)
        except VoletError as exc:
            return NotDone(sentence_in(lang, str(exc)))

    def _answer(self, request: Question, lang: Lang) -> Answer:
        now = self._now()
        match request:
            case AskToday():
                with read_vault(self._directory) as vault:
                    return today(vault, self._report(now), now, lang)
            case AskShared(day=day):
                choices = load_choices(self._directory)
                with read_vault(self._directory) as vault:
                    return shared(vault, choices, self._area, day, legal_day(now), lang)
            case AskState():
                return state(self._report(now), now, lang)
            case AskLive():
                return self._latest(now)
            case AskPairing():
                return self._window.state()
            case Pair(code=code):
                return Paired(self._window.admit(code))

    def _report(self, now: datetime) -> ChipReport:
        return report(
            self._directory,
            self._area,
            now,
            self._confirmed(),
            is_real_line_called_simulated=self._is_called_simulated,
        )

    def _latest(self, now: datetime) -> Live:
        live = self._live()
        is_good = live.at is not None and (now - live.at).total_seconds() <= LIVE_FOR_S
        return Live(live.at, live.drawn_va, live.injected_va, live.register, is_line_good=is_good)
