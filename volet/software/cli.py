"""`volet software`: install signed releases, switch between them, and go back."""

import subprocess
import time
from pathlib import Path

import click
import msgspec
import structlog

from protocol.errors import ConfigError, VoletError
from system.shell import quoted
from volet.software import building, receiving
from volet.software.checking import check_release
from volet.software.health import show
from volet.software.manifest import SoftwareManifest, Version
from volet.software.places import ROOT, Places, Trial, VersionsSeen
from volet.software.removal import remove
from volet.software.switching import Switch

CHIP_DIRECTORY = Path("/var/lib/volet")
CHIP_UNITS = "volet-edge@*.service"
TRIAL_UNIT = "volet-trial"
HOLD_S, PATIENCE_S = 120.0, 300.0
_POLL_S = 1.0
# A trial whose process is killed goes on in a new one; where that cannot be, the boot goes back.
_AGAIN = (
    *("--property=Restart=on-failure", "--property=RestartSec=5"),
    *("--property=StartLimitIntervalSec=600", "--property=StartLimitBurst=20"),
)

log = structlog.get_logger()

root_option = click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT,
    show_default=True,
    help="Where the releases lie.",
)
chip_option = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=CHIP_DIRECTORY,
    show_default=True,
    help="The chip's directory.",
)
hold_option = click.option(
    "--hold", "hold_s", default=HOLD_S, show_default=True, help="Seconds to do well for."
)
patience_option = click.option(
    "--patience", "patience_s", default=PATIENCE_S, show_default=True, help="Within."
)


class SoftwareStatus(msgspec.Struct, frozen=True):
    """What `status` shows."""

    current: Version | None
    previous: Version | None
    complete: tuple[Version, ...]
    highest: Version | None
    condemned: tuple[Version, ...]
    trial: Trial | None


@click.group()
def software() -> None:
    """Install signed releases, switch between them, and go back."""


software.add_command(remove)


@software.command()
@click.argument("archive", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@root_option
def verify(archive: Path, root: Path) -> None:
    """Check an archive's signature, hashes, machine and age, and change nothing."""
    manifest = receiving.verify(Places(root), archive)
    click.echo(f"{_named(manifest)} is signed by the key of this machine, and complete.")


@software.command()
@click.argument("archive", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@root_option
def install(archive: Path, root: Path) -> None:
    """Verify an archive and build its release beside the others; what runs goes on."""
    places = Places(root)
    with places.alone():
        manifest = receiving.receive(places, archive)
        building.build(places, manifest)
    click.echo(
        f"{_named(manifest)} is installed. Next: `volet software activate {quoted(manifest.version)}`."
    )


@software.command()
@click.argument("version")
@root_option
@chip_option
def check(version: str, root: Path, directory: Path) -> None:
    """Have an installed release rehearse with a copy of the chip's vault; nothing is switched."""
    check_release(Places(root), version, directory)
    click.echo(f"Release {version} decodes, encrypts, opens, and reads this chip's vault.")


@software.command(hidden=True)
@chip_option
def rehearse(directory: Path) -> None:
    """Rehearse what a chip does; `check` has another release run this."""
    # Imported late: the installer has neither SEAL nor NumPy.
    from volet.software import rehearsal  # noqa: PLC0415

    rehearsal.rehearse(directory)


@software.command()
@click.argument("version")
@root_option
@chip_option
@hold_option
@patience_option
def activate(version: str, root: Path, directory: Path, hold_s: float, patience_s: float) -> None:
    """Check a release and switch to it; it is taken back if the chip does worse than before.

    The trial goes on if this command is ended.
    """
    places, switch = Places(root), Switch(Places(root))
    switch.check(version)
    current, trial = places.linked("current"), places.trial()
    if version not in {current, trial and trial.version}:
        check_release(places, version, directory)
    unit = running_unit() if trial is None else trial.unit
    is_current = current == version and trial is None
    if current is None or unit is None or is_current:
        with places.alone():
            switch.begin(version, None, directory, hold_s, patience_s)
        click.echo(f"Release {version} is the current one.")
        return
    _try_apart(places, version, unit, directory, hold_s, patience_s)
    click.echo(f"Release {version} is tried; it has to do well for {hold_s:g} s.")
    while show(TRIAL_UNIT, "ActiveState")["ActiveState"] not in {"inactive", "failed"}:
        time.sleep(_POLL_S)
    now, look = places.linked("current"), f"`journalctl -u {TRIAL_UNIT}` says why."
    if version in places.state().condemned:
        raise VoletError(
            f"Release {version} did not do well and was taken back; {now} runs. {look}"
        )
    if now != version or places.trial() is not None:
        raise VoletError(f"The trial of release {version} ended early; {now} runs. {look}")
    click.echo(f"Release {version} does well.")


@software.command(hidden=True)
@click.argument("version")
@click.argument("unit")
@root_option
@chip_option
@hold_option
@patience_option
def try_out(
    version: str, unit: str, root: Path, directory: Path, hold_s: float, patience_s: float
) -> None:
    """Switch to a release and judge it: `volet-trial` runs this, and again if it is killed."""
    places, switch = Places(root), Switch(Places(root))
    try:
        with places.alone():
            is_on_trial = switch.begin(version, unit, directory, hold_s, patience_s)
    except VoletError as exc:
        if places.trial() is not None:
            raise
        log.error("release_not_tried", version=version, why=str(exc))  # noqa: TRY400 - a sentence
        return
    if is_on_trial:
        switch.judge()


@software.command(hidden=True)
@root_option
@click.option("--boot", is_flag=True, required=True)
def judge(root: Path, *, boot: bool) -> None:  # noqa: ARG001 - it is what the unit says
    """Go back from a trial that a reboot has interrupted; `volet-software-boot` runs this."""
    Switch(Places(root)).resume_at_boot()


@software.command()
@root_option
def rollback(root: Path) -> None:
    """Go back to the release before."""
    places = Places(root)
    with places.alone():
        version = Switch(places).rollback(running_unit())
    click.echo(f"Release {version} is the current one again.")


@software.command()
@click.argument("version")
@root_option
def forgive(version: str, root: Path) -> None:
    """Let a release be tried again that did not do well."""
    places = Places(root)
    with places.alone():
        state = places.state()
        if version not in state.condemned:
            raise ConfigError(f"The release {version} is not condemned.")
        kept = tuple(each for each in state.condemned if each != version)
        places.keep_state(VersionsSeen(highest=state.highest, condemned=kept))
    click.echo(f"Release {version} may be tried again.")


@software.command()
@root_option
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def status(root: Path, *, is_json: bool) -> None:
    """Show which releases are here, which runs, and what is known of them."""
    places = Places(root)
    state = places.state()
    known = SoftwareStatus(
        places.linked("current"),
        places.linked("previous"),
        tuple(places.complete()),
        state.highest,
        state.condemned,
        places.trial(),
    )
    if is_json:
        click.echo(msgspec.json.encode(known))
        return
    for version in known.complete:
        notes = [
            note
            for note, holds in (
                ("current", version == known.current),
                ("before it", version == known.previous),
                ("on trial", known.trial is not None and version == known.trial.version),
                ("taken back", version in known.condemned),
            )
            if holds
        ]
        click.echo(f"{version}{': ' if notes else ''}{', '.join(notes)}")
    if not known.complete:
        click.echo(f"No release is installed in {root}.")


def running_unit() -> str | None:
    """Return the chip's unit, None if none is active."""
    listed = subprocess.run(
        ("systemctl", "list-units", "--plain", "--no-legend", CHIP_UNITS),
        capture_output=True,
        text=True,
        check=False,
    )
    for line in listed.stdout.splitlines():
        unit = line.split()[0]
        if show(unit, "ActiveState")["ActiveState"] in {"active", "activating"}:
            return unit
    return None


def _try_apart(
    places: Places, version: str, unit: str, directory: Path, hold_s: float, patience_s: float
) -> None:
    """Have the present release try another, in a unit that outlives this terminal and a kill."""
    program = places.program(places.linked("current") or version)
    options = {"root": places.root, "dir": directory, "hold": hold_s, "patience": patience_s}
    given = (part for name, value in options.items() for part in (f"--{name}", str(value)))
    done = subprocess.run(
        (
            *("systemd-run", "--quiet", "--collect", f"--unit={TRIAL_UNIT}", *_AGAIN),
            *(str(program), "software", "try-out", *given, version, unit),
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ConfigError(f"The trial cannot begin: {done.stderr.strip() or 'no reason given'}.")


def _named(manifest: SoftwareManifest) -> str:
    return f"Release {manifest.version} of {manifest.created_at:%d %B %Y}"
