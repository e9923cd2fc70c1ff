"""A separate Debian, booted in a container: systemd, users, sudo, units, a reboot."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.broker import wait_until
from tests.support.terminal import Terminal

PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "adduser", "sudo", "ca-certificates"),
    *("python3", "python3-venv"),
)
USER = "pi"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
ENTER = ("--mount", "--uts", "--ipc", "--pid")
# Where control groups are mounted that systemd keeps its units in.
GROUPS = ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup")
IN_GROUPS = 'for group in $IN_GROUPS; do echo $$ > "$group/cgroup.procs" || exit; done; exec "$@"'


def skip_without_containers() -> None:
    """Skip the test, with the reason, if no container can be made or booted."""
    for program, package in (("mmdebstrap", "mmdebstrap"), ("systemd-nspawn", "systemd-container")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (package {package})")
    if os.geteuid() != 0:
        pytest.skip("only root may boot a container")


def make_root(root: Path, *more: str) -> None:
    """Make a Debian 12 with a user who may use sudo, like that of Raspberry Pi OS, and `more`."""
    packages = ",".join((*PACKAGES, *more))
    command = ("mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}")
    made = subprocess.run((*command, "bookworm", root), capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no Debian can be made here: {made.stderr.strip().splitlines()[-1:]}")
    inside = ("chroot", str(root))
    subprocess.run(
        (*inside, "adduser", "--quiet", "--disabled-password", "--gecos", "", USER), check=True
    )
    for group in ("sudo", "adm"):
        subprocess.run((*inside, "usermod", "-aG", group, USER), check=True)
    (root / "etc/sudoers.d/pi").write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
    (root / "etc/hostname").write_text("raspberrypi\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost raspberrypi\n")
    _trust_as_this_machine(root)


def _trust_as_this_machine(root: Path) -> None:
    """Give apt and pip this machine's certificates and settings."""
    settings = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    if CERTIFICATES.exists():
        shutil.copyfile(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
        settings["PIP_CERT"] = str(CERTIFICATES)
    lines = "".join(f"{name}={value}\n" for name, value in settings.items())
    with (root / "etc/environment").open("a") as file:
        file.write(lines)


def own_groups() -> list[Path]:
    """Make control groups for one container.

    Without them, those that run at the same time would share the groups of their units, and each
    would end or wait for processes of the other. A machine's own systemd sees to it itself.
    """
    if Path("/run/systemd/system").exists():
        return []
    name = f"volet-{os.getpid()}-{time.monotonic_ns()}"
    made = [Path(at, name) for at in GROUPS if Path(at, "cgroup.procs").exists()]
    for group in made:
        group.mkdir()
    return made


def remove_groups(group: Path) -> None:
    """Remove a control group and those in it, as far as nothing runs there any more."""
    for path in sorted((group, *group.rglob("*/")), reverse=True):
        with contextlib.suppress(OSError):
            path.rmdir()


class Booted:
    """A running container.

    Attributes:
        root: its files, as seen from here.
    """

    def __init__(self, root: Path, options: Sequence[str], log: Path) -> None:
        self.root = root
        self._log = log
        self._groups = own_groups()
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                (
                    *("sh", "-c", IN_GROUPS, "sh"),
                    *("systemd-nspawn", "--boot", "--register=no", "--keep-unit", "--console=pipe"),
                    *("--directory", str(root), *options),
                ),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=os.environ | {"IN_GROUPS": " ".join(map(str, self._groups))},
            )
        wait_until(self._is_up, f"the container to boot; {log}", lambda: log.stat().st_size)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as root."""
        return subprocess.run(
            (*self._enter(), *command), capture_output=True, text=True, check=False
        )

    @contextmanager
    def login(self, user: str = USER) -> Iterator[Terminal]:
        """Log in a user."""
        terminal = Terminal(self.root / "home" / user, (*self._enter(), "su", "-", user))
        try:
            yield terminal
        finally:
            terminal.close()

    def power_off(self) -> None:
        """Shut it down cleanly."""
        self.run("systemctl", "poweroff")
        self._process.wait()

    def kill(self) -> None:
        """Cut its power."""
        if self._process.poll() is None:
            if init := self._init():  # a killed systemd-nspawn leaves its container running
                os.kill(init, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        for group in self._groups:
            remove_groups(group)

    def _enter(self) -> tuple[str, ...]:
        return "nsenter", "--target", str(self._init()), *ENTER, "--"

    def _init(self) -> int:
        own = self._process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        for child in children:
            names = Path(f"/proc/{child}/comm").read_text().strip()
            if names == "systemd":
                return int(child)
        return 0

    def _is_up(self) -> bool:
        if self._process.poll() is not None:
            pytest.skip(f"no container boots here: {self._log.read_text()[-500:]}")
        if not self._init():
            return False
        return self.run("systemctl", "is-system-running").stdout.strip() in {"running", "degraded"}


@contextmanager
def booted(root: Path, log: Path, *options: str) -> Iterator[Booted]:
    """Boot a container, and kill it at the end."""
    running = Booted(root, options, log)
    try:
        yield running
    finally:
        running.kill()
