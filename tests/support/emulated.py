"""An arm64 Debian 12 whose programs run under emulation; it is entered, and not booted.

Its packages are unpacked and not configured, which would take longer than all that is tested. So
what their scripts would do is done here, as far as it is needed: users, groups, a directory, and
that dpkg counts them as installed. systemd does not run: `systemctl` finds itself in a chroot, and
says of all that needs a running one that it ignores it.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER, UID = "pi", 1000
# What every Debian has, what the page's commands and the installer call, and what the latter
# installs. Not the zone files, which slim Debians lack.
PACKAGES = (
    *("?essential", "apt", "passwd", "systemd", "python3-venv"),
    *("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core"),
)
ENTER = Path(__file__).with_suffix(".sh")
NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def skip_without_emulation() -> None:
    """Skip the test, with the reason, if no arm64 Debian can be made or entered."""
    for program, package in (
        ("mmdebstrap", "mmdebstrap"),
        ("qemu-aarch64-static", "qemu-user-static"),
    ):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (package {package})")
    if os.geteuid() != 0:
        pytest.skip("only root may enter another Debian")


class Emulated:
    """An arm64 Debian in a directory.

    Attributes:
        root: its files, as seen from here.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *command: str, user: str = "root") -> subprocess.CompletedProcess[bytes]:
        """Run a command in it."""
        return subprocess.run(self.entering(*command, user=user), capture_output=True, check=False)

    @contextmanager
    def running(self, *command: str, user: str, log: Path) -> Iterator[None]:
        """Have a command run in it meanwhile, and kill it at the end."""
        with log.open("ab") as file:
            process = subprocess.Popen(self.entering(*command, user=user), stdout=file, stderr=file)
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def entering(self, *command: str, user: str) -> tuple[str, ...]:
        """Return the command that has another one run in it; it ends by SIGKILL alone."""
        as_user = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--reset-env")
        return (*NAMESPACES, "sh", str(ENTER), str(self.root), *as_user, *command)


def make_emulated(root: Path) -> Emulated:
    """Make one with the user pi; skips the test, with the reason, if that cannot be."""
    command = ("mmdebstrap", "--quiet", "--variant=extract", "--architectures=arm64")
    # Without the archives, nothing says what was unpacked.
    include = ("--skip=cleanup/apt", *(f"--include={package}" for package in PACKAGES))
    done = subprocess.run(
        (*command, *include, "bookworm", root), capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no arm64 Debian can be made here: {done.stderr.strip().splitlines()[-1:]}")
    _count_as_installed(root)
    for name in ("passwd", "group"):
        shutil.copyfile(root / f"usr/share/base-passwd/{name}.master", root / "etc" / name)
    (root / "usr/local/bin").mkdir(parents=True)
    machine = Emulated(root)
    entered = machine.run("useradd", "--create-home", "--uid", str(UID), USER)
    if entered.returncode:
        pytest.skip(f"no arm64 program runs here: {entered.stderr.decode().splitlines()[-1:]}")
    return machine


def _count_as_installed(root: Path) -> None:
    """Write dpkg's list of what is installed, out of the archives that were unpacked."""
    archives = root / "var/cache/apt/archives"
    listed = []
    for archive in sorted(archives.glob("*.deb")):
        told = subprocess.run(
            ("dpkg-deb", "--field", archive), capture_output=True, text=True, check=True
        )
        package, _, rest = told.stdout.strip().partition("\n")
        listed.append(f"{package}\nStatus: install ok installed\n{rest}\n\n")
    (root / "var/lib/dpkg/status").write_text("".join(listed))
    shutil.rmtree(archives)
