"""A chip whose keys systemd has encrypted: it starts, sends, and renews its certificate."""

import os
import shutil
import subprocess
from datetime import timedelta

import pytest

from edge.identity.keys import METER_SALT, SIGNING_KEY, TLS_KEY
from edge.stage import HOUSEHOLD_KEY
from tests.support.broker import Broker, make_cloud, wait_until
from tests.support.rolling_town import RollingChip, worker
from tests.support.typed_page import HOW_TO

NAMES = (TLS_KEY, SIGNING_KEY, HOUSEHOLD_KEY, METER_SALT)
pytestmark = pytest.mark.usefixtures("mosquitto_available")


@pytest.fixture
def creds(tmp_path):
    """Return systemd-creds with a host key of its own, or skip."""
    if shutil.which("systemd-creds") is None:
        pytest.skip("systemd-creds is not installed (systemd 250)")
    if os.geteuid() != 0:
        pytest.skip("only root may use the machine's key")
    environment = {**os.environ, "SYSTEMD_CREDENTIAL_SECRET": str(tmp_path / "credential.secret")}

    def run(*arguments):
        command = ("systemd-creds", *map(str, arguments))
        return subprocess.run(
            command, env=environment, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )

    run("setup")
    return run


def test_keys_come_from_credentials_alone_and_the_certificate_is_renewed(
    creds, tmp_path, monkeypatch
):
    make_cloud(tmp_path / "cloud")
    broker = Broker(tmp_path / "cloud")
    broker.start()
    chip = RollingChip(broker, tmp_path / "chip")
    old = chip.age(begun=timedelta(days=80), lasts=timedelta(days=100))
    given = tmp_path / "given"  # what systemd mounts for the unit
    given.mkdir(mode=0o700)
    try:
        for name in NAMES:
            key, encrypted = chip.directory / "keys" / name, tmp_path / f"{name}.cred"
            creds("encrypt", "--with-key=host", f"--name={name}", key, encrypted)
            assert key.read_bytes() not in encrypted.read_bytes()
            creds("decrypt", f"--name={name}", encrypted, given / name)
            key.unlink()
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
        with worker(broker):
            chip.start({"CREDENTIALS_DIRECTORY": str(given)})
            chip.meter()
            chip.wait_until_stored()
            wait_until(lambda: chip.certificate() != old, chip.log)
    finally:
        chip.stop()
        broker.kill()
    assert not any((chip.directory / "keys" / name).exists() for name in NAMES)


def test_the_page_names_every_key():
    page = (HOW_TO / "keys-at-boot.md").read_text("utf-8")
    for name in NAMES:
        assert f"LoadCredentialEncrypted={name}:/etc/volet/{name}.cred" in page
