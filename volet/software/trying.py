"""Has a release tried apart from whoever asks for it, in the unit that judges every release."""

import subprocess
from pathlib import Path

from protocol.errors import ConfigError
from system.systemd import show
from volet.software.health import SERVER
from volet.software.places import Places

UNITS = ("volet-edge@*.service", SERVER)
TRIAL_UNIT = "volet-trial"
# A trial whose process is killed goes on in a new one; where that cannot be, the boot goes back.
_AGAIN = (
    *("--property=Restart=on-failure", "--property=RestartSec=5"),
    *("--property=StartLimitIntervalSec=600", "--property=StartLimitBurst=20"),
)


def running_unit() -> str | None:
    """Return the unit of the chip or of the server, None if none is active."""
    listed = subprocess.run(
        ("systemctl", "list-units", "--plain", "--no-legend", *UNITS),
        capture_output=True,
        text=True,
        check=False,
    )
    for line in listed.stdout.splitlines():
        unit = line.split()[0]
        if show(unit, "ActiveState")["ActiveState"] in {"active", "activating"}:
            return unit
    return None


def try_apart(
    places: Places,
    version: str,
    unit: str,
    directory: Path,
    hold_s: float,
    patience_s: float,
    *,
    is_rehearsed: bool = True,
) -> None:
    """Have the present release try another, in a unit that outlives this terminal and a kill.

    Where the other has not rehearsed yet, it does so there first.

    Raises:
        ConfigError: systemd does not start it.
    """
    program = places.program(places.linked("current") or version)
    options = {"root": places.root, "dir": directory, "hold": hold_s, "patience": patience_s}
    given = (part for name, value in options.items() for part in (f"--{name}", str(value)))
    first = () if is_rehearsed else ("--rehearse",)
    done = subprocess.run(
        (
            *("systemd-run", "--quiet", "--collect", f"--unit={TRIAL_UNIT}", *_AGAIN),
            *(str(program), "software", "try-out", *given, *first, version, unit),
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ConfigError(f"The trial cannot begin: {done.stderr.strip() or 'no reason given'}.")
