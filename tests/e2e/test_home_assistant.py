"""Home Assistant's own core takes what a home is told, and its energy statistics compile."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.home.discovery import shown_entity
from edge.simulate.home import HomeSettings
from edge.simulate.tariff import MeterOption
from tests.support.broker import wait_until
from tests.support.environments import skip_without_registry
from tests.support.home_broker import HomeBroker
from tests.support.mqtt import Peer
from tests.support.told_home import ToldHome
from tests.support.work import worked
from tests.unit.home.test_messages import CHIP
from volet.demo.ports import free_ports

PROGRAM = Path(__file__).parents[1] / "support/home_assistant.py"
# Each of its form of documents; the newer one needs a newer Python.
RELEASES = {
    "single": (
        "3.11",
        ("homeassistant==2024.3.3", "paho-mqtt==1.6.1", "sqlalchemy==2.0.27", "janus==1.0.0"),
        ("fnv-hash-fast==0.5.0", "psutil-home-assistant==0.0.1", "numpy==1.26.4"),
        ("pyturbojpeg==1.7.1", "ha-av==10.1.1"),
    ),
    "device": (
        "3.13",
        ("homeassistant==2025.1.4", "paho-mqtt==1.6.1", "sqlalchemy==2.0.36", "janus==1.1.0"),
        ("fnv-hash-fast==1.0.2", "psutil-home-assistant==0.0.1", "numpy==2.2.0"),
        ("pyturbojpeg==1.7.5",),
    ),
}


def interpreter(version):
    """Return a Python of that version, on the path or where pyenv keeps them; skip without one."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [
        *filter(None, [shutil.which(f"python{version}")]),
        *map(str, sorted(pyenv.glob(f"{version}.*/bin/python"))),
    ]
    for each in found:
        if subprocess.run([each, "-c", ""], check=False, capture_output=True).returncode == 0:
            return each
    pytest.skip(f"no Python {version} is installed, which this Home Assistant needs")
    raise AssertionError


def environment(directory, version, *requirements):
    """Make an environment with Home Assistant; skip without its Python or a registry."""
    python = interpreter(version)
    skip_without_registry(directory.parent)
    subprocess.run([python, "-m", "venv", "--without-pip", str(directory)], check=True)
    ours = directory / "bin/python"
    install = [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", str(ours)]
    subprocess.run([*install, *requirements], check=True, timeout=1_200)
    return ours


@pytest.mark.long
@pytest.mark.parametrize("discovery", RELEASES)
def test_home_assistant_takes_every_entity(discovery, tmp_path):
    python, *groups = RELEASES[discovery]
    program = environment(tmp_path / "env", python, *[each for group in groups for each in group])
    settings = HomeSettings(seed=3, option=MeterOption.TEMPO, is_producer=True, phases=3, kva=18)
    home = ToldHome(settings, discovery=discovery)
    home.take(home.telling.chip(CHIP))
    home.live(30)
    home.take(home.telling.chip(CHIP))
    shown = [shown_entity(key).entity for key in home.telling.record.entities]
    enabled = [entity for entity in shown if entity.is_shown]
    with HomeBroker(tmp_path / "broker") as broker, Peer(broker.port, None) as chip:
        for message in {each.topic: each for each in home.said if each.is_retained}.values():
            chip.publish(message.topic, message.payload, retain=True)
        identity = home.telling.record.id
        chip.publish(f"volet/{identity}/availability", b"online", retain=True)
        (tmp_path / "config").mkdir()
        (web,) = free_ports(1)
        with (tmp_path / "errors").open("w") as errors, (tmp_path / "seen").open("w") as seen:
            assistant = subprocess.Popen(
                [
                    *(str(program), str(PROGRAM), str(tmp_path / "config")),
                    *map(str, (broker.port, web, len(enabled))),
                ],
                stdout=seen,
                stderr=errors,
            )

        def has_ended():
            topic = f"volet/{identity}/meter"
            chip.publish(topic, home.messages[topic])
            return assistant.poll() is not None

        try:
            # It ends by itself after two minutes of looking; until then it loads for long, and says nothing.
            wait_until(
                has_ended,
                "Home Assistant",
                lambda: (len(broker_log(broker)), worked(assistant.pid)),
            )
        finally:
            assistant.kill()
            assistant.wait()
    assert assistant.returncode == 0, (tmp_path / "errors").read_text()[-3_000:]
    check(json.loads((tmp_path / "seen").read_text()), enabled)


def broker_log(broker):
    return (broker.directory / "log").read_text()


def check(seen, enabled):
    assert seen["devices"] == ["Volet"]
    states = {entity_id.partition(".volet_")[2]: told for entity_id, told in seen["states"].items()}
    assert set(states) == {entity.key for entity in enabled}
    for entity in enabled:
        state, attributes = states[entity.key]
        assert state not in {"unknown", "unavailable"}, entity.key
        said = [attributes.get(f"{each}_class") for each in ("device", "state")]
        assert said == [entity.device_class, entity.state_class], entity.key
        assert attributes.get("unit_of_measurement") == entity.unit, entity.key
    compiled = {each.partition(".volet_")[2]: unit for each, unit in seen["statistics"].items()}
    energies = {entity.key for entity in enabled if entity.is_energy}
    assert len(energies) == 8
    assert {key: compiled[key] for key in energies} == dict.fromkeys(energies, "Wh")
