"""How the unit that runs the software does, before and after a switch.

A chip has one; a server has a target, which its programs are a part of.
"""

import subprocess
from pathlib import Path

import msgspec

from edge.stage import ENROLMENT
from protocol.json_text import read_json
from system.process_status import status_field
from system.systemd import show

SERVER = "volet.target"
# A chip takes 80 to 100 MB.
MEMORY_MAX_MB = 200
# The blocks of two days. After a restart a chip may make those of a day anew, and when a day is
# closed it deletes one that the cloud has had for long.
TWO_DAYS_BLOCKS = 192
_STATUS_S = 60.0
_NOT_WELL = {"failed", "activating", "deactivating"}


class Health(msgspec.Struct, frozen=True):
    """A unit at one moment.

    Attributes:
        is_active: it has reported that it is ready, and runs.
        restarts: how often systemd had to start it again.
        memory_mb: what its program has resident.
        is_enrolled: whether the chip is; before, its program looks at the line and reports nothing,
            as a server's never do.
        is_line_good, is_session_up: None if the program reports nothing.
        outbox_depth: the messages that wait for the cloud, None if the program reports nothing.
        blocks: those and the blocks that the cloud has, as far as the chip keeps them.
    """

    is_active: bool
    restarts: int = 0
    memory_mb: int = 0
    is_enrolled: bool = True
    is_line_good: bool | None = None
    is_session_up: bool | None = None
    outbox_depth: int | None = None
    blocks: int | None = None


class _Line(msgspec.Struct, frozen=True):
    is_good: bool


class _Session(msgspec.Struct, frozen=True):
    is_up: bool


class _Presence(msgspec.Struct, frozen=True):
    line: _Line
    session: _Session


class _Report(msgspec.Struct, frozen=True):
    """What is used of `volet edge status --json`."""

    presence: _Presence | None = None
    outbox_depth: int | None = None
    blocks: int | None = None


def health_of(unit: str, program: Path, directory: Path) -> Health:
    """Ask systemd how a unit does, and `program` how its chip does."""
    if unit == SERVER:
        return _of_server()
    shown = show(unit, "ActiveState", "NRestarts", "MainPID", "User")
    if shown["ActiveState"] != "active":
        return Health(is_active=False, restarts=int(shown["NRestarts"] or 0))
    resident_kb = _resident_kb(int(shown["MainPID"]))
    report = _reported(program, directory, shown["User"] or "root")
    presence = report.presence
    return Health(
        is_active=True,
        restarts=int(shown["NRestarts"]),
        memory_mb=resident_kb >> 10,
        is_enrolled=(directory / ENROLMENT).exists(),
        is_line_good=presence.line.is_good if presence else None,
        is_session_up=presence.session.is_up if presence else None,
        outbox_depth=report.outbox_depth,
        blocks=report.blocks,
    )


def _of_server() -> Health:
    """Return how a server's programs do; those that were stopped by hand do not count."""
    units = [
        show(unit, "ActiveState", "NRestarts")
        for unit in show(SERVER, "ConsistsOf")["ConsistsOf"].split()
    ]
    return Health(
        is_active=not any(unit["ActiveState"] in _NOT_WELL for unit in units),
        restarts=sum(int(unit["NRestarts"] or 0) for unit in units),
        is_enrolled=False,
    )


def problem(before: Health, now: Health) -> str | None:
    """Return what is worse than before, None if nothing is.

    A broker that is away condemns no release: there need be a session only if there was one.
    """
    if not now.is_active:
        return "it does not run"
    lost, waiting = _lost(before, now), _more_waiting(before, now)
    worse = {
        f"it had to be started again {now.restarts} times": now.restarts > 0,
        f"it takes {now.memory_mb} MB of memory": now.memory_mb > MEMORY_MAX_MB,
        "it reports nothing of itself": now.is_enrolled and now.is_line_good is None,
        "it does not read the meter, which was read before": (
            before.is_line_good and not now.is_line_good
        ),
        "it has no session with the broker, and there was one before": (
            before.is_session_up and not now.is_session_up
        ),
        "it does not report its outbox, and did before": (
            before.outbox_depth is not None and now.outbox_depth is None
        ),
        f"it has lost {lost} blocks": lost > 0,
        f"{waiting} messages more wait for the cloud than before": waiting > TWO_DAYS_BLOCKS,
    }
    return next((why for why, is_so in worse.items() if is_so), None)


def _lost(before: Health, now: Health) -> int:
    """Return how many blocks are gone, 0 if that may be right.

    A block that the cloud acknowledges leaves the outbox and stays among the blocks. What is
    deleted after long had left the outbox before.
    """
    if None in {before.blocks, before.outbox_depth, now.blocks, now.outbox_depth}:
        return 0
    gone = (before.blocks or 0) - (now.blocks or 0)
    left = (before.outbox_depth or 0) - (now.outbox_depth or 0)
    return gone if 0 < gone <= left or gone > TWO_DAYS_BLOCKS else 0


def _more_waiting(before: Health, now: Health) -> int:
    if before.outbox_depth is None or now.outbox_depth is None:
        return 0
    return now.outbox_depth - before.outbox_depth


def _resident_kb(process: int) -> int:
    try:
        return int(status_field("VmRSS", process) or 0)
    except OSError:
        return 0


def _reported(program: Path, directory: Path, user: str) -> _Report:
    """Return what the program reports; as its own user, so that no file there becomes another's."""
    command = ("runuser", "-u", user, "--", str(program), "edge", "status", "--json")
    try:
        done = subprocess.run(
            (*command, "--dir", str(directory)),
            capture_output=True,
            check=False,
            timeout=_STATUS_S,
            cwd="/",
        )
        return read_json(done.stdout, _Report) if done.returncode == 0 else _Report()
    except (OSError, msgspec.MsgspecError, subprocess.TimeoutExpired):
        return _Report()
