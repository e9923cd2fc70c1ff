"""A fleet: booted Debians on a bridge of their own, which Ansible reaches by ssh."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.booted import Booted, booted, make_root
from tests.support.environments import ROOT

# What roles and installer would bring: these machines reach no mirror.
PACKAGES = (
    *("openssh-server", "python3-apt", "mosquitto", "openssl", "libpango-1.0-0"),
    *("libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core"),
)
NETWORK, BRIDGE = "10.77.0", f"volet-{os.getpid()}"
PLAYBOOK = ROOT / "build/ansible/.venv/bin/ansible-playbook"
ANSIBLE = ROOT / "ansible"
_RECAP = re.compile(
    r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE
)
# No connection is kept: its socket would have too long a name below a test's folder.
_SSH = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ControlMaster=no -o ControlPath=none"


def prepare() -> None:
    """Have the locked Ansible at hand."""
    subprocess.run((ROOT / "run", "ansible", "--version"), check=True, stdout=subprocess.DEVNULL)


@contextmanager
def bridge() -> Iterator[None]:
    """Make the network of the machines; skip where none can be made."""
    made = subprocess.run(
        ("ip", "link", "add", BRIDGE, "type", "bridge"), capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no bridge can be made here: {made.stderr.decode().strip()}")
    try:
        address = ("ip", "address", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
        for command in (address, ("ip", "link", "set", BRIDGE, "up")):
            subprocess.run(command, check=True)
        yield
    finally:
        subprocess.run(("ip", "link", "delete", BRIDGE), check=True)


class Fleet:
    """Machines by name, and the inventory that describes them.

    Attributes:
        machines: those that run.
        variables: what holds for all of them.
    """

    def __init__(self, folder: Path, names: Mapping[str, str], stack: ExitStack) -> None:
        """Boot a machine for each of `names`, {name: other names by which it is called}."""
        self._folder = folder
        self._addresses = {name: f"{NETWORK}.{n}" for n, name in enumerate(names, start=2)}
        self._hosts = "127.0.0.1 localhost\n" + "".join(
            f"{self._addresses[name]} {name} {others}\n" for name, others in names.items()
        )
        self._key = folder / "key"
        subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self._key), check=True)
        self._root = folder / "root"
        make_root(self._root, *PACKAGES)
        self.variables: dict[str, object] = {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self._key),
            "ansible_ssh_common_args": _SSH,
        }
        self._runs = {name: stack.enter_context(ExitStack()) for name in names}
        self.machines: dict[str, Booted] = {
            name: self._runs[name].enter_context(self._booted(name)) for name in names
        }

    def replace(self, name: str) -> None:
        """Destroy a machine with all that it keeps, and boot a new one in its place."""
        self._runs[name].close()
        shutil.rmtree(self._folder / name)
        self.machines[name] = self._runs[name].enter_context(self._booted(name))

    @contextmanager
    def _booted(self, name: str) -> Iterator[Booted]:
        root = self._folder / name
        subprocess.run(("cp", "--archive", self._root, root), check=True)
        (root / "etc/hostname").write_text(f"{name}\n")
        (root / "etc/hosts").write_text(self._hosts)
        (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
        shutil.copy(self._key.with_suffix(".pub"), root / "root/.ssh/authorized_keys")
        (root / "etc/systemd/network/10-host0.network").write_text(
            f"[Match]\nName=host0\n[Network]\nAddress={self._addresses[name]}/24\n"
        )
        wanted = root / "etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
        wanted.symlink_to("/lib/systemd/system/systemd-networkd.service")
        with booted(root, self._folder / f"{name}.log", f"--network-bridge={BRIDGE}") as machine:
            yield machine

    def describe(self, groups: Mapping[str, Mapping[str, Mapping[str, object]]]) -> None:
        """Write the inventory: {group: {machine: its variables}}."""
        children = {
            group: {
                "hosts": {
                    name: {"ansible_host": self._addresses[name], **own}
                    for name, own in hosts.items()
                }
            }
            for group, hosts in groups.items()
        }
        inventory = {"all": {"vars": self.variables, "children": children}}
        (self._folder / "hosts.json").write_text(json.dumps(inventory))

    def play(self, name: str, *options: str) -> dict[str, int]:
        """Play a playbook; return how many tasks have changed something on each machine."""
        played, told = self._play(name, *options)
        assert not any(failed for _, failed in played.values()), told[-6_000:]
        return {host: changed for host, (changed, _) in played.items()}

    def play_in_vain(self, name: str, *options: str) -> tuple[set[str], str]:
        """Play a playbook that has to fail; return on which machines it did, and what it said."""
        played, told = self._play(name, *options)
        failed = {host for host, (_, has_failed) in played.items() if has_failed}
        assert failed, told[-6_000:]
        return failed, told

    def _play(self, name: str, *options: str) -> tuple[dict[str, tuple[int, bool]], str]:
        done = subprocess.run(
            (PLAYBOOK, "-i", self._folder / "hosts.json", *options, f"playbooks/{name}.yml"),
            cwd=ANSIBLE,
            env=os.environ | {"ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        told = done.stdout + done.stderr
        with (self._folder / "played.log").open("a") as log:
            log.write(told)
        played = {
            host: (int(changed), int(unreachable) + int(failed) > 0)
            for host, changed, unreachable, failed in _RECAP.findall(told)
        }
        assert played, told
        assert any(failed for _, failed in played.values()) == (done.returncode != 0), told
        return played, told
