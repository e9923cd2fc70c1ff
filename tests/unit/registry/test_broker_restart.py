"""A broker reads anew by a restart alone: through systemd, or by whoever has started it."""

import ast
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from cloud.commands.table import cloud as cloud_group
from cloud.registry import broker_restart
from cloud.registry.broker import refresh_broker
from cloud.registry.broker_restart import Restart, restart_if_due, service_of
from cloud.registry.key_files import load_certificate, pki_path
from cloud.registry.pki import issue_role, revoke
from cloud.registry.renewal import renew
from mosquitto.config import PID, UNREAD
from protocol.errors import ConfigError
from tests.support.broker import Broker, enrol_chip, running_broker
from tests.support.environments import ROOT
from tests.support.product import PRODUCT

NAME = "mosquitto@town.service"
# It knows one service, as whose main process it has what stands in its file, and writes what it is
# asked to restart.
SYSTEMCTL = """#!/bin/sh
cd "${0%/*}"
case "$1" in
show) [ "$5" != 'mosquitto@town.service' ] || cat main ;;
restart) [ ! -e broken ] || { echo 'Job failed.' >&2; exit 1; }
  echo "$*" >> restarted ;;
esac
"""


@pytest.fixture
def broker(tmp_path) -> Iterator[Broker]:
    with running_broker(tmp_path / "cloud") as broker:
        yield broker


class Systemd:
    """A `systemctl` first on PATH, and what it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "systemctl").write_text(SYSTEMCTL)
        (folder / "systemctl").chmod(0o700)

    def runs(self, broker: Broker) -> None:
        (self.folder / "main").write_text((broker.directory / PID).read_text())

    def breaks(self) -> None:
        (self.folder / "broken").touch()

    @property
    def restarted(self) -> str:
        path = self.folder / "restarted"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def systemd(tmp_path, monkeypatch) -> Systemd:
    """Have each process say that it is of a service; none is where the tests run."""
    made = Systemd(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}:{os.environ['PATH']}")
    monkeypatch.setattr(broker_restart, "service_of", lambda _: NAME)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return made


def change(broker: Broker) -> str:
    """Give the broker another certificate; return on which day the former one ends."""
    former = load_certificate(pki_path(broker.cloud, "server.pem"))
    renew(broker.cloud, datetime.now(UTC), is_forced=True)
    refresh_broker(broker.cloud, broker.directory)
    return f"{former.not_valid_after_utc:%Y-%m-%d}"


def typed(broker: Broker, *command: str) -> str:
    done = CliRunner().invoke(cloud_group, [*command, "--dir", str(broker.cloud)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(
    ("cgroup", "service"),
    [
        ("0::/system.slice/mosquitto.service\n", "mosquitto.service"),
        ("12:pids:/x\n1:name=systemd:/system.slice/a-b.service\n0::/\n", "a-b.service"),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", None),
        ("0::/user.slice/user@1000.service/app.slice/x.scope\n", None),
        ("3:cpu:/system.slice/other.service\n0::/\n", None),
        ("", None),
    ],
)
def test_the_service_is_read_from_the_control_group(cgroup, service):
    assert service_of(cgroup) == service


def test_systemd_restarts_a_broker_that_has_another_certificate(broker, systemd):
    systemd.runs(broker)
    assert restart_if_due(broker.directory) == Restart()
    change(broker)
    told = f"Restarted {NAME}, which had not read all of it."
    assert restart_if_due(broker.directory) == Restart(is_done=True, told=told)
    assert systemd.restarted == f"restart -- {NAME}\n"


def test_a_broker_that_was_typed_within_a_service_is_left_to_who_typed_it(broker, systemd):
    """Else a terminal's service would be restarted, or the one that runs these tests."""
    (systemd.folder / "main").write_text(f"{os.getpid()}\n")
    change(broker)
    assert "end it, then start it" in restart_if_due(broker.directory).told
    assert systemd.restarted == ""


def test_who_is_not_root_is_told_what_root_types(broker, systemd, monkeypatch):
    systemd.runs(broker)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    until = change(broker)
    assert restart_if_due(broker.directory) == Restart(
        told=f"The broker that runs there has not read all of it and shows a certificate that ends "
        f"on {until}; restart it as root: `systemctl restart {NAME}`."
    )
    assert systemd.restarted == ""


def test_a_restart_that_fails_is_an_error(broker, systemd):
    systemd.runs(broker)
    systemd.breaks()
    change(broker)
    with pytest.raises(ConfigError, match=r"was not restarted \(Job failed\.\); see `journalctl"):
        restart_if_due(broker.directory)
    with pytest.raises(ConfigError, match="was not restarted"):  # it is still due
        restart_if_due(broker.directory)


def test_by_hand_it_is_due_until_another_process_runs(broker):
    until = change(broker)
    for _ in range(2):
        told = restart_if_due(broker.directory).told
        assert f"ends on {until}; end it, then start it: `OPENSSL_CONF=" in told
    change(broker)
    assert f"ends on {until};" in restart_if_due(broker.directory).told, "the one that it shows"
    broker.restart()
    assert restart_if_due(broker.directory) == Restart()


def test_the_commands_say_it_and_say_it_again(broker):
    (broker.cloud / "store.db").unlink()
    until = load_certificate(pki_path(broker.cloud, "server.pem")).not_valid_after_utc
    due = f"The broker that runs there has not read all of it and shows a certificate that ends on {until:%Y-%m-%d};"
    assert due not in typed(broker, "renew")
    said = typed(broker, "renew", "--force")
    assert f"{broker.directory} has them.\n{due}" in said
    assert due in typed(broker, "renew"), "also when all are fresh"
    assert f"Wrote {broker.directory}. {due}" in typed(broker, "broker-config")
    broker.restart()
    assert typed(broker, "renew") == "All certificates are fresh; nothing was changed.\n"
    assert typed(broker, "broker-config").endswith(" The broker that runs there has read it.\n")
    issue_role(broker.cloud, "monitor-2", datetime.now(UTC))
    assert due in typed(broker, "broker-config"), "new rules"


def test_what_needs_no_restart_asks_for_none(broker, tmp_path):
    chip = enrol_chip(broker.cloud, tmp_path / "chip")
    revoke(broker.cloud, chip.device, datetime.now(UTC))
    refresh_broker(broker.cloud, broker.directory)
    typed(broker, "broker-config")
    assert not (broker.directory / UNREAD).exists()


def test_a_renewal_that_never_reached_the_broker_reaches_it_with_the_next(broker):
    renew(broker.cloud, datetime.now(UTC), is_forced=True)
    assert "has not read all of it" in typed(broker, "renew")
    copied = (broker.directory / "server.pem").read_bytes()
    assert copied == pki_path(broker.cloud, "server.pem").read_bytes()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"process": [1, 2], "until": null}'])
def test_what_a_broken_in_broker_writes_there_is_ignored(broker, content):
    (broker.directory / UNREAD).write_bytes(content)
    assert restart_if_due(broker.directory) == Restart()
    change(broker)
    assert restart_if_due(broker.directory).told


def signals_named(source: str) -> set[str]:
    """Return what a program calls SIGHUP, as a name, an attribute or a word of a command."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    names |= {node.id for node in nodes if isinstance(node, ast.Name)}
    words = {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {name for name in names | words if name in {"SIGHUP", "HUP", "-HUP", "-SIGHUP"}}


@pytest.mark.parametrize(
    "sending",
    [
        "os.kill(p, signal.SIGHUP)",
        "from signal import SIGHUP\nos.kill(p, SIGHUP)",
        "run('kill', '-HUP')",
    ],
)
def test_who_sends_the_signal_would_be_found(sending):
    assert signals_named(sending)


def test_nothing_of_the_product_sends_sighup():
    """Mosquitto 2.0.11 that reloads corrupts its memory: docs/decisions/0034."""
    found = {
        str(path.relative_to(ROOT)): names
        for package in PRODUCT
        for path in (ROOT / package).rglob("*.py")
        if (names := signals_named(path.read_text("utf-8")))
    }
    assert not found
    reloads = {
        line
        for unit in (ROOT / "packaging/units").iterdir()
        for line in unit.read_text("utf-8").splitlines()
        if line.startswith("ExecReload=")
    }
    assert reloads == {"ExecReload="}, "Debian's is taken away"
