"""A town's machines by the playbooks: from nothing to blocks in the cloud, a good and a bad release."""

import hashlib
import json
import shutil
import subprocess
import tarfile
from contextlib import ExitStack

import pytest

from edge.identity.enrolment import ca_fingerprint, openssl_spelling
from tests.e2e.test_software_releases import build
from tests.support.booted import skip_without_containers
from tests.support.broker import wait_until
from tests.support.environments import skip_without_registry
from tests.support.fleet import ANSIBLE, PLAYBOOK, Fleet, bridge, prepare

BROKER = "broker.testville.example"
CA = "var/lib/volet-cloud/pki/ca.pem"
DROPIN = "/etc/systemd/system/mosquitto.service.d/volet.conf"
CHIP = {
    "volet_chip_is_simulated": True,
    "volet_chip_rhythm": "quarter_hourly",
    "volet_chip_simulated_speed": 120,
}
GROUPS = {
    "cloud": {"city": {"volet_cloud_collectivity": "testville", "volet_cloud_broker_host": BROKER}},
    "trustees": {"trustee": {"volet_trustee_name": "trustee-a", "volet_trustee_title": "A"}},
    "chips": {"chip-1": CHIP, "chip-2": CHIP},
}
# Of a release whose program ends as soon as it is the chip.
ENDS = "import sys; 'run' in getattr(sys, 'orig_argv', ()) and sys.exit(3)\n"
SITE = "venv/lib/python3.11/site-packages"
pytestmark = [pytest.mark.long, pytest.mark.timeout(5_400)]


def test_the_roles_are_as_ansible_wants_them(tmp_path):
    skip_without_registry(tmp_path)
    prepare()
    for playbook in sorted((ANSIBLE / "playbooks").glob("*.yml")):
        subprocess.run((PLAYBOOK, "--syntax-check", playbook), cwd=ANSIBLE, check=True)
    lint = (PLAYBOOK.with_name("ansible-lint"), "--offline", "--profile", "production", "--nocolor")
    done = subprocess.run(lint, cwd=ANSIBLE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


class Town:
    """A fleet with its releases."""

    def __init__(self, folder, stack, groups=GROUPS):
        self.dist = folder / "dist"
        self.dist.mkdir()
        self.groups = groups
        names = {
            name: BROKER if name == "city" else "" for group in groups.values() for name in group
        }
        self.fleet = Fleet(folder, names, stack)
        self.fleet.variables |= {
            "volet_software_archives": str(self.dist),
            # Good releases may take long on a busy machine.
            "volet_software_hold_s": 10,
            "volet_software_patience_s": 120,
        }
        self.machines = self.fleet.machines

    def release(self, version):
        """Build a release for servers and chips; after the first, without the wheels of that."""
        for extra in ("cloud", "edge"):
            since = self.dist / f"{extra}.json"
            archive = build(self.dist, version, since if since.exists() else None, extra=extra)
            if not since.exists():
                with tarfile.open(archive) as tar:
                    since.write_bytes(tar.extractfile("manifest.json").read())

    def wants(self, version, **variables):
        """Have the inventory name a release, and more."""
        pem = subprocess.run(
            ("openssl", "pkey", "-in", self.dist / "release.key", "-pubout"),
            capture_output=True,
            check=True,
        ).stdout
        self.fleet.variables |= {
            "volet_software_id": version,
            "volet_software_key": hashlib.sha256(pem).hexdigest(),
            **variables,
        }
        self.fleet.describe(self.groups)

    def blocks(self):
        cloud = ("runuser", "-u", "volet-cloud", "--", "volet", "cloud", "status", "--json")
        return json.loads(self.machines["city"].run(*cloud).stdout)["blocks"]

    def chip(self, name):
        status = ("runuser", "-u", "volet", "--", "volet", "edge", "status", "--json")
        return json.loads(self.machines[name].run(*status).stdout)

    def certificates(self):
        """Return what broker and trustee show of themselves."""
        places = (
            ("city", "etc/mosquitto/volet/server.pem"),
            ("trustee", "var/lib/volet-trustee/tls.pem"),
        )
        return tuple((self.machines[name].root / place).read_bytes() for name, place in places)

    def current(self, name):
        return (self.machines[name].root / "opt/volet/current").readlink().name

    def spoil(self, name, version):
        """Install a release on a machine, and make it one that ends at its start."""
        machine = self.machines[name]
        (archive,) = self.dist.glob(f"volet-{version}-edge-*.tar")
        shutil.copy(archive, machine.root / "root/release.tar")
        machine.run("volet", "software", "install", "/root/release.tar")
        packages = machine.root / "opt/volet/releases" / version / SITE
        (packages / "spoilt.pth").write_text(ENDS)


def test_a_town_from_nothing_and_its_releases(tmp_path):
    skip_without_containers()
    skip_without_registry(tmp_path)
    prepare()
    with ExitStack() as stack:
        stack.enter_context(bridge())
        town = Town(tmp_path, stack)
        fleet, cloud = town.fleet, town.machines["city"]
        town.release("0.1.0")
        town.wants("0.1.0")

        assert min(fleet.play("site").values()) > 0
        assert set(fleet.play("site").values()) == {0}
        assert set(fleet.play("site", "--check", "--diff").values()) == {0}

        journal = ("journalctl", "-u", "volet-trustee", "-o", "cat")
        trustee = town.machines["trustee"]
        wait_until(lambda: "broker_connected" in trustee.run(*journal).stdout, "the trustee")
        assert not (cloud.root / "var/lib/volet-cloud/pki/trustee-a.key").exists()

        published = openssl_spelling(ca_fingerprint((cloud.root / CA).read_bytes()))
        town.wants("0.1.0", volet_chip_authority=published[:-1] + "x")
        failed, told = fleet.play_in_vain("enrol")
        assert failed == {"chip-1", "chip-2"}
        assert "Nothing was installed" in told
        town.wants("0.1.0", volet_chip_authority=published)
        assert min(fleet.play("enrol").values()) > 0
        assert fleet.play("enrol") == {"chip-1": 0, "chip-2": 0}
        wait_until(lambda: town.blocks() > 2, "blocks in the cloud", town.blocks)

        # Certificates change under load.
        was = town.certificates()
        assert fleet.play("rotate") == {"city": 0, "trustee": 0}
        assert min(fleet.play("rotate", "-e", "volet_cloud_renew_all=true").values()) > 0
        assert not set(was) & set(town.certificates())
        assert fleet.play("rotate") == {"city": 0, "trustee": 0}
        before = town.blocks()
        wait_until(lambda: town.blocks() > before + 4, "blocks since", town.blocks)
        wait_until(lambda: not town.chip("chip-1")["outbox_depth"], "an empty outbox")

        # A link that was removed by hand is seen without a change, and put right.
        cloud.run("rm", DROPIN)
        assert fleet.play("site", "--check", "--diff")["city"] > 0
        assert not (cloud.root / DROPIN.lstrip("/")).is_symlink()
        assert fleet.play("site")["city"] > 0
        assert set(fleet.play("site").values()) == {0}

        town.release("0.2.0")
        town.wants("0.2.0")
        failed, told = fleet.play_in_vain("site")
        assert "upgrade.yml tries 0.2.0" in told
        assert min(fleet.play("upgrade").values()) > 0
        assert {town.current(name) for name in town.machines} == {"0.2.0"}
        assert set(fleet.play("upgrade").values()) == {0}
        assert set(fleet.play("site").values()) == {0}
        before = town.blocks()
        wait_until(lambda: town.blocks() > before, "blocks in the cloud", town.blocks)

        # The canary takes a bad one back, and nobody else gets it.
        town.release("0.3.0")
        town.wants("0.3.0")
        town.spoil("chip-1", "0.3.0")
        failed, told = fleet.play_in_vain("upgrade")
        assert failed == {"chip-1"}
        assert "was taken back" in told
        assert {town.current(name) for name in town.machines} == {"0.2.0"}
        for name in ("city", "trustee", "chip-2"):
            assert not (town.machines[name].root / "opt/volet/releases/0.3.0").exists()
        failed, told = fleet.play_in_vain("upgrade")
        assert "has taken release 0.3.0 back" in told

        town.wants("0.2.0")
        assert min(fleet.play("rollback").values()) > 0
        assert {town.current(name) for name in town.machines} == {"0.1.0"}
        assert set(fleet.play("rollback").values()) == {0}

        revoked = f"volet_cloud_revoked={town.chip('chip-2')['device']}"
        assert fleet.play("revoke", "-e", revoked) == {"city": 1}
        assert fleet.play("revoke", "-e", revoked) == {"city": 0}
        wait_until(lambda: town.chip("chip-2").get("revoked_at"), "the revoked chip to know")
        before = town.blocks()
        wait_until(lambda: town.blocks() > before, "blocks of the other one", town.blocks)
