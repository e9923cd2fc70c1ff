"""The real chip of a household, with its vault on a card that may be lost, and its cloud."""

import shutil
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec

from edge.chip.chip import Chip, ChipSettings
from edge.chip.confirming import Confirmation, leave_confirmation
from edge.identity.enrolment import signer_of
from edge.metering.events import DayClosed, Event, Notice, NoticeKind, QuarterHourClosed
from edge.metering.unconfirmed import quarantine_in
from edge.mqtt.message import Connected, Publish, Published
from edge.mqtt.outbox import OutboxSettings
from edge.vault.rows import QuarterHour
from edge.vault.vault import Vault
from protocol.calendar import QUARTER_HOUR, quarter_hour_start
from protocol.messages import Block
from protocol.topics import Kind, parse_device_topic
from tests.support.chip_bench import PLATFORM_KEY, make_identity
from tests.support.chip_cloud import FakeCloud, opened
from tests.support.true_clocks import HostClock

FIRST, LAST = date(2020, 1, 1), date(2040, 1, 1)
CLOCKS_MAY_DIFFER = timedelta(minutes=10)
QUARTER_HOUR_MAX_WH = 9_000
SETTINGS = ChipSettings(outbox=OutboxSettings(backlog_per_s=1_000.0, backlog_window=64))
_IDENTITY = make_identity()


class Wrong(AssertionError):
    """The chip did something forbidden."""


class MeteredChip:
    """One chip after another on one card; everything that they close is checked.

    Attributes:
        may_close_to: the wrong time up to which a chip may close because it had to believe it.
        is_wrong: whether a chip did something forbidden.
    """

    def __init__(
        self,
        directory: Path,
        clock: HostClock,
        note: Callable[[NoticeKind], None],
        note_closed: Callable[[date], None],
        keep: Callable[[], None],
    ) -> None:
        """Start a chip.

        `note` is called for each notice, `note_closed` for each closed day, `keep` after each
        commit.
        """
        self.directory = directory / "chip"
        self.image = directory / "image"
        self.clock = clock
        self.may_close_to = clock.at
        self.is_wrong = False
        self._note, self._note_closed, self._keep = note, note_closed, keep
        self._cloud = FakeCloud(_IDENTITY, PLATFORM_KEY)
        self._closings: defaultdict[date, list[DayClosed]] = defaultdict(list)
        self._closed_days: set[date] = set()
        self._carried: dict[tuple[bytes, int, int], int] = {}
        self.directory.mkdir()
        self.start()

    def start(self) -> None:
        """Start a process on the card."""
        self.vault = Vault.open(self.directory, signer_of(_IDENTITY))
        self._watch_vault()
        settings = replace(SETTINGS, confirmation=Confirmation(self.directory))
        self.chip = Chip(_IDENTITY, self.vault, self.clock, settings)
        self.chip.take(Connected())

    def kill(self) -> None:
        """End the process without warning."""
        self.vault.close()

    def feed(self, data: bytes) -> None:
        """Feed bytes from the line."""
        self.chip.feed(data, self.clock.host_time())

    def pump(self) -> None:
        """Carry messages between chip and cloud until none are left."""
        for _ in range(40):
            outgoing = self.chip.outgoing()
            if not outgoing:
                return
            for publish in outgoing:
                self._watch_publish(publish)
                self.chip.take(Published(publish, has_subscribers=True))
                for message in self._cloud.take(publish):
                    self.chip.take(message)

    def take_image(self) -> None:
        """Copy the card."""
        if self.image.exists():
            shutil.rmtree(self.image)
        shutil.copytree(self.directory, self.image)

    def lose(self, *, for_image: bool) -> None:
        """Lose the card, and replace it by an empty one or by an earlier copy."""
        self.kill()
        shutil.rmtree(self.directory)
        if for_image:
            shutil.copytree(self.image, self.directory)
        else:
            self.directory.mkdir()
        self._closed_days.clear()
        self.start()
        self.pump()

    def close(self) -> None:
        """End the process and discard the card."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.rmtree(self.image, ignore_errors=True)

    # Observations.

    @property
    def is_meter_set_aside(self) -> bool:
        """Return whether the meter on the line is one that the chip has set aside."""
        return self.chip._meter is not None and self.chip._meter.state.other is not None

    @property
    def is_index_quarantined(self) -> bool:
        """Return whether the chip waits for a person to confirm an index."""
        return self.chip._meter is not None and self.chip._meter.state.quarantined is not None

    @property
    def reached(self) -> datetime | None:
        """The end of the last closed quarter-hour that no gap precedes."""
        last = self.vault.values.find_restore_point()
        return None if last is None else quarter_hour_start(last.day, last.j) + QUARTER_HOUR

    def confirm(self, serial: str) -> None:
        """Confirm what the chip asks about the meter `serial`."""
        meter = self.chip._meter
        asked = quarantine_in(meter.state)
        if asked is not None:
            leave_confirmation(self.directory, asked)
        if self.is_meter_set_aside and meter.state.other.serial == serial:
            self.vault.record(meter.confirm_meter(), meter.state)

    def intervals(self) -> list[QuarterHour]:
        """Return the complete curve."""
        return self.vault.values.intervals(FIRST, LAST)

    def days(self) -> list[DayClosed]:
        """Return the closed days; days restored from the cloud get their names and parts back."""
        return [self._named(closed) for closed, _ in self.vault.values.days(FIRST, LAST)]

    def check_cloud(self) -> None:
        """Compare the cloud's values with the vault."""
        values = opened(self._cloud, _IDENTITY)
        for interval in self.intervals():
            if values.get((interval.day, interval.j)) != interval.energy_wh:
                raise self.wrong(
                    f"the cloud and the chip differ about {interval.day}, {interval.j}"
                )

    def wrong(self, what: str) -> Wrong:
        """Return an error that names what the chip did."""
        self.is_wrong = True
        return Wrong(what)

    # Inside.

    def _watch_vault(self) -> None:
        record, reopen = self.vault.record, self.vault.reopen

        def watch_recording(events, state, contribute=None):
            for event in events:
                self._watch(event)
            keys = record(events, state, contribute)
            self._keep()
            return keys

        def watch_reopening(*given):
            keys = reopen(*given)
            self._closed_days = {closed.day for closed, _ in self.vault.values.days(FIRST, LAST)}
            return keys

        self.vault.record, self.vault.reopen = watch_recording, watch_reopening

    def _watch(self, event: Event) -> None:
        """Check each event against the rules that always apply."""
        if isinstance(event, Notice):
            self._note(event.kind)
        elif isinstance(event, QuarterHourClosed):
            end = quarter_hour_start(event.day, event.j) + QUARTER_HOUR
            if end > max(self.clock.at, self.may_close_to) + CLOCKS_MAY_DIFFER:
                raise self.wrong(f"{event.day}, {event.j} closes at {self.clock.at}")
            if not 0 <= event.energy_wh <= QUARTER_HOUR_MAX_WH:
                raise self.wrong(f"a quarter-hour of {event.energy_wh} Wh")
        else:
            if event.day in self._closed_days:
                raise self.wrong(f"{event.day} closes twice")
            self._closed_days.add(event.day)
            self._note_closed(event.day)
            self._closings[event.day].append(event)

    def _watch_publish(self, publish: Publish) -> None:
        """Check for every block that leaves that a coefficient never carries two values."""
        if parse_device_topic(publish.topic).kind is not Kind.BLOCK:
            return
        block = msgspec.msgpack.decode(msgspec.msgpack.decode(publish.payload)[1], type=Block)
        for j, value in enumerate(block.values().tolist(), block.j0):
            if self._carried.setdefault((block.incarnation, block.day, j), value) != value:
                raise self.wrong(f"a coefficient of day {block.day} has two values")

    def _named(self, stored: DayClosed) -> DayClosed:
        for closed in self._closings[stored.day]:
            if closed.register_steps_kwh == stored.register_steps_kwh:
                return closed
        return stored
