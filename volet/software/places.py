"""Where the releases of a machine lie, and what is known of them.

releases/VERSION/{venv,units,lock.txt,manifest.json,manifest.sig,complete}
wheels/SHA256         what releases are made of; only what is missing need be sent
current, previous     links to releases
release.pub           the key that signs releases
state.json            versions seen and condemned
trial.json            the release that is on trial, if one is
rollback.json         the releases between which a person goes back, until that is done
following.json        from where releases are fetched, if the household wants that
pulled.json           the release that was fetched, and how often it was tried by itself
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from protocol.calendar import Instant
from protocol.errors import ConfigError, DocumentRefused
from protocol.json_text import read_json
from system.files import read_document, sync_dir, write_public
from system.locks import take_lock
from system.shell import quoted
from system.systemd import UNITS
from volet.software.health import Health
from volet.software.manifest import (
    WHEELS,
    SoftwareManifest,
    Version,
    is_version,
    order,
    read_manifest,
)

ROOT = Path("/opt/volet")
# What a machine has of a release's units, by what it is; the installer takes the same.
LINKED_UNITS = {
    "edge": ("volet-edge*", "volet-software*"),
    "cloud": (
        *("volet.target", "volet-software*", "volet-worker*", "volet-api*", "volet-release*"),
        *("volet-cloud*", "volet-trustee*", "volet-monitor*"),
    ),
}
_OURS = {
    *("releases", "wheels", "current", "previous", "release.pub", "installed", "state.json"),
    *("trial.json", "rollback.json", "following.json", "pulled.json"),
}
# A host by its name, a port, folders; no user, no question, nothing that a shell or a log trips over.
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_PORT = r"[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
_ADDRESS = (
    rf"^https://{_LABEL}(\.{_LABEL}){{0,20}}(:({_PORT}))?"
    r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*(?!\n)$"
)

Address = Annotated[str, msgspec.Meta(pattern=_ADDRESS, max_length=400)]
Kept = TypeVar("Kept")


class TakenBack(msgspec.Struct, frozen=True):
    """A release that was tried and taken back: to which one, and when. The chip tells of it."""

    version: Version
    to: Version
    at: Instant


class VersionsSeen(msgspec.Struct, frozen=True):
    """What outlives releases: the highest version seen, and those that did not do well.

    `taken_back` is the last one that was.
    """

    highest: Version | None = None
    condemned: tuple[Version, ...] = ()
    taken_back: TakenBack | None = None

    def check_is_no_older(self, version: str) -> None:
        """Refuse a release that is older than the highest seen; raises DocumentRefused."""
        if self.highest is not None and order(version) < order(self.highest):
            raise DocumentRefused(
                f"The release {version} is older than {self.highest}, which was here; to go back "
                "to one that is still here there is `volet software rollback`."
            )


class Trial(msgspec.Struct, frozen=True):
    """A release that has been switched to and not been found healthy yet.

    Attributes:
        version: the release.
        back_to: the one before; `before_that`: the one before that, None if there was none.
        unit: the systemd unit that runs it; `directory`: the chip's.
        boot: the boot in which it was switched to.
        before: how the unit did before.
        hold_s, patience_s: for how long it must do well, and within what time.
    """

    version: Version
    back_to: Version
    before_that: Version | None
    unit: str
    directory: str
    boot: str
    before: Health
    hold_s: float
    patience_s: float


class Following(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the household lets releases be fetched from.

    Attributes:
        address: that of a server's folder, without a slash at the end.
        is_daily: a timer fetches and tries them; otherwise a person calls.
    """

    address: Address
    is_daily: bool


class Pulled(msgspec.Struct, frozen=True):
    """The last release that was fetched and installed, and how often it was tried by itself."""

    version: Version
    tries: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0


class Rollback(msgspec.Struct, frozen=True):
    """A person's way back that has begun: from a release to the one before."""

    version: Version
    back_to: Version


@dataclass(frozen=True, slots=True)
class Places:
    """The directory of a machine's software, and that of its units."""

    root: Path = ROOT
    units: Path = UNITS

    @property
    def wheels(self) -> Path:
        """The wheels, by hash."""
        return self.root / "wheels"

    @property
    def trial_file(self) -> Path:
        """There while a release is on trial."""
        return self.root / "trial.json"

    def release(self, version: str) -> Path:
        """Return the directory of a release."""
        return self.root / "releases" / version

    def program(self, version: str) -> Path:
        """Return the `volet` command of a release."""
        return self.release(version) / "venv/bin/volet"

    def key(self) -> Ed25519PublicKey:
        """Return the key that signs releases; raises ConfigError."""
        path = self.root / "release.pub"
        try:
            key = load_pem_public_key(read_document(path, "The installer puts it there."))
        except (ValueError, UnsupportedAlgorithm) as exc:
            raise ConfigError(f"{path} is no public key.") from exc
        if not isinstance(key, Ed25519PublicKey):
            raise ConfigError(f"{path} is no Ed25519 key.")
        return key

    def manifest(self, version: str) -> SoftwareManifest:
        """Return the manifest of a release that is complete; raises ConfigError if it is not."""
        release = self.release(version)
        if not is_version(version) or not (release / "complete").exists():
            raise ConfigError(
                f"The release {quoted(version)} is not here as a whole; `volet software status` shows "
                "which ones are."
            )
        data, signature = (
            (release / name).read_bytes() for name in ("manifest.json", "manifest.sig")
        )
        return read_manifest(data, signature, self.key())

    def extra(self) -> str | None:
        """Return what this machine is, by its current release; None if it has none."""
        current = self.linked("current")
        return None if current is None else self.manifest(current).extra

    def complete(self) -> list[str]:
        """Return the versions that are here as a whole, the oldest first."""
        found = (path.parent.name for path in self.root.glob("releases/*/complete"))
        return sorted(filter(is_version, found), key=order)

    def nearest(self, manifest: SoftwareManifest) -> str | None:
        """Return the complete release that has most in common with another, None if none has.

        Its wheels are for the same kind of machine. Volet's own differs in each.
        """
        best, most = None, 0
        for version in self.complete():
            other = self.manifest(version)
            if (other.architecture, other.python) == (manifest.architecture, manifest.python):
                known = {file.sha256 for file in other.under(WHEELS)}
                size = sum(file.size for file in manifest.under(WHEELS) if file.sha256 in known)
                if version != manifest.version and size > 0 and size >= most:
                    best, most = version, size
        return best

    def forget_wheels(self) -> None:
        """Remove wheels that no release here consists of."""
        named = {
            file.sha256
            for version in self.complete()
            for file in self.manifest(version).under(WHEELS)
        }
        for path in self.wheels.iterdir():
            if path.name not in named:
                path.unlink()

    def forget_half_built(self) -> None:
        """Remove what is left of releases that were never complete, or are half removed."""
        for path in (*self.root.glob("releases/*"), *self.root.glob("tmp*")):
            if not (path / "complete").exists():
                shutil.rmtree(path, ignore_errors=True)

    def linked(self, name: str) -> str | None:
        """Return the version to which `current` or `previous` points."""
        try:
            return (self.root / name).readlink().name
        except OSError:
            return None

    def link(self, name: str, version: str) -> None:
        """Let `current` or `previous` point to a release, in one step."""
        beside = self.root / f".{name}"
        beside.unlink(missing_ok=True)
        beside.symlink_to(Path("releases") / version)
        beside.replace(self.root / name)
        sync_dir(self.root)

    def link_units(self) -> None:
        """Link units that the current release brings, on a machine that has units of ours.

        The links name `current`, so those that are there go with every switch.
        """
        inside = self.root / "current/units"
        linked = [link for link in self.units.glob("volet*") if link.is_symlink()]
        if not any(link.readlink().is_relative_to(self.root) for link in linked):
            return
        extra = self.extra()
        for pattern in LINKED_UNITS[extra] if extra else ():
            for unit in sorted(inside.glob(pattern)):
                link = self.units / unit.name
                if not link.is_symlink() and not link.exists():
                    link.symlink_to(inside / unit.name)
        sync_dir(self.units)

    def state(self) -> VersionsSeen:
        """Return what is known of versions."""
        return _read(self.root / "state.json", VersionsSeen) or VersionsSeen()

    def keep_state(self, state: VersionsSeen) -> None:
        """Keep what is known of versions."""
        write_public(self.root / "state.json", msgspec.json.encode(state))

    def trial(self) -> Trial | None:
        """Return the trial that runs, or was interrupted."""
        return _read(self.trial_file, Trial)

    def keep_trial(self, trial: Trial) -> None:
        """Keep a trial until its end, also over a power cut."""
        write_public(self.trial_file, msgspec.json.encode(trial))

    def end_trial(self) -> None:
        """Forget the trial."""
        self.trial_file.unlink(missing_ok=True)
        sync_dir(self.root)

    def following(self) -> Following | None:
        """Return from where releases are fetched, None if the household does not want it."""
        return _read(self.root / "following.json", Following)

    def keep_following(self, following: Following | None) -> None:
        """Keep from where releases are fetched."""
        path = self.root / "following.json"
        if following is None:
            path.unlink(missing_ok=True)
        else:
            write_public(path, msgspec.json.encode(following))

    def pulled(self) -> Pulled | None:
        """Return the release that was fetched last."""
        return _read(self.root / "pulled.json", Pulled)

    def keep_pulled(self, pulled: Pulled) -> None:
        """Keep which release was fetched last."""
        write_public(self.root / "pulled.json", msgspec.json.encode(pulled))

    def rollback(self) -> Rollback | None:
        """Return a person's way back that was begun and not ended."""
        return _read(self.root / "rollback.json", Rollback)

    def keep_rollback(self, rollback: Rollback) -> None:
        """Keep a way back until its end, also over a power cut."""
        write_public(self.root / "rollback.json", msgspec.json.encode(rollback))

    def end_rollback(self) -> None:
        """Forget the way back, which is done."""
        (self.root / "rollback.json").unlink(missing_ok=True)
        sync_dir(self.root)

    def remove(self, version: str) -> None:
        """Remove a release; one that is half removed counts as none."""
        release = self.release(version)
        (release / "complete").unlink(missing_ok=True)
        shutil.rmtree(release, ignore_errors=True)

    def check_is_ours(self) -> None:
        """Raise ConfigError if there is no software, or this user may not change it."""
        if not self.root.is_dir():
            raise ConfigError(f"No release is installed in {self.root}.")
        if not os.access(self.root, os.W_OK):
            raise ConfigError(f"{self.root} may only be changed by root; put `sudo` before this.")

    def check_is_nothing_else(self) -> None:
        """Raise ConfigError if the directory holds what is no part of the software."""
        foreign = sorted(
            path.name
            for path in self.root.iterdir()
            if path.name not in _OURS and not path.name.startswith((".", "tmp"))
        )
        if foreign:
            raise ConfigError(
                f"{self.root} holds {quoted(foreign[0])}, which is no part of Volet; move it elsewhere, "
                "or name the directory of the releases with --root."
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Change the software alone; raises ConfigError if another command does."""
        if self.root.is_dir():
            self.check_is_ours()
        self.root.mkdir(parents=True, exist_ok=True)
        lock = take_lock(self.root / ".lock", is_made=True)
        if lock is None:
            raise ConfigError("Another `volet software` is at work; wait for it.")
        try:
            yield
        finally:
            os.close(lock)


def _read(path: Path, kind: type[Kept]) -> Kept | None:
    if not path.exists():
        return None
    try:
        return read_json(path.read_bytes(), kind)
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path} cannot be read: {exc}.") from exc
