"""A meter's line from bytes to the chip's account: decoder, consistency check, metering."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from edge.metering.events import DayClosed, Event, Notice, NoticeKind, QuarterHourClosed
from edge.metering.meter import Meter
from edge.metering.reading import HISTORIQUE_REGISTERS
from edge.simulate.host import host_time_at
from edge.tic.consistency import ConsistencyCheck
from edge.tic.decoder import Decoder
from edge.tic.frame import Mode
from edge.tic.groups import encode_group
from edge.tic.horodate import encode_horodate
from protocol.calendar import PARIS

SECOND = timedelta(seconds=1)
OPTARIF = {"BASE": "BASE", "HC": "HC..", "EJP": "EJP.", "BBR": "BBR("}


@dataclass
class LineMeter:
    """A true meter; `earlier_wh` is the part of its total from earlier contracts."""

    registers_wh: list[int]
    calendar: str = "BASE"
    mode: Mode = Mode.STANDARD
    serial: str = "021661000001"
    earlier_wh: int = 0

    def count(self, *energies_wh: int) -> None:
        for n, energy_wh in enumerate(energies_wh):
            self.registers_wh[n] += energy_wh

    def frame(self, at: datetime, **false: str) -> bytes:
        """Return the frame at an instant; `false` replaces values of labels, "" removes a label."""
        values = self._standard(at) if self.mode is Mode.STANDARD else self._historique()
        values = {**values, **{label: (value, None) for label, value in false.items()}}
        groups = [
            encode_group(self.mode, label, value, horodate)
            for label, (value, horodate) in values.items()
            if value or horodate
        ]
        return b"".join([b"\x02", *groups, b"\x03"])

    def _standard(self, at: datetime) -> dict[str, tuple[str, str | None]]:
        registers_wh = self.registers_wh + [0] * (10 - len(self.registers_wh))
        return {
            "ADSC": (self.serial, None),
            "DATE": ("", encode_horodate(at.astimezone(PARIS))),
            "NGTF": (f"{self.calendar:^16}", None),
            "EAST": (f"{sum(self.registers_wh) + self.earlier_wh:09}", None),
            **{f"EASF{n:02}": (f"{wh:09}", None) for n, wh in enumerate(registers_wh, 1)},
            "SINSTS": ("00500", None),
        }

    def _historique(self) -> dict[str, tuple[str, str | None]]:
        labels = HISTORIQUE_REGISTERS[self.calendar]
        return {
            "ADCO": (self.serial, None),
            "OPTARIF": (OPTARIF[self.calendar], None),
            **{
                label: (f"{wh:09}", None)
                for label, wh in zip(labels, self.registers_wh, strict=True)
            },
            "PAPP": ("00500", None),
        }


@dataclass
class Line:
    """The chip's metering of a line; it can be restarted from its stored state."""

    meter: Meter = field(default_factory=Meter)
    events: list[Event] = field(default_factory=list)
    check: ConsistencyCheck = field(default_factory=ConsistencyCheck)

    def send(self, source: LineMeter, at: datetime, frames: int = 1, **false: str) -> list[Event]:
        """Carry frames a second apart; `false` applies to the first."""
        events: list[Event] = []
        for n in range(frames):
            now = at + n * SECOND
            (frame,) = Decoder().feed(source.frame(now, **(false if n == 0 else {})))
            events += self.meter.observe(self.check.check(frame, now), host_time_at(now))
        self.events += events
        return events

    def restart(self) -> None:
        self.meter, self.check = Meter(self.meter.state), ConsistencyCheck()

    def kinds(self) -> list[NoticeKind]:
        return [event.kind for event in self.events if isinstance(event, Notice)]

    def days(self) -> list[DayClosed]:
        return [event for event in self.events if isinstance(event, DayClosed)]

    def curve_wh(self) -> int:
        """Return the energy in the curve, including the open quarter-hour."""
        closed = sum(
            event.energy_wh for event in self.events if isinstance(event, QuarterHourClosed)
        )
        account = self.meter.state.account
        return closed + (0 if account is None else account.pool_wh)

    def steps_kwh(self) -> dict[tuple[str, str], list[int]]:
        """Return the steps of registers 1 and 2 by serial and calendar."""
        steps_kwh: dict[tuple[str, str], list[int]] = {}
        for day in self.days():
            whole = (day.meter_serial, day.calendar, day.register_steps_kwh)
            parts = [(p.meter_serial, p.calendar, p.register_steps_kwh) for p in day.parts]
            for serial, calendar, steps in parts or [whole]:
                counted = steps_kwh.setdefault((serial, calendar), [0, 0])
                counted[:] = [counted[0] + steps[0], counted[1] + steps[1]]
        return steps_kwh
