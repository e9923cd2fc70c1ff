"""Chips that can be killed at any moment: `python -m tests.support.kill_fleet --clock FILE DIR…`.

Everything but the serial line is the product's. A meter sends on each quarter-hour, and about four
times in each second of real time. A chip that is not running misses the frames of that time, as on
a real meter. Each chip follows its `edge.toml`.
"""

import select
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click
import structlog

from edge.chip.agent import link_settings
from edge.chip.chip import Chip, ChipSettings
from edge.chip.config import load_config
from edge.contracts.agreement import load_agreement
from edge.contracts.former import agreements_of
from edge.identity.enrolment import load_identity, signer_of
from edge.mqtt import link as link_module
from edge.mqtt.link import ChipLink
from edge.simulate.curve_files import load_curve
from edge.simulate.home import SimulatedHome, build_home
from edge.simulate.host import host_time_at
from edge.vault.vault import Vault
from protocol.backoff import RetryPolicy
from system.logs import configure_logs
from tests.support.kill_clock import SharedClock
from volet.demo.town import home_settings

FRAME_STEP_S = 900
FIRST_FRAMES = 3  # the first confirms the second, and the second the third
PAUSE_S = 0.25
METERING = "all_chips_metering"
ROUND_S = 0.02
FRAMES_A_ROUND = 24

log = structlog.get_logger()


@dataclass
class Member:
    """One chip with its link and its meter."""

    chip: Chip
    link: ChipLink
    home: SimulatedHome
    frames_read: int = 0
    last_s: int = 0
    read_s: float = 0.0

    def step(self, until_s: float) -> None:
        """Read the meter's frames until then, and exchange messages with the broker."""
        for _ in range(FRAMES_A_ROUND):
            at_s = self._next_s(until_s)
            if at_s is None:
                break
            at = datetime.fromtimestamp(at_s, UTC)
            self.chip.feed(self.home.frame_at(at), host_time_at(at))
            self.frames_read += 1
            self.last_s, self.read_s = at_s, time.monotonic()
        for event in self.link.events():
            self.chip.take(event)
        for publish in self.chip.outgoing():
            self.link.publish(publish)

    def _next_s(self, until_s: float) -> int | None:
        """Return the time of the next frame: a quarter-hour, or now after a pause; None if none."""
        on_grid_s = (self.last_s // FRAME_STEP_S + 1) * FRAME_STEP_S
        if self.frames_read and on_grid_s <= until_s:
            return on_grid_s
        is_time = time.monotonic() - self.read_s > PAUSE_S and int(until_s) > self.last_s
        return int(until_s) if is_time else None


def make_member(directory: Path, clock: SharedClock) -> Member:
    """Start an enrolled chip; its directory's name is the seed of its home."""
    identity = load_identity(directory)
    config = load_config(directory)
    vault = Vault.open(
        directory, signer_of(identity), is_quarter_hourly=config.rhythm == "quarter_hourly"
    )
    settings = ChipSettings(
        config.send_window_s,
        config.sending,
        config.metering,
        agreements=agreements_of(directory, load_agreement(directory)),
    )
    chip = Chip(identity, vault, clock, settings)
    link = ChipLink(link_settings(identity), identity.tls_context)
    link.start()
    home = build_home(load_curve(directory / "curve.csv"), home_settings(int(directory.name)))
    return Member(chip, link, home)


@click.command()
@click.option("--clock", "clock_path", type=click.Path(path_type=Path), required=True)
@click.argument("directories", nargs=-1, type=click.Path(path_type=Path))
def fleet(clock_path: Path, directories: tuple[Path, ...]) -> None:
    """Run chips until SIGTERM."""
    configure_logs()
    # A broker killed during a handshake looks like one that refuses, which would cost 15 s.
    link_module.AWAY_AGAIN = link_module.REFUSED_AGAIN = RetryPolicy(first_s=0.5, cap_s=1.0)
    stopped: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        stopped.append(number)

    signal.signal(signal.SIGTERM, stop)
    clock = SharedClock(clock_path)
    members = [make_member(directory, clock) for directory in directories]
    has_logged = False
    while not stopped:
        until_s = clock.now_s()
        for member in members:
            member.step(until_s)
        if not has_logged and all(member.frames_read >= FIRST_FRAMES for member in members):
            log.info(METERING)
            has_logged = True
        select.select([member.link for member in members], [], [], ROUND_S)
    for member in members:
        member.link.stop(member.chip.goodbye())


if __name__ == "__main__":
    fleet()
