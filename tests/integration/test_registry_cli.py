"""Authority, broker and chip from empty directories by commands alone."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from edge.identity.enrolment import load_identity
from tests.support.broker import Broker, current_user, free_ports
from tests.support.mqtt import Peer, Refused
from tests.support.sweeps import swept


def volet(*arguments: str | Path, expect: int = 0) -> str:
    """Run the command under the usual umask; return what it prints, errors after output."""
    done = subprocess.run(
        (sys.executable, "-m", "volet.main", *arguments),
        capture_output=True,
        text=True,
        umask=0o022,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def cloud(tmp_path) -> Path:
    directory = tmp_path / "cloud"
    initialise(directory, *map(str, free_ports(3)))
    return directory


def initialise(directory: Path, port: str, operator_port: str, api_port: str) -> str:
    where = ("--broker-host", "127.0.0.1", "--broker-port", port, "--bind", "127.0.0.1")
    name = ("--dir", directory, "--collectivity", "testville")
    others = ("--operator-port", operator_port, "--api-port", api_port)
    return volet("cloud", "init", *name, *where, *others)


@pytest.mark.usefixtures("mosquitto_available")
@pytest.mark.parametrize("end", ["revoke", "end"])
def test_from_nothing_to_a_chip_at_the_broker_and_out_again(cloud, tmp_path, end):
    chip, answer = tmp_path / "chip", tmp_path / "answer.json"
    volet("cloud", "broker-config", "--dir", cloud, "--user", current_user())
    volet("edge", "init", "--dir", chip)
    volet("edge", "request", "--dir", chip, "--out", tmp_path / "request.json")
    volet("cloud", "enrol", tmp_path / "request.json", "--dir", cloud, "--out", answer)
    said = volet("edge", "enrol", "--dir", chip, answer)
    identity = load_identity(chip)
    assert identity.device in said
    broker = Broker(cloud)
    broker.start()
    try:
        with Peer(broker.port, identity.tls_context()) as peer:
            volet("cloud", end, identity.device, "--dir", cloud)
            peer.wait_until_ended()
        with pytest.raises(Refused):
            Peer(broker.port, identity.tls_context())
    finally:
        broker.kill()


def test_second_run_of_each_command_says_so_and_changes_nothing(cloud, tmp_path):
    config = load_ports(cloud)
    assert "nothing was changed" in initialise(cloud, *config)
    volet("edge", "init", "--dir", tmp_path / "chip")
    before = contents(tmp_path / "chip")
    assert "nothing was changed" in volet("edge", "init", "--dir", tmp_path / "chip")
    assert contents(tmp_path / "chip") == before
    assert "nothing was changed" in volet("cloud", "renew", "--dir", cloud)


def test_secrets_of_all_commands_are_closed_under_the_usual_umask(cloud, tmp_path):
    chip = tmp_path / "chip"
    volet("cloud", "issue", "worker-2", "--dir", cloud)
    volet("cloud", "broker-config", "--dir", cloud, "--user", current_user())
    volet("edge", "init", "--dir", chip)
    secrets = [*cloud.rglob("*.key"), *chip.rglob("*.key"), chip / "keys" / "meter.salt"]
    assert len(secrets) == 13
    for path in secrets:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for path in (cloud, cloud / "pki", cloud / "broker", chip, chip / "keys"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    swept(
        [
            (("cloud", "enrol", "{}/gone.json", "--dir", "{}", "--out", "{}/a"), 5, "gone.json is"),
            (
                ("cloud", "enrol", "{}/rubbish", "--dir", "{}/cloud", "--out", "{}/a"),
                1,
                "is no enrol",
            ),
            (("cloud", "revoke", "nobody", "--dir", "{}/cloud"), 1, "Nobody named nobody"),
            (("cloud", "renew", "--dir", "{}"), 5, "volet cloud init"),
            (("cloud", "issue", "chief", "--dir", "{}/cloud"), 5, "names no role"),
            (
                ("cloud", "broker-config", "--dir", "{}/cloud", "--user", "no-one"),
                5,
                "no user no-one",
            ),
            (("edge", "request", "--dir", "{}"), 5, "volet edge init"),
            (("edge", "request", "--dir", "{}", "--meter", "041876123456"), 5, "volet edge init"),
            (("edge", "enrol", "--dir", "{}", "{}/rubbish"), 5, "volet edge init"),
        ],
        3,
    ),
)
def test_errors_are_one_sentence_with_the_documented_code(
    cloud, tmp_path, arguments, code, sentence
):
    assert cloud.parent == tmp_path
    (tmp_path / "rubbish").write_bytes(b'{"kind": 1}')
    said = volet(*(argument.format(tmp_path) for argument in arguments), expect=code)
    assert sentence in said
    assert len(said.strip().splitlines()) == 1


def test_bad_settings_are_refused_before_anything_is_made(tmp_path):
    for option, value in (
        ("--collectivity", "Testville!"),
        ("--broker-host", "not a host"),
        ("--bind", "localhost"),
        ("--also", 'x"\n[metrics]'),
        ("--operator-port", "8883"),
        ("--api-port", "8883"),
    ):
        good = ("--collectivity", "testville", "--broker-host", "127.0.0.1")
        said = volet("cloud", "init", "--dir", tmp_path / "cloud", *good, option, value, expect=5)
        assert said.startswith("volet: volet cloud init: ")
    assert not (tmp_path / "cloud").exists()


def load_ports(cloud: Path) -> tuple[str, str, str]:
    lines = (cloud / "cloud.toml").read_text().splitlines()
    values = dict(line.split(" = ") for line in lines if " = " in line and line[0] != "#")
    return values["broker_port"], values["operator_port"], values["api_port"]


def contents(directory: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
