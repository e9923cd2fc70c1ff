"""Tells the smart home what the chip knows, when it is new; never waits, and never stops metering."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from edge.bills.verifier import read_judgement
from edge.home.entities import Topic
from edge.home.link import HomeLink
from edge.home.record import write_record
from edge.home.settings import HomeConfig
from edge.home.states import (
    QUARTERS_AN_HOUR,
    Value,
    health_values,
    is_of,
    last_bill_values,
    privacy_values,
)
from edge.home.telling import HomeMessage, HomeTelling
from edge.metering.reading import Reading
from edge.metering.state import Account
from edge.status.report import ChipReport
from edge.tic.frame import Frame
from edge.vault.reader import VaultReader, read_vault
from protocol.calendar import legal_day
from protocol.contract import Offer
from system.clock import Clock
from system.conditions import Repeated

LIVE_EVERY_S = 5.0
SLOW_EVERY_S = 60.0
# As the vault is written; a card wears.
KEPT_EVERY_S = 900.0
ONE_DAY = timedelta(days=1)

log = structlog.get_logger()


class HomeAnnouncer:
    """Speaks for one chip to its smart home."""

    def __init__(
        self,
        directory: Path,
        telling: HomeTelling,
        link: HomeLink,
        clock: Clock,
        look: Callable[[datetime], dict[Topic, dict[str, Value]]],
        offer: Offer | None,
    ) -> None:
        """Send over `link` what `telling` makes of the chip in `directory`, and of what `look` sees.

        `offer` is the one that the household's contract takes.
        """
        self._directory = directory
        self._telling = telling
        self._link = link
        self._clock = clock
        self._look = look
        self._offer = offer
        self._has_ended = False
        self._stored: Reading | None = None
        self._frame: Frame | None = None
        self._live_at_s = self._slow_at_s = float("-inf")
        self._kept, self._kept_at_s = telling.record, clock.monotonic_s()
        self._repeated = Repeated(clock.monotonic_s)

    def start(self, account: Account | None) -> None:
        """Begin beside an account as it was stored."""
        self._stored = None if account is None else account.last
        self._send(self._telling.announce())
        self._link.start()

    def step(self, frame: Frame | None, account: Account | None) -> None:
        """Tell what is new in the latest frame, and in the chip; nothing after the end."""
        if self._has_ended:
            return
        self._guarded(lambda: self._step(frame, account))

    def end(self) -> None:
        """Begin to end; does not wait."""
        self._has_ended = True
        self._guarded(self._keep)
        self._link.end()

    @property
    def is_over(self) -> bool:
        """Whether nothing is told any more."""
        return self._has_ended and self._link.is_over

    def stop(self) -> None:
        """Say that the chip is away."""
        self._guarded(self._keep)
        self._link.stop()

    def _guarded(self, do: Callable[[], None]) -> None:
        try:
            do()
        except Exception as exc:  # noqa: BLE001 - a full disk must not end metering
            if times := self._repeated.found("step", type(exc).__name__):
                log.warning("home_failed", why=type(exc).__name__, times=times)

    def _step(self, frame: Frame | None, account: Account | None) -> None:
        now_s = self._clock.monotonic_s()
        if now_s >= self._slow_at_s:
            self._slow_at_s = now_s + SLOW_EVERY_S
            self._send(self._telling.chip(self._look(self._clock.now())))
        if frame is not None and frame is not self._frame and now_s >= self._live_at_s:
            self._live_at_s, self._frame = now_s + LIVE_EVERY_S, frame
            self._tell(frame, account)
        record = self._telling.record
        is_new = (record.entities, record.topics) != (self._kept.entities, self._kept.topics)
        if is_new or (record != self._kept and now_s - self._kept_at_s >= KEPT_EVERY_S):
            self._keep()

    def _tell(self, frame: Frame, account: Account | None) -> None:
        """Tell what a frame shows; another meter's, or one before metering has begun, is no news."""
        if account is None or not is_of(frame, account):
            return
        is_read = account.last is not self._stored
        now = self._clock.now()
        self._send(self._telling.meter(frame, account, self._offer, now, is_read=is_read))

    def _send(self, messages: Iterable[HomeMessage]) -> None:
        for message in messages:
            self._link.tell(message.topic, message.payload, is_retained=message.is_retained)

    def _keep(self) -> None:
        record = self._telling.record
        self._kept_at_s = self._clock.monotonic_s()
        if record != self._kept:
            write_record(self._directory, record)
            self._kept = record


def look_at_chip(
    directory: Path, config: HomeConfig, report: ChipReport, now: datetime
) -> dict[Topic, dict[str, Value]]:
    """Return what the chip itself has to tell: its report, the last quarter-hour, and the last bill.

    Raises:
        StoreError: the vault is damaged.
    """
    with read_vault(directory) as vault:
        values: dict[Topic, dict[str, Value]] = {
            Topic.HEALTH: health_values(report),
            Topic.PRIVACY: privacy_values(report),
            Topic.METER: {"mean_power": _mean_power_w(vault, now)},
            Topic.BILL: _last_bill(vault) if config.last_bill else {},
        }
    return values


def _mean_power_w(vault: VaultReader, now: datetime) -> int | None:
    day = legal_day(now)
    known = vault.values.intervals(day - ONE_DAY, day + ONE_DAY)
    return known[-1].energy_wh * QUARTERS_AN_HOUR if known else None


def _last_bill(vault: VaultReader) -> dict[str, Value]:
    judged = [
        judgement for row in vault.statements() if (judgement := read_judgement(row)) is not None
    ]
    return last_bill_values(judged)
