"""Has releases come by themselves, or at a call: by an address that the household gives, or not at all.

Three units share the work, each of which starts the next one. `volet-update` has the network, and no
right on this machine but to its own directory. `volet-update-install` is root and has no network, nor
any socket: it takes what the first has left there, verifies and builds it. `volet-update-activate`
has the trial begin, in the unit that judges every release.
"""

import subprocess
import time
from pathlib import Path

import click
import msgspec

from protocol.errors import ConfigError, DocumentRefused, VoletError
from system.commands import changing
from system.systemd import show
from volet.software import building, receiving
from volet.software.download import ReleaseServer
from volet.software.fetching import fetch as fetch_newest
from volet.software.fetching import why_not
from volet.software.options import chip_option, hold_option, patience_option, root_option
from volet.software.places import Following, Places, Pulled
from volet.software.removal import FETCHED, UNITS, Run, forget_fetched, run_program
from volet.software.switching import Switch
from volet.software.trying import TRIAL_UNIT, running_unit, try_apart

TIMER, FETCH_UNIT = "volet-update.timer", "volet-update.service"
CHAIN = (FETCH_UNIT, "volet-update-install.service", "volet-update-activate.service")
_POLL_S = 1.0
_WAITING = "auto-restart"  # the network was away; a quarter of an hour


def following_of(address: str, *, is_daily: bool) -> Following:
    """Return a setting; raises ConfigError if `address` is none of a folder by HTTPS."""
    try:
        return msgspec.convert({"address": address.rstrip("/"), "is_daily": is_daily}, Following)
    except msgspec.ValidationError as exc:
        raise ConfigError(
            f"{address!r} is no address to fetch from: it begins with https://, and has a host by "
            "its name and perhaps a port and folders, without user, `?` or `#`."
        ) from exc


class Follower:
    """Lets one machine follow an address, or not any more.

    Args:
        places: where releases lie.
        machine: the root of the system.
        run: runs a program and returns what it prints.
    """

    def __init__(self, places: Places, machine: Path = Path("/"), run: Run | None = None) -> None:
        self._places = places
        self._units = machine / UNITS
        self._wanted = self._units / "timers.target.wants" / TIMER
        self._machine = machine
        self._run = run or run_program

    def follow(self, address: str, *, is_daily: bool) -> None:
        """Follow an address from now on, each day or at a call.

        Raises:
            ConfigError: it is no address of a folder by HTTPS, or no release is installed here.
        """
        following = following_of(address, is_daily=is_daily)
        released = self._places.root / "current/units"
        for name in (TIMER, *CHAIN):
            if not (released / name).exists():
                raise ConfigError(f"{released} has no {name}; have a release installed first.")
        self._places.keep_following(following)
        self._take_away()
        for name in (TIMER, *CHAIN):
            (self._units / name).symlink_to(released / name)
        if is_daily:  # not by `systemctl enable`, whose link would lead to the present release
            self._wanted.parent.mkdir(exist_ok=True)
            self._wanted.symlink_to(f"../{TIMER}")
        self._run("systemctl", "daemon-reload")
        if is_daily:
            self._run("systemctl", "start", TIMER)
            if self._run("systemctl", "is-active", TIMER).strip() != "active":
                raise ConfigError(f"systemd does not start {TIMER}; `systemctl status {TIMER}`.")

    def stop(self) -> None:
        """Follow nothing any more; what was fetched and not installed goes."""
        self._places.keep_following(None)
        self._take_away()
        self._run("systemctl", "daemon-reload")
        forget_fetched(self._machine)

    def _take_away(self) -> None:
        """Stop the units, the timer first, and remove their links."""
        self._run("systemctl", "stop", TIMER, *CHAIN)
        for link in (self._wanted, *(self._units / name for name in (TIMER, *CHAIN))):
            link.unlink(missing_ok=True)


@click.command()
@click.argument("address", required=False)
@click.option("--off", "is_off", is_flag=True, help="Follow nothing any more.")
@click.option("--by-hand", is_flag=True, help="Look at a call only, `volet software update`.")
@root_option
@changing
def follow(address: str | None, root: Path, *, is_off: bool, by_hand: bool) -> bool:
    """Have newer releases come from ADDRESS, `https://…`, each day; off unless this is called.

    A release has to be signed by the key of this machine, and is tried as any other.
    """
    if is_off == (address is not None):
        raise click.UsageError("Give an address, or --off.")
    places = Places(root)
    places.check_is_ours()
    follower, before = Follower(places), places.following()
    if address is None:
        follower.stop()
        click.echo("No release is fetched from now on.")
        return before is not None
    follower.follow(address, is_daily=not by_hand)
    click.echo(
        f"Releases are fetched from {address} {'at a call' if by_hand else 'each day'}. Its operator "
        "learns your IP address and which release you lack. Now: `sudo volet software update`; "
        "never again: `sudo volet software follow --off`."
    )
    return places.following() != before


@click.command()
@root_option
@changing
def update(root: Path) -> bool:
    """Look now for a newer release at the address that is followed, install it and try it."""
    places = Places(root)
    places.check_is_ours()
    _address(places)
    before, begun_s = places.linked("current"), time.time()
    condemned = {*places.state().condemned}
    # What failed before says nothing of this time, nor is a person to be kept to so many a day.
    subprocess.run(("systemctl", "reset-failed", *CHAIN), capture_output=True, check=False)
    if show(FETCH_UNIT, "SubState")["SubState"] == _WAITING:  # `start` would wait with it
        subprocess.run(("systemctl", "stop", FETCH_UNIT), capture_output=True, check=False)
    done = subprocess.run(("systemctl", "start", FETCH_UNIT), capture_output=True, check=False)
    left = list(CHAIN)
    while True:
        is_at_work = any(_is_at_work(unit) for unit in (*CHAIN, TRIAL_UNIT))
        # Each as soon as it is done: on a Pi, all of it takes minutes.
        while left and not done.returncode and (said := _done(left[0], begun_s)):
            click.echo(said)
            left.pop(0)
        if not is_at_work:
            break
        time.sleep(_POLL_S)
    for unit in left:
        said = _said(unit, begun_s)
        if done.returncode or show(unit, "ActiveState")["ActiveState"] == "failed":
            look = f"`journalctl -u {unit}` says why."
            raise VoletError(said or f"{unit} failed; {look}")
        if said:
            click.echo(said)
    pulled, now = places.pulled(), places.linked("current")
    if pulled is not None and pulled.version in {*places.state().condemned} - condemned:
        raise VoletError(
            f"Release {pulled.version} did not do well and was taken back; {now} runs. "
            f"`journalctl -u {TRIAL_UNIT}` says why."
        )
    if now != before:
        click.echo(f"Release {now} does well.")
    return now != before


@click.command()
@root_option
@click.option("--from", "address", help="Instead of the address that is followed.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Where it is put.",
)
def fetch(root: Path, address: str | None, into: Path) -> None:
    """Fetch what is missing here of a newer release; nothing is installed.

    `volet software install` takes the directory as it takes an archive.
    """
    places = Places(root)
    if address is not None:
        address = following_of(address, is_daily=False).address
    server = ReleaseServer(address or _address(places))
    places.key()
    into.mkdir(parents=True, exist_ok=True)
    found = fetch_newest(places, server, into)
    if found.why_not is not None:
        click.echo(
            f"Release {found.version} is the newest there, and stays there: {found.why_not}."
        )
    else:
        click.echo(f"Release {found.version} is fetched: {found.got_bytes / 1e6:.1f} MB.")


@click.command(hidden=True)
@root_option
@click.option("--fetched", type=click.Path(path_type=Path), default=FETCHED, show_default=True)
def take_fetched(root: Path, fetched: Path) -> None:
    """Verify and build what was fetched: `volet-update-install` runs this, without a network."""
    places = Places(root)
    places.key()
    with places.alone():
        version = receiving.verify(places, fetched).version
        if (why := why_not(places, version)) is not None:
            raise DocumentRefused(f"The release {version} that was fetched is not taken: {why}.")
        building.build(places, receiving.receive(places, fetched))
        pulled = places.pulled()
        if pulled is None or pulled.version != version:
            places.keep_pulled(Pulled(version))
    click.echo(f"Release {version} is installed.")


@click.command(hidden=True)
@root_option
@chip_option
@hold_option
@patience_option
def try_fetched(root: Path, directory: Path, hold_s: float, patience_s: float) -> None:
    """Have the release tried that was fetched: `volet-update-activate` runs this."""
    places = Places(root)
    pulled = places.pulled()
    if pulled is None:
        raise ConfigError("No release that was fetched waits to be tried.")
    if (why := why_not(places, pulled.version)) is not None:
        raise DocumentRefused(f"The release {pulled.version} is not tried: {why}.")
    Switch(places).check(pulled.version)
    unit = running_unit()
    if unit is None:
        click.echo(f"Release {pulled.version} waits: no chip runs that would show how it does.")
        return
    places.keep_pulled(Pulled(pulled.version, pulled.tries + 1))
    try_apart(places, pulled.version, unit, directory, hold_s, patience_s, is_rehearsed=False)
    click.echo(f"Release {pulled.version} is tried; it has to do well for {hold_s:g} s.")


def _address(places: Places) -> str:
    following = places.following()
    if following is None:
        raise ConfigError(
            "No address is followed; `sudo volet software follow https://…` names one."
        )
    return following.address


def _is_at_work(unit: str) -> bool:
    shown = show(unit, "ActiveState", "SubState", "Job")
    is_at_rest = shown["ActiveState"] in {"inactive", "failed"}
    is_active = not is_at_rest and shown["SubState"] != _WAITING
    return is_active or shown["Job"] not in {"", "0"}


def _done(unit: str, since_s: float) -> str:
    """Return what a unit has said that has ended well since a time, "" if it has not."""
    is_good = show(unit, "ActiveState")["ActiveState"] != "failed"
    return _said(unit, since_s) if is_good and not _is_at_work(unit) else ""


def _said(unit: str, since_s: float) -> str:
    """Return the last sentence that a unit's program has printed since a time."""
    subprocess.run(("journalctl", "--sync"), capture_output=True, check=False)
    done = subprocess.run(
        (
            *("journalctl", "--quiet", "--unit", unit, "--identifier", "volet", "--output=cat"),
            *("--since", f"@{int(since_s)}"),
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines() or [""]
    return lines[-1].removeprefix("volet: ")
