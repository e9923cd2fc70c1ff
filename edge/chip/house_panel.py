"""The panel in one chip's home: shows what the chip knows, and does what a press asks for."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from edge.bills.release_token import release_receipts
from edge.bills.signed_off import asks_for_release
from edge.household.messages import VisitorRole
from edge.household.pairing import PairingWindow, open_window
from edge.mqtt.message import Absence
from edge.panel.model import Facts, Light, Press, rhythms
from edge.panel.panel import Panel
from edge.status.news import News, look, news
from edge.status.presence import SessionState
from edge.status.report import Advice, ChipReport
from edge.vault.reader import read_vault
from protocol.calendar import PARIS
from protocol.errors import VoletError
from system.clock import Clock
from system.conditions import Repeated

# The vault is read that often at most; a person at the panel waits no longer for its lights.
LOOKS_EVERY_S = 10.0
# A city that is away for less is no fault of anybody's.
AWAY_S = 86_400.0
NIGHT = (22, 7)
_REFUSED = frozenset({Absence.CERTIFICATE, Absence.REVOKED, Absence.REFUSED, Absence.DOUBLE})

log = structlog.get_logger()


class HousePanel:
    """Steps a panel; it never stops metering, and waits for nothing."""

    def __init__(
        self,
        panel: Panel,
        directory: Path,
        report: Callable[[], ChipReport],
        window: PairingWindow,
        clock: Clock,
        *,
        is_quiet: bool,
    ) -> None:
        """Show what `report` says of the chip in `directory`; dark at night if `is_quiet`."""
        self._panel = panel
        self._directory = directory
        self._report = report
        self._window = window
        self._clock = clock
        self._is_quiet = is_quiet
        self._facts = Facts()
        self._asks_for_release = False
        self._repeated = Repeated(clock.monotonic_s)
        # The line's own light needs no look into the vault.
        self._looks_at_s = float("-inf") if _tells_more(panel) else float("inf")

    def step(self, *, is_line_good: bool) -> None:
        """Show the present state, and carry out a press that has come."""
        now_s = self._clock.monotonic_s()
        if now_s >= self._looks_at_s:
            self._looks_at_s = now_s + LOOKS_EVERY_S
            self._look(self._clock.now())
        facts = msgspec.structs.replace(
            self._facts, is_line_good=is_line_good, number=self._window.number()
        )
        is_night = self._is_quiet and is_at_night(self._clock.now())
        self._panel.show(rhythms(facts, is_night=is_night), now_s)
        press = self._panel.press()
        if press is not None:
            self._carry_out(press)
            self._looks_at_s = now_s

    def close(self) -> None:
        """Turn the lights off."""
        self._panel.close()

    def _carry_out(self, press: Press) -> None:
        now = self._clock.now()
        if press is Press.PAIR:
            open_window(self._directory, VisitorRole.OWNER, now)
            log.info("pairing_opened", by="button")
        elif self._window.let_in():
            log.info("visitor_let_in")
        elif self._asks_for_release:
            release_receipts(self._directory)
            log.info("receipts_released")
        else:
            with read_vault(self._directory) as vault:
                look(vault, self._directory, now, *News)

    def _look(self, now: datetime) -> None:
        """Read what the lights tell, but for the line."""
        try:
            report = self._report()
            with read_vault(self._directory) as vault:
                self._asks_for_release = asks_for_release(vault)
                has_come = news(vault, self._directory, now)
            pairing = self._window.state()
        except VoletError as exc:
            if times := self._repeated.found("panel", type(exc).__name__):
                log.warning("panel_cannot_tell", why=type(exc).__name__, times=times)
            self._facts = Facts(needs_attention=True)
            return
        session = None if report.presence is None else report.presence.session
        self._facts = Facts(
            is_connected=session is not None and session.is_up,
            is_sending=report.outbox_depth > 0,
            is_refused=session is not None and session.why in _REFUSED,
            needs_attention=bool({*report.advice} - {Advice.NETWORK}) or _is_away(session, now),
            has_news=bool(has_come),
            is_asking=pairing.is_open or self._asks_for_release,
        )


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
