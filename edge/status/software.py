"""The release that this program is of: whether it is on trial, and which one was taken back.

`volet software` notes both beside the releases, where everybody may read them; the chip needs no
right for it, and asks nobody.
"""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from protocol.calendar import Instant
from protocol.json_text import read_json

# Now, since `current` leads to another release later: ROOT/releases/VERSION/venv.
PREFIX = Path(sys.prefix).resolve()
BYTES_MAX = 64_000

T = TypeVar("T")
_Version = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z.+-]{1,64}(?!\n)$")]


class ReleaseTakenBack(msgspec.Struct, frozen=True):
    """A release that was tried and did not stay, the one that runs instead, and since when."""

    version: _Version
    to: _Version
    at: Instant


class SoftwareState(msgspec.Struct, frozen=True):
    """The release of this program.

    Attributes:
        version: its version.
        is_on_trial: it was switched to, and has still to prove that it does well.
        taken_back: the release that was tried last and taken back to this one, None if none was.
    """

    version: str
    is_on_trial: bool = False
    taken_back: ReleaseTakenBack | None = None


class _OnTrial(msgspec.Struct, frozen=True):
    version: _Version


class _Noted(msgspec.Struct, frozen=True):
    taken_back: ReleaseTakenBack | None = None


def read_software(prefix: Path | None = None) -> SoftwareState | None:
    """Return the state of the release of this program, or of the one whose Python is in `prefix`.

    None if it is of no release. What cannot be read is not known, and not told.
    """
    release = (PREFIX if prefix is None else prefix).parent
    if release.parent.name != "releases":
        return None
    root, version = release.parents[1], release.name
    trial, noted = _read(root / "trial.json", _OnTrial), _read(root / "state.json", _Noted)
    taken_back = None if noted is None else noted.taken_back
    return SoftwareState(
        version,
        is_on_trial=trial is not None and trial.version == version,
        taken_back=taken_back if taken_back is not None and taken_back.to == version else None,
    )


def _read(path: Path, kind: type[T]) -> T | None:
    with suppress(OSError, msgspec.MsgspecError), path.open("rb") as file:
        return read_json(file.read(BYTES_MAX), kind)
    return None
