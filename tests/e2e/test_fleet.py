"""A town's machines by the playbooks: from nothing to blocks in the cloud, and nothing at a second run."""

import hashlib
import subprocess
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
pytestmark = [pytest.mark.long, pytest.mark.timeout(3_600)]


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Releases for a server and a chip, by one maker; the SHA-256 of its key."""
    folder = tmp_path_factory.mktemp("dist")
    skip_without_registry(folder)
    for extra in ("cloud", "edge"):
        build(folder, "0.1.0", extra=extra)
    pem = subprocess.run(
        ("openssl", "pkey", "-in", folder / "release.key", "-pubout"),
        capture_output=True,
        check=True,
    ).stdout
    return folder, hashlib.sha256(pem).hexdigest()


def test_the_roles_are_as_ansible_wants_them(tmp_path):
    skip_without_registry(tmp_path)
    prepare()
    for playbook in sorted((ANSIBLE / "playbooks").glob("*.yml")):
        subprocess.run((PLAYBOOK, "--syntax-check", playbook), cwd=ANSIBLE, check=True)
    lint = (PLAYBOOK.with_name("ansible-lint"), "--offline", "--profile", "production", "--nocolor")
    done = subprocess.run(lint, cwd=ANSIBLE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def blocks(machine):
    done = machine.run("runuser", "-u", "volet-cloud", "--", "volet", "cloud", "status", "--json")
    return done.stdout


def test_a_town_is_set_up_twice_and_its_chip_enrolled(archives, tmp_path):
    skip_without_containers()
    prepare()
    folder, maker = archives
    with ExitStack() as stack:
        stack.enter_context(bridge())
        fleet = Fleet(tmp_path, {"cloud": BROKER, "chip-1": ""}, stack)
        fleet.variables |= {
            "volet_software_id": "0.1.0",
            "volet_software_key": maker,
            "volet_software_archives": str(folder),
        }
        collectivity = {
            "volet_cloud_collectivity": "testville",
            "volet_cloud_broker_host": BROKER,
        }
        chip = {
            "volet_chip_is_simulated": True,
            "volet_chip_rhythm": "quarter_hourly",
            "volet_chip_simulated_speed": 120,
        }
        fleet.describe({"cloud": {"cloud": collectivity}, "chips": {"chip-1": chip}})
        assert min(fleet.play("site").values()) > 0
        assert set(fleet.play("site").values()) == {0}
        assert set(fleet.play("site", "--check", "--diff").values()) == {0}

        cloud = fleet.machines["cloud"]
        published = openssl_spelling(ca_fingerprint((cloud.root / CA).read_bytes()))
        fleet.variables["volet_chip_authority"] = published
        fleet.describe({"cloud": {"cloud": collectivity}, "chips": {"chip-1": chip}})
        assert fleet.play("enrol")["chip-1"] > 0
        assert fleet.play("enrol") == {"chip-1": 0}
        wait_until(
            lambda: '"blocks":0' not in blocks(cloud), "a block in the cloud", lambda: blocks(cloud)
        )

        # A link that was moved by hand is seen without a change, and put right.
        cloud.run("rm", "/etc/systemd/system/mosquitto.service.d/volet.conf")
        assert fleet.play("site", "--check", "--diff")["cloud"] > 0
        assert not (cloud.root / "etc/systemd/system/mosquitto.service.d/volet.conf").is_symlink()
        assert fleet.play("site")["cloud"] > 0
        assert set(fleet.play("site").values()) == {0}
