"""A city's machine is destroyed, and a new one goes on from its backup."""

import subprocess
import sys
from contextlib import ExitStack

import pytest

from edge.identity.enrolment import ca_fingerprint, openssl_spelling
from tests.e2e.test_fleet import CA, GROUPS, Town
from tests.support.booted import skip_without_containers
from tests.support.broker import wait_until
from tests.support.environments import skip_without_registry
from tests.support.fleet import bridge, prepare

pytestmark = [pytest.mark.long, pytest.mark.timeout(3_600)]
MACHINES = {
    "cloud": GROUPS["cloud"],
    "trustees": {},
    "chips": {"chip-1": GROUPS["chips"]["chip-1"]},
}


def test_a_city_goes_on_from_its_backup(tmp_path):
    """What its chips had sent since comes back from them; another backup is not put over it."""
    skip_without_containers()
    skip_without_registry(tmp_path)
    prepare()
    key, kept = tmp_path / "backup.key", tmp_path / "kept"
    draw = (sys.executable, "-m", "volet.main", "cloud", "backup-key", "--out", key)
    subprocess.run(draw, check=True)
    with ExitStack() as stack:
        stack.enter_context(bridge())
        town = Town(tmp_path, stack, MACHINES)
        fleet, city = town.fleet, town.machines["city"]
        town.release("0.1.0")
        town.wants("0.1.0", volet_cloud_backup_key=f"{key}.pub", volet_cloud_backups=str(kept))
        assert min(fleet.play("site").values()) > 0
        authority = openssl_spelling(ca_fingerprint((city.root / CA).read_bytes()))
        town.wants("0.1.0", volet_chip_authority=authority)
        fleet.play("enrol")
        wait_until(lambda: town.blocks() > 2, "blocks in the cloud", town.blocks)
        assert city.run("systemctl", "is-enabled", "volet-cloud-backup.timer").stdout == "enabled\n"

        assert fleet.play("backup")["city"] > 0
        (backup,) = kept.glob("volet-cloud-*.backup")
        backed_up = town.blocks()
        wait_until(lambda: town.blocks() > backed_up + 2, "blocks since", town.blocks)
        stored, known = town.blocks(), town.chip("chip-1")["device"]

        fleet.replace("city")
        opens = f"volet_cloud_backup_opens={key}"
        restore = ("restore", "-e", f"volet_cloud_backup_file={backup}", "-e", opens)
        assert fleet.play(*restore)["city"] > 0
        city = town.machines["city"]
        assert openssl_spelling(ca_fingerprint((city.root / CA).read_bytes())) == authority
        for left in ("dev/shm/volet-restore", "var/tmp/volet-restore.backup"):
            assert not (city.root / left).exists()
        wait_until(lambda: town.blocks() > stored, "all blocks, and new ones", town.blocks)
        assert town.chip("chip-1")["device"] == known
        assert set(fleet.play(*restore).values()) == {0}
