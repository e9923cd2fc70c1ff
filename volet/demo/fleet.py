"""Many chips in one process, with the chip's own core, vault and link but without a serial line.

`python -m volet.demo.fleet --begin INSTANT --end INSTANT --speed X CHIP-DIRECTORY…`
"""

import select
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click

from edge.chip.agent import link_settings
from edge.chip.chip import Chip
from edge.chip.settings import ChipSettings
from edge.contracts.agreement import load_agreement
from edge.contracts.former import agreements_of
from edge.identity.enrolment import load_identity, signer_of
from edge.mqtt.link import ChipLink
from edge.simulate.curve_files import load_curve
from edge.simulate.home import build_home
from edge.simulate.host import host_time_at
from edge.simulate.player import TimedFrame, frames
from edge.vault.vault import Vault
from system.clock import SystemClock
from system.logs import configure_logs
from volet.demo.town import home_settings

FRAME_STEP_S = 900
IDLE_S = 0.05


@dataclass
class Member:
    """A chip of the fleet, and the frames that it has not read yet."""

    chip: Chip
    link: ChipLink
    frames: Iterator[TimedFrame]
    next_frame: TimedFrame | None


def make_member(directory: Path, begin: datetime, end: datetime) -> Member:
    """Open an enrolled chip and its home; the seed is the directory's name."""
    identity = load_identity(directory)
    vault = Vault.open(directory, signer_of(identity))
    settings = ChipSettings(agreements=agreements_of(directory, load_agreement(directory)))
    chip = Chip(identity, vault, SystemClock(), settings)
    link = ChipLink(link_settings(identity), identity.tls_context)
    link.start()
    home = build_home(load_curve(directory / "curve.csv"), home_settings(int(directory.name)))
    stream = frames(home, begin, end, FRAME_STEP_S)
    return Member(chip, link, stream, next(stream, None))


def step(member: Member, until_s: float) -> None:
    """Feed a chip what its meter has sent until then, and exchange messages with the broker."""
    while member.next_frame is not None and member.next_frame.at_s <= until_s:
        at = datetime.fromtimestamp(member.next_frame.at_s, UTC)
        member.chip.feed(member.next_frame.data, host_time_at(at))
        member.next_frame = next(member.frames, None)
    for event in member.link.events():
        member.chip.take(event)
    for publish in member.chip.outgoing():
        member.link.publish(publish)


@click.command()
@click.option("--begin", type=datetime.fromisoformat, required=True)
@click.option("--end", type=datetime.fromisoformat, required=True)
@click.option("--speed", type=float, required=True)
@click.argument("directories", nargs=-1, type=click.Path(path_type=Path))
def fleet(begin: datetime, end: datetime, speed: float, directories: tuple[Path, ...]) -> None:
    """Run chips until a signal, in simulated time that passes `speed` times faster."""
    configure_logs()
    stopped: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        stopped.append(number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    members = [make_member(directory, begin, end) for directory in directories]
    begun_s = time.monotonic()
    while not stopped:
        until_s = begin.timestamp() + (time.monotonic() - begun_s) * speed
        for member in members:
            step(member, until_s)
        select.select([member.link for member in members], [], [], IDLE_S)
    for member in members:
        member.link.stop(member.chip.goodbye())


if __name__ == "__main__":
    fleet()
