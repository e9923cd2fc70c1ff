"""A monitor's commands and its configuration: the key is drawn here, and nothing else is secret."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from cloud.registry.key_files import pki_path
from cloud.registry.pki import issue_role, requested_key
from monitor import directory as places
from monitor.commands.table import monitor as group
from monitor.desk import REPORT_BYTES_MAX, SOCKET_NAME
from monitor.directory import load_config, load_metrics
from protocol.errors import ConfigError, TransportError
from system.metrics import MetricsConfig
from system.mqtt.identity import CERTIFICATE, REQUEST, TLS_KEY
from tests.support.broker import COLLECTIVITY, make_cloud

GOLDEN = """\
collectivity = "testville"
name = "monitor-ops"
broker_host = "broker.testville.example"
broker_port = 8883
# Where /metrics and /health are served, on 127.0.0.1 only.
port = 8445
# Of more chips than these, those not heard of for longest are dropped.
chips_max = 50000
"""
METRICS = '[metrics]\nurl = "http://influx:8086"\norg = "city"\nbucket = "volet"\n'


def run(*args):
    result = CliRunner().invoke(group, [str(each) for each in args])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def init(directory, name="monitor-ops"):
    named = ("--collectivity", COLLECTIVITY, "--name", name)
    return run("init", "--dir", directory, *named, "--broker-host", "broker.testville.example")


@pytest.fixture
def home(tmp_path):
    directory = tmp_path / "monitor"
    init(directory)
    return directory


def certified(home, cloud, name="monitor-ops"):
    """Return the path of a certificate for the key in `home`."""
    key = requested_key((home / REQUEST).read_bytes(), REQUEST)
    return issue_role(cloud, name, datetime.now(UTC), key)


def test_the_key_is_drawn_once_and_closed(home):
    before = {path.name: path.read_bytes() for path in home.iterdir()}
    assert set(before) == {"monitor.toml", TLS_KEY, REQUEST}
    assert "The key is there" in init(home).output
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before
    assert (home / TLS_KEY).stat().st_mode & 0o777 == 0o600
    assert (home / "monitor.toml").read_text() == GOLDEN


def test_directory_of_another_monitor_is_left_alone(home):
    with pytest.raises(ConfigError, match="monitor-ops's"):
        init(home, "monitor-b")


@pytest.mark.parametrize("name", ["worker", "monitor-A", "monitor-", "monitor-a/b", "monitor-a\n"])
def test_names_that_are_no_monitors_are_refused(tmp_path, name):
    with pytest.raises(ConfigError, match="monitor- and 1 to 24"):
        init(tmp_path / "x", name)


def test_a_certificate_is_installed_for_the_own_key_only(home, tmp_path):
    cloud = tmp_path / "cloud"
    make_cloud(cloud)
    ca = pki_path(cloud, "ca.pem")
    with pytest.raises(ConfigError, match="volet monitor install"):
        places.link_settings(home)
    with pytest.raises(ConfigError, match="certificate of 'monitor', not of monitor-ops"):
        run("install", "--dir", home, pki_path(cloud, "monitor.pem"), "--ca", ca)
    assert not (home / CERTIFICATE).exists()
    path = certified(home, cloud)
    assert "Next: `volet monitor run" in run("install", "--dir", home, path, "--ca", ca).output
    again = run("install", "--dir", home, path, "--ca", ca, "--json")
    assert json.loads(again.output)["changed"] is False
    assert places.link_settings(home).session_expiry_s == 0
    assert [each.name for each in places.lifetimes(home)] == ["authority", "monitor-ops"]


def test_a_table_of_metrics_is_read_beside_the_rest(home):
    path = home / "monitor.toml"
    assert load_metrics(home) is None
    path.write_text(GOLDEN + METRICS)
    assert load_metrics(home) == MetricsConfig("http://influx:8086", "city", "volet")
    assert load_config(home).name == "monitor-ops"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOLDEN + 'bind = "0.0.0.0"\n', "bind"),
        (GOLDEN.replace("port = 8445", "port = 0"), "port"),
        (GOLDEN.replace("50000", "0"), "chips_max"),
        (GOLDEN.replace("50000", "10000000"), "chips_max"),
        (GOLDEN.replace("monitor-ops", "worker"), "name"),
        (GOLDEN + METRICS.replace("http:", "ftp:"), "metrics.url"),
        ("no toml", "monitor.toml"),
        ("\udcff", "monitor.toml"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(home, text, said):
    (home / "monitor.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=said) as caught:
        load_config(home)
    assert str(home / "monitor.toml") in str(caught.value)


def test_without_a_running_monitor_status_says_so_and_chips_names_the_next_step(home):
    assert "no: `volet monitor run`" in run("status", "--dir", home).output
    assert json.loads(run("status", "--dir", home, "--json").output)["chips"] == 0
    with pytest.raises(TransportError, match="volet monitor run --dir"):
        run("chips", "--dir", home)


def test_a_socket_that_nobody_holds_counts_as_none(home):
    (home / SOCKET_NAME).touch()
    assert not json.loads(run("status", "--dir", home, "--json").output)["is_running"]
    assert REPORT_BYTES_MAX > 250 * 1_000_000
