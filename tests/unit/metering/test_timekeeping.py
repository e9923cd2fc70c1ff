"""Which clock times a reading, and that nothing closes while none is believed."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from edge.clock import HostTime
from edge.metering.events import DayClosed, Event, Notice, NoticeKind, QuarterHourClosed
from edge.metering.meter import Meter
from edge.metering.state import MeterState
from edge.tic.frame import Mode
from protocol.calendar import quarter_hour
from tests.unit.metering.test_meter import historique, standard

NOON = datetime(2025, 6, 10, 10, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (
    timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days")
)
POWER_W = 3_600  # a Wh a second
BASE_WH = 7_000_000


@dataclass
class Room:
    """A meter that draws evenly, a chip beside it, and what their clocks say of the true time."""

    mode: Mode = Mode.STANDARD
    at: datetime = NOON
    meter_off: timedelta = timedelta()
    host_off: timedelta = timedelta()
    is_degraded: bool = False
    is_synchronised: bool = True
    boot: str = "first"
    booted_at: datetime = NOON - HOUR
    meter: Meter = field(default_factory=Meter)
    events: list[Event] = field(default_factory=list)

    def drawn_wh(self) -> int:
        return (self.at - NOON) // SECOND

    def see(self) -> None:
        """Let the meter send a frame."""
        index_wh = BASE_WH + self.drawn_wh()
        if self.mode is Mode.STANDARD:
            shown = self.at + self.meter_off
            frame = standard(shown, index_wh, is_degraded=self.is_degraded)
        else:
            frame = historique("BASE", BASE=index_wh)
        monotonic_s = (self.at - self.booted_at).total_seconds()
        host = HostTime(self.at + self.host_off, self.is_synchronised, monotonic_s, self.boot)
        self.events += self.meter.observe(frame, host)

    def live(self, time: timedelta, step: timedelta = SECOND) -> None:
        """Let time pass, with a frame after each step."""
        end = self.at + time
        while self.at < end:
            self.at = min(self.at + step, end)
            self.see()

    def reboot(self) -> None:
        """Start the machine again on what was stored; the kernel has not heard of the time yet."""
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(self.meter.state), type=MeterState)
        self.meter = Meter(state)
        self.boot, self.booted_at, self.is_synchronised = "next", self.at, False

    def closed(self) -> list[QuarterHourClosed]:
        return [event for event in self.events if isinstance(event, QuarterHourClosed)]

    def days(self) -> list[DayClosed]:
        return [event for event in self.events if isinstance(event, DayClosed)]

    def told(self) -> list[NoticeKind]:
        return [event.kind for event in self.events if isinstance(event, Notice)]

    def assert_right(self) -> None:
        """What has closed is past, and all that was drawn since the start is accounted for."""
        account = self.meter.state.account
        assert (account.day, account.j) == quarter_hour(self.at)
        total_wh = sum(each.energy_wh for each in self.closed()) + account.pool_wh
        assert total_wh == account.last.total_wh - BASE_WH - 1
        assert account.last.total_wh == BASE_WH + self.drawn_wh()


def begun(**how) -> Room:
    room = Room(**how)
    room.live(2 * SECOND)
    room.events.clear()
    return room


@pytest.mark.xfail(strict=True, reason="a clock that the meter calls unsure closes days ahead")
@pytest.mark.parametrize("ahead", [11 * MINUTE, DAY, 400 * DAY])
def test_a_clock_that_the_meter_calls_unsure_closes_nothing(ahead):
    room = begun()
    room.live(5 * MINUTE)
    room.is_degraded, room.meter_off = True, ahead
    room.live(10 * SECOND)
    assert not room.closed()
    room.is_degraded, room.meter_off = False, timedelta()
    room.live(HOUR)
    room.assert_right()
    assert not any(each.is_estimated for each in room.closed()[1:])


@pytest.mark.xfail(strict=True, reason="a host clock without battery closes days ahead")
def test_a_boot_with_the_hosts_clock_ahead_closes_nothing_in_historique():
    room = begun(mode=Mode.HISTORIQUE)
    room.live(5 * MINUTE)
    room.reboot()
    room.host_off = 4 * DAY
    room.live(HOUR, 10 * SECOND)
    assert not room.closed()
    room.is_synchronised, room.host_off = True, timedelta()
    room.live(2 * SECOND)
    room.assert_right()
