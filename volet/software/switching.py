"""Switches to a release, watches how its unit does, and goes back by itself if that is not well.

A trial is kept on the disk before the link moves, and its whole course can be begun again at any
point: the process that carries it out is started anew if it is killed, and goes on. After a power
cut, the boot goes back without condemning the release. A person's way back is kept in the same way
until it is done, and whoever comes first goes on with it: that person, or the next boot.
"""

import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

from protocol.errors import ConfigError, DocumentRefused
from system.files import sync_dir
from system.kernel_clock import boot_id
from system.shell import quoted
from system.systemd import UNITS
from volet.software.health import Health, health_of, problem
from volet.software.manifest import order
from volet.software.places import Places, Rollback, TakenBack, Trial

KEPT = 3
POLL_S = 2.0

log = structlog.get_logger()


class Switch:
    """Switches one machine's software.

    Args:
        places: where releases lie.
        restart: starts a unit again; `health` asks how it does.
    """

    def __init__(
        self,
        places: Places,
        restart: Callable[[str], None] | None = None,
        health: Callable[[str, Path, Path], Health] | None = None,
    ) -> None:
        self._places = places
        self._restart = restart or self._start_anew
        self._health = health or health_of

    def check(self, version: str) -> None:
        """Check that a release may be switched to.

        Raises:
            ConfigError: it is not here as a whole, another one is on trial, or a way back is not done.
            DocumentRefused: it was condemned, or is older than one that was here.
        """
        places = self._places
        rollback, trial = places.rollback(), places.trial()
        if rollback is not None:
            raise ConfigError(
                f"The way back to the release {rollback.back_to} was interrupted; "
                "`volet software rollback` ends it."
            )
        if trial is not None and trial.version != version:
            raise ConfigError(
                f"The release {trial.version} is on trial; `volet software status` shows it."
            )
        places.manifest(version)
        state = places.state()
        if version in state.condemned:
            raise DocumentRefused(
                f"The release {version} did not do well here and is not tried again; "
                f"`volet software forgive {quoted(version)}` allows it."
            )
        state.check_is_no_older(version)

    def begin(
        self, version: str, unit: str | None, directory: Path, hold_s: float, patience_s: float
    ) -> bool:
        """Switch to a release, again if a call before was killed; return whether it is on trial.

        Where no unit runs, nothing can be judged: the link moves, and that is all. Raises what
        `check` raises.
        """
        places = self._places
        trial = places.trial()
        if trial is not None and places.rollback() is not None:
            return False  # a person goes back
        if trial is None:
            self.check(version)
            places.keep_state(msgspec.structs.replace(places.state(), highest=version))
            current, previous = places.linked("current"), places.linked("previous")
            if current is None or unit is None or current == version:
                places.link("current", version)
                places.link_units()
                return False
            trial = Trial(
                version,
                current,
                None if previous == current else previous,
                unit,
                str(directory),
                boot_id(),
                self._health(unit, places.program(current), directory),
                hold_s,
                patience_s,
            )
            places.link("previous", current)
            places.keep_trial(trial)
        if trial.version not in places.state().condemned:
            places.link("current", trial.version)
            places.link_units()
            self._restart(trial.unit)  # after a kill it may not have been yet
        return True

    def judge(self) -> str | None:
        """Watch the trial to its end; return why the release was taken back, None if it was not."""
        places, trial = self._places, self._places.trial()
        if trial is None:
            return None
        program = places.program(trial.version)
        begun_s = since_s = time.monotonic()
        why: str | None = "it did not do well before this was interrupted"
        is_condemned = trial.version in places.state().condemned
        while not is_condemned and (now_s := time.monotonic()) - begun_s < trial.patience_s:
            why = problem(trial.before, self._health(trial.unit, program, Path(trial.directory)))
            if places.trial() != trial or places.rollback() is not None:  # a person went back
                return None
            if why is not None:
                since_s = time.monotonic()
            elif now_s - since_s >= trial.hold_s:
                places.end_trial()
                log.info("release_healthy", version=trial.version)
                self._forget_old()
                return None
            time.sleep(POLL_S)
        why = why or "it did not do well for long enough"
        self._back(trial, why, is_condemned=True)
        return why

    def resume_at_boot(self) -> None:
        """Go back where a reboot has interrupted a trial or a way back, before the unit starts."""
        if (rollback := self._places.rollback()) is not None:
            self._go_back(rollback, None)
        trial = self._places.trial()
        if trial is not None and trial.boot != boot_id():
            self._back(trial, "the machine started anew in its trial", is_condemned=False)

    def rollback(self, unit: str | None) -> str:
        """Go back to the release before, or end a way back that was interrupted; return its version.

        Raises:
            ConfigError: there is none, or it cannot read what the present one has written.
        """
        places = self._places
        rollback = places.rollback()
        if rollback is None:
            rollback = self._way_back()
            places.keep_rollback(rollback)
        self._go_back(rollback, unit)
        return rollback.back_to

    def _way_back(self) -> Rollback:
        places = self._places
        current, previous = places.linked("current"), places.linked("previous")
        if current is None or previous is None or previous == current:
            raise ConfigError("There is no release before this one to go back to.")
        oldest = places.manifest(current).rolls_back_to
        places.manifest(previous)
        if order(previous) < order(oldest):
            raise ConfigError(
                f"The release {previous} cannot read what {current} has written, which goes back "
                f"to {oldest} at most."
            )
        return Rollback(current, previous)

    def _go_back(self, rollback: Rollback, unit: str | None) -> None:
        """Go a person's way back, again from its start if a call before was interrupted."""
        places = self._places
        places.end_trial()
        places.link("current", rollback.back_to)
        places.link("previous", rollback.version)
        if unit is not None:
            self._restart(unit)
        places.end_rollback()

    def _start_anew(self, unit: str) -> None:
        """Let systemd read the units again and start one anew; how it does is judged later."""
        lead_to_current(self._places)
        for command in (
            ("daemon-reload",),
            ("reset-failed", unit),
            ("restart", "--no-block", unit),
        ):
            subprocess.run(("systemctl", *command), capture_output=True, check=False)

    def _back(self, trial: Trial, why: str, *, is_condemned: bool) -> None:
        """Go back. The trial ends last: whatever is cut short before is done again."""
        places = self._places
        taken_back = TakenBack(trial.version, trial.back_to, datetime.now(UTC))
        state = msgspec.structs.replace(places.state(), taken_back=taken_back)
        if is_condemned:
            condemned = tuple(dict.fromkeys((*state.condemned, trial.version)))
            state = msgspec.structs.replace(state, highest=trial.back_to, condemned=condemned)
        places.keep_state(state)
        places.link("current", trial.back_to)
        if is_condemned:  # at a boot, the unit has not been started yet
            self._restart(trial.unit)
        if trial.before_that is not None:
            places.link("previous", trial.before_that)
        places.end_trial()
        log.error("software_rolled_back", version=trial.version, to=trial.back_to, why=why)

    def _forget_old(self) -> None:
        """Keep the newest releases up to the current one, and those that wait to be tried."""
        places = self._places
        current, previous = places.linked("current"), places.linked("previous")
        condemned = places.state().condemned
        older = [
            version
            for version in places.complete()
            if current is not None and order(version) < order(current)
        ]
        good = [version for version in older if version not in condemned]
        kept = {*good[1 - KEPT :], previous}
        for version in older:
            if version not in kept:
                places.remove(version)


def lead_to_current(places: Places, units: Path = UNITS) -> None:
    """Have links to units of a certain release lead to those of the current one.

    `systemctl enable` makes such links. They would keep an old unit after an upgrade, and once its
    release is removed, nothing would start the chip any more.
    """
    for link in sorted((*units.glob("volet*"), *units.glob("*.wants/volet*"))):
        if link.is_symlink() and link.readlink().is_relative_to(places.root / "releases"):
            beside = link.with_name(f".{link.name}")
            beside.unlink(missing_ok=True)
            beside.symlink_to(places.root / "current/units" / link.readlink().name)
            beside.replace(link)
            sync_dir(link.parent)
