"""Many homes in one process, with the chip's own core, vault and link but without TIC bytes.

`python -m volet.demo.neighbours --begin DAY --from DAY --to DAY CHIP-DIRECTORY…` plays the legal
days [from, to) as fast as it can, each in one commit, and ends when the cloud has everything.
"""

import select
import signal
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from types import FrameType

import click

from edge.area.lane import AreaOptions
from edge.area.settings import watched_choices
from edge.chip.agent import link_settings
from edge.chip.chip import Chip
from edge.chip.config import load_config
from edge.chip.settings import ChipSettings
from edge.identity.enrolment import load_identity, signer_of
from edge.metering.reading import STANDARD_REGISTERS
from edge.mqtt.link import ChipLink
from edge.simulate.curve import Curve
from edge.simulate.home import SimulatedHome, build_home
from edge.simulate.host import host_time_at
from edge.simulate.household import synthetic_curve
from edge.tic.frame import ClosedBy, Frame, InformationGroup, Mode, OpenedBy
from edge.vault.vault import Vault
from protocol.calendar import day_start, days_between, quarter_hour_start, quarter_hours
from system.clock import SystemClock
from system.logs import configure_logs
from volet.demo.town import KVA, home_settings

IDLE_S = 0.02
# The chip accepts its first frames only once they confirm each other.
_FIRST_FRAMES = 4
_CALENDAR = "H PLEINE/CREUSE"


def curve_of(seed: int, begin: date, end: date) -> Curve:
    """Return a home's load curve over the legal days [begin, end), in quarter-hours."""
    return synthetic_curve(seed, begin, end, KVA)


@dataclass
class Neighbour:
    """A home: its chip, and the days that are still to be played.

    `is_new`: the chip has never metered. `is_going_on`: it has metered in this process.
    """

    chip: Chip
    vault: Vault
    link: ChipLink
    home: SimulatedHome
    days: list[date]
    is_new: bool
    is_going_on: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether the chip has all documents and has drawn its seeds."""
        area = self.chip.area
        return (
            area is not None
            and area.is_on
            and self.vault.is_caught_up
            and self.vault.area.key_shares() is not None
            and not area.trust.transforms_wanted()
        )

    @property
    def is_done(self) -> bool:
        """Whether all days are played and the cloud has acknowledged everything."""
        return not self.days and self.chip.is_drained

    def step(self) -> None:
        """Play a day if there is one and the chip is ready; exchange messages with the broker."""
        if self.days and self.is_ready:
            self._play(self.days.pop(0))
        for event in self.link.events():
            self.chip.take(event)
        for publish in self.chip.outgoing():
            self.link.publish(publish)
        if self.chip.area is not None:
            self.link.listen(self.chip.area.topics())

    def _play(self, day: date) -> None:
        edges = [quarter_hour_start(day, j) for j in range(1, quarter_hours(day) + 1)]
        if self.is_new:
            first = day_start(day) - timedelta(seconds=_FIRST_FRAMES)
            edges = [*_seconds(first), day_start(day), *edges]
        elif not self.is_going_on:
            edges = [*_seconds(day_start(day)), *edges]
        self.is_new, self.is_going_on = False, True
        self.chip.observe_all((frame_at(self.home, at), host_time_at(at)) for at in edges)


def _seconds(first: datetime) -> list[datetime]:
    return [first + timedelta(seconds=second) for second in range(_FIRST_FRAMES)]


def frame_at(home: SimulatedHome, at: datetime) -> Frame:
    """Return the frame of the home's meter at an instant, as the decoder would return it."""
    meter = home.meter_at(at)
    shown = meter.registers_wh(at)
    registers_wh = (*shown, *[0] * (len(STANDARD_REGISTERS) - len(shown)))
    groups = {
        "ADSC": InformationGroup(meter.profile.serial),
        "DATE": InformationGroup("", at=at),
        "NGTF": InformationGroup(_CALENDAR),
        "EAST": InformationGroup(f"{sum(shown):09}"),
    }
    groups |= {
        label: InformationGroup(f"{index_wh:09}")
        for label, index_wh in zip(STANDARD_REGISTERS, registers_wh, strict=True)
    }
    return Frame(
        mode=Mode.STANDARD,
        start=0,
        end=0,
        opened_by=OpenedBy.STX,
        closed_by=ClosedBy.ETX,
        groups=groups,
        is_complete=True,
    )


def make_neighbour(directory: Path, begin: date, days: list[date]) -> Neighbour:
    """Open an enrolled chip and its home; the seed is the directory's name."""
    identity, config = load_identity(directory), load_config(directory)
    vault = Vault.open(directory, signer_of(identity))
    settings = ChipSettings(
        send_window_s=config.send_window_s,
        outbox=config.sending,
        metering=config.metering,
        area=AreaOptions(
            watched_choices(directory), config.area, send_window_s=config.send_window_s
        ),
    )
    chip = Chip(identity, vault, SystemClock(), settings)
    link = ChipLink(link_settings(identity), identity.tls_context)
    link.start()
    seed = int(directory.name)
    curve = curve_of(seed, begin - timedelta(days=1), days[-1] + timedelta(days=1))
    home = build_home(curve, home_settings(seed))
    return Neighbour(chip, vault, link, home, list(days), vault.values.state() is None)


_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--begin", type=_DAY, required=True, help="First day on which the meters count.")
@click.option("--from", "start", type=_DAY, required=True)
@click.option("--to", "end", type=_DAY, required=True)
@click.argument("directories", nargs=-1, type=click.Path(path_type=Path))
def neighbours(
    begin: datetime, start: datetime, end: datetime, directories: tuple[Path, ...]
) -> None:
    """Play homes until the cloud has everything, or until a signal."""
    configure_logs("warning")
    stopped: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        stopped.append(number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    days = list(days_between(start.date(), end.date()))
    members = [make_neighbour(directory, begin.date(), days) for directory in directories]
    while not stopped and not all(member.is_done for member in members):
        for member in members:
            member.step()
        select.select([member.link for member in members], [], [], IDLE_S)
    for member in members:
        member.link.stop(member.chip.goodbye())
        member.vault.close()


if __name__ == "__main__":
    neighbours()
