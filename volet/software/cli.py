"""`volet software`: install signed releases, switch between them, and go back."""

import time
from pathlib import Path

import click
import msgspec
import structlog

from protocol.errors import ConfigError, VoletError
from system.commands import Change, changing
from system.shell import quoted
from system.systemd import show
from volet.software import building, receiving
from volet.software.checking import check_release
from volet.software.following import fetch, follow, take_fetched, try_fetched, update
from volet.software.manifest import SoftwareManifest, Version
from volet.software.options import chip_option, hold_option, patience_option, root_option
from volet.software.places import Following, Places, Rollback, Trial
from volet.software.publishing import publish
from volet.software.removal import remove
from volet.software.switching import Switch
from volet.software.trying import TRIAL_UNIT, running_unit, try_apart

_POLL_S = 1.0

log = structlog.get_logger()


class SoftwareStatus(msgspec.Struct, frozen=True):
    """What `status` shows."""

    current: Version | None
    previous: Version | None
    complete: tuple[Version, ...]
    highest: Version | None
    condemned: tuple[Version, ...]
    trial: Trial | None
    rollback: Rollback | None
    following: Following | None


@click.group()
def software() -> None:
    """Install signed releases, switch between them, and go back."""


for each in (follow, update, fetch, take_fetched, try_fetched, publish, remove):
    software.add_command(each)


@software.command()
@click.argument("archive", type=click.Path(path_type=Path, exists=True))
@root_option
def verify(archive: Path, root: Path) -> None:
    """Check an archive's signature, hashes, machine and age, and change nothing."""
    manifest = receiving.verify(Places(root), archive)
    click.echo(f"{_named(manifest)} is signed by the key of this machine, and complete.")


@software.command()
@click.argument("archive", type=click.Path(path_type=Path, exists=True))
@root_option
@changing
def install(archive: Path, root: Path) -> Change:
    """Verify an archive and build its release beside the others; what runs goes on."""
    places = Places(root)
    with places.alone():
        before = places.complete()
        manifest = receiving.receive(places, archive)
        building.build(places, manifest)
    click.echo(
        f"{_named(manifest)} is installed. Next: `volet software activate {quoted(manifest.version)}`."
    )
    return Change(manifest.version not in before, {"version": manifest.version})


@software.command()
@click.argument("version")
@root_option
@chip_option
def check(version: str, root: Path, directory: Path) -> None:
    """Have an installed release rehearse with what is here; nothing is switched.

    A chip's decodes, encrypts, opens, and reads a copy of the vault; a server's reads configuration
    and keys, and the version of each database.
    """
    check_release(Places(root), version, directory)
    click.echo(f"Release {version} can do its work with what is here.")


@software.command(hidden=True)
@chip_option
@click.option("--server", is_flag=True, help="Of a server's directory.")
def rehearse(directory: Path, *, server: bool) -> None:
    """Rehearse what a chip or a server does; `check` has another release run this."""
    # Imported late: the installer has neither SEAL nor NumPy, and a server no SEAL.
    if server:
        from volet.software import server_rehearsal  # noqa: PLC0415

        server_rehearsal.rehearse(directory)
    else:
        from volet.software import rehearsal  # noqa: PLC0415

        rehearsal.rehearse(directory)


@software.command()
@click.argument("version")
@root_option
@chip_option
@hold_option
@patience_option
@changing
def activate(version: str, root: Path, directory: Path, hold_s: float, patience_s: float) -> bool:
    """Check a release and switch to it; it is taken back if the chip does worse than before.

    The trial goes on if this command is ended.
    """
    places, switch = Places(root), Switch(Places(root))
    places.check_is_ours()
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
        return not is_current
    try_apart(places, version, unit, directory, hold_s, patience_s)
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
    return True


@software.command(hidden=True)
@click.argument("version")
@click.argument("unit")
@root_option
@chip_option
@hold_option
@patience_option
@click.option("--rehearse", "is_rehearsed_first", is_flag=True, help="Have it rehearse before.")
def try_out(
    version: str,
    unit: str,
    root: Path,
    directory: Path,
    hold_s: float,
    patience_s: float,
    *,
    is_rehearsed_first: bool,
) -> None:
    """Switch to a release and judge it: `volet-trial` runs this, and again if it is killed."""
    places, switch = Places(root), Switch(Places(root))
    try:
        if is_rehearsed_first and places.trial() is None:
            check_release(places, version, directory)
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
    """Go back where a reboot has interrupted a trial or a rollback; `volet-software-boot` runs this."""
    Switch(Places(root)).resume_at_boot()


@software.command()
@root_option
@changing
def rollback(root: Path) -> Change:
    """Go back to the release before; where that was interrupted, end it."""
    places = Places(root)
    with places.alone():
        version = Switch(places).rollback(running_unit())
    click.echo(f"Release {version} is the current one again.")
    return Change(is_changed=True, facts={"version": version})


@software.command()
@click.argument("version")
@root_option
@changing
def forgive(version: str, root: Path) -> bool:
    """Let a release be tried again that did not do well."""
    places = Places(root)
    with places.alone():
        state = places.state()
        if version not in state.condemned:
            raise ConfigError(f"The release {version} is not condemned.")
        kept = tuple(each for each in state.condemned if each != version)
        last = state.taken_back
        taken_back = None if last is not None and last.version == version else last
        places.keep_state(msgspec.structs.replace(state, condemned=kept, taken_back=taken_back))
    click.echo(f"Release {version} may be tried again.")
    return True


@software.command()
@root_option
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def status(root: Path, *, is_json: bool) -> None:
    """Show which releases are here, which runs, and what is known of them."""
    places = Places(root)
    state, current, previous = places.state(), places.linked("current"), places.linked("previous")
    known = SoftwareStatus(
        current,
        previous if previous != current else None,
        tuple(places.complete()),
        state.highest,
        state.condemned,
        places.trial(),
        places.rollback(),
        places.following(),
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
    if known.rollback is not None:
        click.echo(
            f"The way back to {known.rollback.back_to} was interrupted; "
            "`volet software rollback` ends it."
        )
    if not known.complete:
        click.echo(f"No release is installed in {root}.")
    if known.following is not None:
        when = "each day" if known.following.is_daily else "by `volet software update`"
        click.echo(f"Newer ones are fetched from {known.following.address}, {when}.")


def _named(manifest: SoftwareManifest) -> str:
    return f"Release {manifest.version} of {manifest.created_at:%d %B %Y}"
