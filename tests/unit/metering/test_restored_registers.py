"""Registers that do not go on from what is known: of a restored account, of a confirmed index."""

from datetime import date, datetime, timedelta

import pytest

from edge.metering.events import DayClosed, Event, NoticeKind, QuarterHourClosed
from edge.metering.meter import Meter
from edge.metering.restore import RestorePoint, restore
from edge.metering.unconfirmed import is_waiting, quarantine_in
from edge.simulate.host import host_time_at
from edge.tic.decoder import Decoder
from edge.tic.frame import Mode
from protocol.calendar import PARIS
from system.clock import HostTime
from tests.support.true_meter import TrueMeter

SERIAL = "041961000001"
BEGIN = datetime(2025, 6, 11, 10, 5, tzinfo=PARIS)
PEAKS = "H PLEINE/CREUSE"
KNOWN_KWH = (507_000, 80_000)


class BackFromCloud:
    """A meter whose account stood at 507 000 and 80 000 kWh when its last day closed."""

    def __init__(self, calendar: str = "HPHC", name: str = PEAKS, **known: bool) -> None:
        self.source = TrueMeter(SERIAL, calendar, **known)
        self.source.indices_wh[:2] = [1_000 * index_kwh for index_kwh in KNOWN_KWH]
        point = RestorePoint(
            day=date(2025, 6, 11),
            j=39,
            drawn_index_wh=sum(self.source.indices_wh),
            register_index_kwh=(*KNOWN_KWH, *[0] * 8),
            injected_index_wh=0,
            fingerprint=0,
            mode=Mode.HISTORIQUE if name in ("HC", "BBR") else Mode.STANDARD,
        )
        state = restore(point, SERIAL, name)
        self.meter = Meter(state)
        self.events: list[Event] = []

    def send(self, at: datetime = BEGIN, frames: int = 4) -> None:
        """Let so many frames come, and one a day later."""
        times = [at + timedelta(seconds=2 * n) for n in range(frames)]
        for when in [*times, at + timedelta(days=1), at + timedelta(days=1, seconds=2)]:
            host: HostTime = host_time_at(when)
            for frame in Decoder().feed(self.source.encode(when)):
                self.events += self.meter.observe(frame, host)

    def billed_kwh(self) -> int:
        days = [event for event in self.events if isinstance(event, DayClosed)]
        return sum(sum(day.register_steps_kwh) for day in days)

    def curve_wh(self) -> int:
        return sum(event.energy_wh for event in self.events if isinstance(event, QuarterHourClosed))

    def kinds(self) -> list[NoticeKind]:
        return [event.kind for event in self.events if hasattr(event, "kind")]


def _swap(meter: TrueMeter) -> None:
    meter.indices_wh[:2] = meter.indices_wh[1::-1]


def _reset(meter: TrueMeter) -> None:
    meter.other_wh, meter.indices_wh[0] = meter.indices_wh[0], 0


def _leap(meter: TrueMeter) -> None:
    meter.indices_wh[1] += 3_000_000
    meter.other_wh -= 3_000_000


@pytest.mark.parametrize("change", [_swap, _reset, _leap])
def test_registers_that_do_not_go_on_from_a_restored_account_wait_for_a_person(change):
    restored = BackFromCloud()
    change(restored.source)
    restored.send()
    assert NoticeKind.INDEX_QUARANTINED in restored.kinds()
    assert restored.billed_kwh() == 0
    asked = quarantine_in(restored.meter.state)
    assert asked is not None
    assert asked.before.registers_wh[:2] == tuple(1_000 * kwh for kwh in KNOWN_KWH)
    restored.events += restored.meter.confirm_index()
    restored.source.indices_wh[0] += 7_000
    restored.send(BEGIN + timedelta(days=2))
    assert restored.billed_kwh() == 7


def test_a_register_that_the_first_frames_lack_is_held_to_what_is_known_of_it():
    restored = BackFromCloud()
    restored.source.other_wh, restored.source.indices_wh[1] = 80_000_000, 0
    for seconds in (4, 2):
        data = restored.source.encode(BEGIN - timedelta(seconds=seconds))
        start = data.index(b"\nEASF02")
        spoiled = data[:start] + data[data.index(b"\r", start) + 1 :]
        for frame in Decoder().feed(spoiled):
            restored.events += restored.meter.observe(frame, host_time_at(BEGIN))
    restored.send()
    assert NoticeKind.INDEX_QUARANTINED in restored.kinds()
    assert restored.billed_kwh() == 0


def test_registers_that_go_on_from_a_restored_account_are_billed():
    restored = BackFromCloud()
    restored.source.indices_wh[0] += 7_000
    restored.source.indices_wh[1] += 999
    restored.send()
    assert restored.kinds() == [NoticeKind.GAP]
    assert restored.billed_kwh() == 7
    assert restored.curve_wh() == 7_999


@pytest.mark.parametrize("name", ["HC", "BBR"])
def test_a_restored_account_takes_no_other_modes_total_for_energy(name):
    calendar = {"HC": "HPHC", "BBR": "TEMPO"}[name]
    restored = BackFromCloud(calendar, name)
    restored.source.other_wh = 400_000
    restored.source.indices_wh[0] += 7_000
    restored.send(BEGIN + timedelta(days=3))
    assert NoticeKind.CALENDAR_CHANGED in restored.kinds()
    assert restored.billed_kwh() == 7
    assert restored.curve_wh() <= 7_000


def test_a_confirmed_index_goes_on_where_another_register_has_wrapped_since():
    before = TrueMeter(SERIAL)
    before.indices_wh[:2] = [999_999_000, 80_000_000]
    account = BackFromCloud()
    account.meter, account.source = Meter(), before
    account.send()
    before.indices_wh[1] = 0
    account.send(BEGIN + timedelta(days=2))
    confirmed = quarantine_in(account.meter.state)
    before.indices_wh[0] += 3_000
    account.send(BEGIN + timedelta(days=4))
    assert confirmed is not None
    assert is_waiting(account.meter.state, confirmed)
