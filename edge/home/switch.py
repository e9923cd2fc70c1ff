"""Begins and ends the telling, as the household that lives here chooses; never waits.

A household that has left tells nothing any more: the meter counts for whoever came after it. The
broker is then asked to forget it, again and again until it does.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from edge.home.announcer import HomeAnnouncer
from edge.home.choice import CHOICE, lock_telling
from edge.metering.state import Account
from edge.tic.frame import Frame
from protocol.errors import ConfigError, VoletError
from protocol.ids import HouseholdKeyId
from system.clock import Clock
from system.conditions import Repeated

LOOKS_EVERY_S = 1.0
FORGETS_EVERY_S = 600.0

log = structlog.get_logger()


class HomeSwitch:
    """Tells the smart home of one household, or not."""

    def __init__(
        self,
        directory: Path,
        household: HouseholdKeyId,
        open_announcer: Callable[[], HomeAnnouncer],
        forget: Callable[[], int],
        clock: Clock,
    ) -> None:
        """Speak for `household`, the one of the chip in `directory`.

        `open_announcer` raises ConfigError where the broker is not the home's own; `forget` is called
        in a thread, and raises VoletError where the broker cannot forget now.
        """
        self._directory = directory
        self._household = household
        self._open = open_announcer
        self._forget = forget
        self._clock = clock
        self._choice = CHOICE.watched(directory)
        self._announcer: HomeAnnouncer | None = None
        self._lock: int | None = None
        # A broker that was refused is not tried again before the household chooses once more.
        self._was_wanted = False
        self._looks_at_s = self._forgets_at_s = float("-inf")
        self._forgetting: threading.Thread | None = None
        self._repeated = Repeated(clock.monotonic_s)

    def step(self, frame: Frame | None, account: Account | None, *, has_left: bool) -> None:
        """Begin or end if the household has chosen so or has left, and tell what is new."""
        try:
            self._step(account, has_left=has_left)
        except Exception as exc:  # noqa: BLE001 - a full disk must not end metering
            if times := self._repeated.found("switch", type(exc).__name__):
                log.warning("home_failed", why=type(exc).__name__, times=times)
        if self._announcer is not None:
            self._announcer.step(frame, account)

    def stop(self) -> None:
        """Say that the chip is away."""
        if self._announcer is not None:
            self._announcer.stop()
        self._let_go()

    def _step(self, account: Account | None, *, has_left: bool) -> None:
        now_s = self._clock.monotonic_s()
        if now_s < self._looks_at_s:
            return
        self._looks_at_s = now_s + LOOKS_EVERY_S
        choice = self._choice()
        is_wanted = choice is not None and choice.household == self._household and not has_left
        if self._announcer is not None:
            if not is_wanted:
                self._announcer.end()
            if self._announcer.is_over:
                self._let_go()
        elif is_wanted and not self._was_wanted:
            self._begin(account)
            return
        self._was_wanted = is_wanted
        if has_left and self._announcer is None and now_s >= self._forgets_at_s:
            self._forgets_at_s = now_s + FORGETS_EVERY_S
            self._begin_to_forget()

    def _begin(self, account: Account | None) -> None:
        """Begin to tell, unless a command is at it; then the next look tries again."""
        self._lock = lock_telling(self._directory)
        if self._lock is None:
            return
        self._was_wanted = True
        try:
            announcer = self._open()
            announcer.start(account)
            self._announcer = announcer
        except ConfigError as exc:
            log.warning("home_refused", why=str(exc))
        finally:
            if self._announcer is None:
                self._let_go()

    def _let_go(self) -> None:
        self._announcer = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _begin_to_forget(self) -> None:
        if self._forgetting is not None and self._forgetting.is_alive():
            return
        self._forgetting = threading.Thread(
            target=self._forget_told, name="home-forget", daemon=True
        )
        self._forgetting.start()

    def _forget_told(self) -> None:
        try:
            lock = lock_telling(self._directory)
            if lock is None:
                return
            try:
                count = self._forget()
            finally:
                os.close(lock)
        except VoletError as exc:
            if times := self._repeated.found("forget", str(exc)):
                log.warning("home_not_forgotten", why=str(exc), times=times)
            return
        if count:
            log.info("home_forgotten", topics=count)
