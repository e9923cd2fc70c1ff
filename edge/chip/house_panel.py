"""The panel in one chip's home: shows what the chip knows, and does what a press asks for.

It works from the first run on. An enrolled chip has more to tell (`EnrolledHome`).
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from edge.bills.release_token import release_receipts
from edge.bills.signed_off import asks_for_release
from edge.household.pairing import Knock, PairingWindow
from edge.household.panel_questions import YES_TO, Matter, PanelQuestion, PanelQuestions
from edge.household.visitors import VisitorRole
from edge.moving.erasing import order_erasure
from edge.mqtt.message import Absence
from edge.status.lights import Facts, Light, Press, counted, counting_s, rhythms
from edge.status.news import News, look, news
from edge.status.panel import Panel
from edge.status.presence import SessionState
from edge.status.report import Advice, ChipReport
from edge.vault.kept_curve import KeptCurve, save_kept_curve
from edge.vault.reader import read_vault
from protocol.calendar import PARIS
from protocol.ids import HouseholdKeyId
from system.clock import Clock
from system.conditions import Repeated

# The vault is read that often at most; a person at the panel waits no longer for its lights.
LOOKS_EVERY_S = 10.0
# A city that is away for less is no fault of anybody's.
AWAY_S = 86_400.0
NIGHT = (22, 7)
_REFUSED = frozenset({Absence.CERTIFICATE, Absence.REVOKED, Absence.REFUSED, Absence.DOUBLE})

log = structlog.get_logger()


class _Asked(StrEnum):
    """What a press would answer where no visitor waits."""

    VISITOR = "visitor"
    RELEASE = "release"
    NEWS = "news"


# Of a visitor who waits, the knock's id.
_Answerable = _Asked | PanelQuestion | str


class Told(NamedTuple):
    """What an enrolled chip tells: the facts but for line and visitors, and whether receipts wait."""

    facts: Facts = Facts()
    are_receipts_held: bool = False


class EnrolledHome:
    """What the panel of an enrolled chip tells, and what a press does there, but for visitors."""

    def __init__(
        self,
        directory: Path,
        household: HouseholdKeyId,
        questions: PanelQuestions,
        report: Callable[[], ChipReport],
        now: Callable[[], datetime],
    ) -> None:
        """Tell what `report` says of the chip in `directory`, and what the page asks."""
        self.questions = questions
        self._directory = directory
        self._household = household
        self._report = report
        self._now = now

    def look(self) -> Told:
        """Read what the lights tell; it may raise whatever a damaged vault raises."""
        report, now = self._report(), self._now()
        with read_vault(self._directory) as vault:
            are_receipts_held = asks_for_release(vault)
            has_come = news(vault, self._directory, now)
        session = None if report.presence is None else report.presence.session
        facts = Facts(
            is_connected=session is not None and session.is_up,
            is_sending=report.outbox_depth > 0,
            is_refused=session is not None and session.why in _REFUSED,
            needs_attention=bool({*report.advice} - {Advice.NETWORK}) or _is_away(session, now),
            is_on_trial=report.software is not None and report.software.is_on_trial,
            has_news=bool(has_come),
        )
        return Told(facts, are_receipts_held)

    def say_yes(self, question: PanelQuestion) -> None:
        """Do what the page has asked, if it still does: erase the household, or keep fewer months.

        What fails, as on a full disk, is asked on: a light that went out would say that it is done.
        """
        if self.questions.standing() != question:
            return
        if question.matter is Matter.KEEP_FEWER:
            save_kept_curve(self._directory, KeptCurve(question.months))
            log.info("kept_curve_shortened", months=question.months)
        else:
            order_erasure(self._directory, self._household)
            log.info("erasure_ordered")
        self.questions.take(question)

    def release(self) -> None:
        """Let receipts that are held back leave again."""
        release_receipts(self._directory)
        log.info("receipts_released")

    def note_looked(self) -> None:
        """Note that the household has noticed what has come."""
        with read_vault(self._directory) as vault:
            look(vault, self._directory, self._now(), *News)


class HousePanel:
    """Steps a panel; it never stops metering, and waits for nothing."""

    def __init__(
        self,
        panel: Panel,
        window: PairingWindow,
        clock: Clock,
        home: EnrolledHome | None = None,
        *,
        is_quiet: bool,
    ) -> None:
        """Show line and visitors, and what `home` tells once there is one; dark at night if `is_quiet`."""
        self._panel = panel
        self._window = window
        self._clock = clock
        self._home = home
        self._is_quiet = is_quiet
        self._told = Told()
        # A press answers what the light asked before the hand came, and nothing that came since.
        self._asked: _Answerable = _Asked.NEWS
        self._asked_since_s = float("-inf")
        self._meant: _Answerable | None = None
        self._repeated = Repeated(clock.monotonic_s)
        # The line's own light needs no look into the vault.
        self._looks_at_s = float("-inf") if _tells_more(panel) else float("inf")

    def step(self, *, is_line_good: bool) -> None:
        """Show the present state, and carry out a press that has come."""
        try:
            self._step(is_line_good=is_line_good)
        except Exception as exc:  # noqa: BLE001 - a full disk or a lost pin must not end metering
            if times := self._repeated.found("step", type(exc).__name__):
                log.warning("panel_failed", why=type(exc).__name__, times=times)

    def _step(self, *, is_line_good: bool) -> None:
        now_s = self._clock.monotonic_s()
        if now_s >= self._looks_at_s:
            self._looks_at_s = now_s + LOOKS_EVERY_S
            self._look()
        pairing, knock = self._window.seen()
        question = None if self._home is None else self._home.questions.standing()
        number = None if knock is None else knock.number
        facts = msgspec.structs.replace(
            self._told.facts,
            is_line_good=is_line_good,
            is_asking=pairing.is_open or question is not None or self._told.are_receipts_held,
            number=number,
        )
        is_night = self._is_quiet and is_at_night(self._clock.now())
        self._panel.show(rhythms(facts, is_night=is_night), now_s)
        asked = self._asks(knock, question, is_open=pairing.is_open)
        if asked != self._asked:
            self._asked, self._asked_since_s = asked, now_s
        meant, press = self._meant, self._panel.press()
        if not self._panel.is_held:
            count_s = 0.0 if number is None else counting_s(counted(number))
            self._meant = asked if now_s - self._asked_since_s >= count_s else None
        if press is not None:
            self._looks_at_s = now_s
            self._carry_out(press, meant, asked if asked == meant else None)

    def _asks(
        self, knock: Knock | None, question: PanelQuestion | None, *, is_open: bool
    ) -> _Answerable:
        """Return what a press would answer."""
        if knock is not None:
            return knock.id
        if question is not None:
            return question
        if is_open:
            return _Asked.VISITOR
        return _Asked.RELEASE if self._told.are_receipts_held else _Asked.NEWS

    def _carry_out(
        self, press: Press, meant: _Answerable | None, answered: _Answerable | None
    ) -> None:
        """Do what a press asks for; a yes answers `answered`, None if nothing is meant by it.

        `meant` is what the hand came for.
        """
        if press is Press.PAIR:
            if not isinstance(meant, PanelQuestion):  # for that, the hold goes on
                self._window.open(VisitorRole.OWNER)
                log.info("pairing_opened", by="button")
            return
        needed = YES_TO[answered.matter] if isinstance(answered, PanelQuestion) else Press.YES
        if press is not needed or answered is None or answered is _Asked.VISITOR:
            log.info("press_not_meant")
        elif isinstance(answered, str) and not isinstance(answered, _Asked):
            if self._window.let_in(answered):
                log.info("visitor_let_in")
        elif self._home is not None:
            _answer(self._home, answered)

    def _look(self) -> None:
        """Read what the lights tell, but for line and visitors."""
        if self._home is None:
            return
        try:
            self._told = self._home.look()
        except Exception as exc:  # noqa: BLE001 - whatever it is, the light says so
            if times := self._repeated.found("panel", type(exc).__name__):
                log.warning("panel_cannot_tell", why=type(exc).__name__, times=times)
            self._told = Told(Facts(needs_attention=True))


def _answer(home: EnrolledHome, answered: _Asked | PanelQuestion) -> None:
    if isinstance(answered, PanelQuestion):
        home.say_yes(answered)
    elif answered is _Asked.RELEASE:
        home.release()
    else:
        home.note_looked()


def _tells_more(panel: Panel) -> bool:
    return panel.has_button or any(light is not Light.LINE for light in panel.lights)


def is_at_night(now: datetime) -> bool:
    """Return whether it is night at home, by legal time."""
    begin, end = NIGHT
    hour = now.astimezone(PARIS).hour
    return hour >= begin or hour < end


def _is_away(session: SessionState | None, now: datetime) -> bool:
    if session is None or session.is_up:
        return False
    return (now - session.since).total_seconds() >= AWAY_S
