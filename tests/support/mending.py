"""Breaks a party as people do, and types the command that its `doctor` names."""

import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import msgspec
from click.testing import CliRunner, Result

from system.findings import EXIT_FOUND, Diagnosis
from volet.main import volet

_SUDO = '#!/bin/sh\nexec "$@"\n'
# Keeps a file for each unit, with the properties that are asked for.
_SYSTEMCTL = """\
#!/bin/sh
units={units}
case $1 in
  show) cat "$units/$2" 2>/dev/null || echo UnitFileState= ;;
  enable) printf 'UnitFileState=enabled\\nActiveState=active\\n' > "$units/$3" ;;
  restart) printf 'UnitFileState=enabled\\nActiveState=active\\n' > "$units/$2" ;;
  daemon-reload) sed -i s/NeedDaemonReload=yes/NeedDaemonReload=no/ "$units"/* ;;
esac
"""


@dataclass(frozen=True)
class Machine:
    """A machine with a `sudo`, a systemd and a clock of its own, for doctors of any party.

    Attributes:
        folder: of what is made for it.
        clock: the file that says that the clock is right, as long as it is fresh.
    """

    folder: Path

    @property
    def clock(self) -> Path:
        return self.folder / "synchronised"

    def put_unit(self, name: str, **properties: str) -> None:
        """Install a unit, as systemd knows it."""
        self._unit_file(name).touch()
        shown = "".join(f"{key}={value}\n" for key, value in properties.items())
        (self.folder / "systemd" / name).write_text(shown)

    def put_template(self, name: str, instance: str, **properties: str) -> None:
        """Install a template, and an instance of it as systemd knows it."""
        self.put_unit(name.replace("@.", f"@{instance}."), **properties)
        self._unit_file(name).touch()

    def _unit_file(self, name: str) -> Path:
        return self.folder / "units" / name


def make_machine(folder: Path, monkeypatch) -> Machine:
    """Make a machine on which nothing is wrong, and have the doctors of this test look at it."""
    for name in ("bin", "units", "systemd"):
        (folder / name).mkdir(parents=True)
    units = shlex.quote(str(folder / "systemd"))
    for name, text in (("sudo", _SUDO), ("systemctl", _SYSTEMCTL.format(units=units))):
        path = folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)
    machine = Machine(folder)
    machine.clock.touch()
    (folder / "swaps").write_text("Filename Type Size Used Priority\n")
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr("system.systemd.UNITS", folder / "units")
    monkeypatch.setattr("system.kernel_clock._kernel_says", lambda: None)
    monkeypatch.setattr("system.kernel_clock.MARK", machine.clock)
    monkeypatch.setattr("system.machine_checks.SWAPS", folder / "swaps")
    return machine


def doctor(party: str, directory: Path, *options: str, is_at_work: bool = False) -> list[Diagnosis]:
    """Return what the doctor of a party finds in its directory; nothing is changed by that.

    If `is_at_work`, a program of the party's changes files there meanwhile.
    """
    before = {} if is_at_work else _state(directory)
    done = CliRunner().invoke(volet, [party, "doctor", "--dir", str(directory), "--json", *options])
    assert is_at_work or _state(directory) == before
    found = msgspec.json.decode(done.stdout, type=list[Diagnosis])
    assert done.exit_code == (EXIT_FOUND if found else 0), done.exception
    return found


def found(party: str, directory: Path, name: str, *, is_at_work: bool = False) -> Diagnosis:
    """Return the one misconfiguration of a name that the doctor finds."""
    (diagnosis,) = [
        each for each in doctor(party, directory, is_at_work=is_at_work) if each.name == name
    ]
    return diagnosis


def mend(diagnosis: Diagnosis) -> None:
    """Type the command that mends a misconfiguration."""
    words = shlex.split(diagnosis.command)
    if "volet" in words[:2]:
        done: Result = CliRunner().invoke(volet, words[words.index("volet") + 1 :])
        assert done.exit_code == 0, done.output + str(done.exception)
    else:
        subprocess.run(diagnosis.command, shell=True, check=True)


def _state(directory: Path) -> dict[Path, tuple[int, ...]]:
    """Return what differs once something below a directory was changed."""
    return {
        path: (status.st_mode, status.st_uid, status.st_mtime_ns, status.st_size)
        for path in sorted(directory.rglob("*"))
        for status in [path.lstat()]
    }
