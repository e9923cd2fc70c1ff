"""What `volet edge page` says at the console."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.contracts.enrolling import draw_keys
from edge.household.door import open_door
from edge.household.pairing import ORDER, PairingWindow
from edge.household.shown import Pairing
from edge.household.visitors import VisitorRole
from edge.page.names import PORT_FILE, names_of_host
from edge.page.running import certify_apart
from edge.stage import PAGE_DIRECTORY
from protocol.errors import ConfigError
from tests.support.page_process import ENTER, PageProcess
from tests.support.steps import killed_at_each_step
from volet.demo.ports import free_ports

COMMAND = (sys.executable, "-m", "volet.main", "edge", "--lang")
NOBODY = "The chip does not answer, and nobody is let in until it does. "


@pytest.fixture
def chip(tmp_path):
    draw_keys(tmp_path / "chip")
    return tmp_path / "chip"


def page(chip, *arguments, lang="en"):
    return CliRunner().invoke(edge, ["--lang", lang, "page", "--dir", str(chip), *arguments])


def served(chip, *arguments):
    """Serve the page until it has said where it is; return what it said, and on standard error."""
    program = [
        *COMMAND,
        "en",
        "page",
        "--dir",
        str(chip),
        "--port",
        str(*free_ports(1)),
        *arguments,
    ]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        said = process.stdout.readline()
        process.terminate()
        rest, complaints = process.communicate()
    return said + rest, complaints


def test_no_code_is_shown_that_lets_nobody_in_while_no_chip_runs(chip):
    done = page(chip, "--pair")
    assert isinstance(done.exception, ConfigError)
    assert done.stdout == ""
    assert f"`volet edge run --dir {chip}`" in str(done.exception)
    assert ORDER.read(chip) is None
    french = page(chip, "--pair", lang="fr").exception
    assert str(french).startswith("Le boîtier ne fonctionne pas")


def test_a_code_says_nothing_more_where_a_chip_answers(chip):
    with open_door(chip, lambda _: Pairing(is_open=True)):
        said = page(chip, "--pair")
    assert said.stderr == ""
    assert f"\nThe page is at https://{names_of_host()[-2]}:8443/, " in said.stdout


def test_a_household_is_sent_to_names_that_its_machine_has(chip, tmp_path, monkeypatch):
    """Nobody answers to volet.local but a machine of that name."""
    monkeypatch.setattr("socket.gethostname", lambda: "raspberrypi")
    with open_door(chip, lambda _: Pairing(is_open=True)):
        by_hand = page(chip, "--pair").stdout
        lists_sockets(tmp_path, monkeypatch, "[::]:443 (Stream)")
        monkeypatch.setattr("edge.commands.page.DEFAULT_DIRECTORY", chip)
        monkeypatch.setattr("edge.page.names.addresses_of_machine", lambda _: ["192.168.1.7"])
        installed = page(chip, "--pair").stdout
    assert "is at https://raspberrypi.local:8443/, https://localhost:8443/." in by_hand
    assert "is at https://raspberrypi.local/, https://192.168.1.7/." in installed


def code_of(said):
    return said.stdout.partition("\n")[0].replace(" ", "")


@pytest.mark.long
@pytest.mark.parametrize("is_open", [False, True])
def test_whenever_a_command_is_killed_the_window_is_whole_and_the_next_one_opens_it(chip, is_open):
    window = PairingWindow(chip, lambda: datetime.now(UTC))
    with open_door(chip, lambda _: window.state()):
        before = code_of(page(chip, "--pair")) if is_open else None
        for step in killed_at_each_step(lambda: page(chip, "--pair", "--viewer")):
            order = ORDER.read(chip)
            if (order and order.code) != before:
                assert order.role is VisitorRole.VIEWER, "what was asked for, or nothing"
                assert len(order.code) == 8
            before = code_of(page(chip, "--pair"))
            if not is_open:
                assert window.admit(before) is VisitorRole.OWNER, f"step {step}"
                before = None
    assert step > 10


@pytest.mark.long
def test_showing_the_fingerprint_changes_nothing_whenever_it_is_killed(chip):
    served = chip / PAGE_DIRECTORY
    served.mkdir()
    certify_apart(served, ("volet.local",))
    held = {path: path.read_bytes() for path in chip.rglob("*") if path.is_file()}
    for _ in killed_at_each_step(lambda: page(chip, "--show")):
        pass
    assert {path: path.read_bytes() for path in chip.rglob("*") if path.is_file()} == held
    assert "SHA-256 " in page(chip, "--show").stdout


def test_the_page_says_at_its_start_that_no_chip_runs(chip):
    said, complaints = served(chip)
    assert said.startswith("The page is at https://")
    assert complaints.startswith(NOBODY)
    assert f"`volet edge run --dir {chip}`" in complaints


def test_its_addresses_name_the_port_at_which_it_was_started(chip):
    said, _ = served(chip)
    port = said.split("localhost:")[1].split("/")[0]
    shown = page(chip, "--show").output
    assert shown.count(f":{port}/") == shown.count("https://") > 1
    assert ":9443/" in page(chip, "--show", "--port", "9443").output
    assert "https://localhost/\n" in page(chip, "--show", "--port", "443").output
    (chip / PAGE_DIRECTORY / PORT_FILE).write_text("8443; what is no port\n")
    assert "https://localhost:8443/\n" in page(chip, "--show").output


def test_a_page_that_never_ran_says_how_it_gets_its_certificate(chip, tmp_path, monkeypatch):
    assert f"`volet edge page --dir {chip}`" in str(page(chip, "--show").exception)
    lists_sockets(tmp_path, monkeypatch, "[::]:443 (Stream)")
    monkeypatch.setattr("edge.commands.page.PAGE_HOME", tmp_path / "not-made-yet")
    monkeypatch.setattr("edge.commands.page.DEFAULT_DIRECTORY", chip)
    installed = page(chip, "--show").exception
    first = f"https://{names_of_host()[-2]}/"
    assert f"nobody has opened it: open it in a browser at {first}" in str(installed)
    french = str(page(chip, "--show", lang="fr").exception)
    assert french.startswith("La page n'a pas encore de certificat")


def lists_sockets(tmp_path, monkeypatch, listens):
    """Have systemd say where the page's socket unit listens."""
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text(f"#!/bin/sh\necho '{listens}'\n")
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{systemctl.parent}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("listens", "suffix"),
    [
        ("[::]:80 (Stream)\n[::]:443 (Stream)", ""),
        ("0.0.0.0:80 (Stream)\n192.168.1.2:9443 (Stream)", ":9443"),
        ("", ""),
    ],
)
def test_an_installed_page_is_where_systemd_listens(chip, tmp_path, monkeypatch, listens, suffix):
    """The unit may have another port by the operator's hand; the page may never have run at it."""
    served(chip)
    lists_sockets(tmp_path, monkeypatch, listens)
    monkeypatch.setattr("edge.commands.page.PAGE_HOME", chip / PAGE_DIRECTORY)
    monkeypatch.setattr("edge.commands.page.DEFAULT_DIRECTORY", chip)
    assert f"https://{names_of_host()[-2]}{suffix}/\n" in page(chip, "--show").output


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_its_language_is_for_those_who_ask_for_neither(chip, lang):
    with PageProcess(chip, (*COMMAND, lang, "page", "--dir", str(chip))) as process:
        for asked, spoken in (("de", lang), ("de, fr;q=0.9, en;q=0.8", "fr"), ("en-GB", "en")):
            with process.visitor(**{"Accept-Language": asked}) as visitor:
                assert f'<html lang="{spoken}">' in visitor.get(ENTER).text
