"""The program of a chip that is not enrolled: reads its line, answers, and ends once it is enrolled."""

import socket
import threading
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from edge.chip.agent import StopSignal
from edge.chip.config import EdgeConfig
from edge.chip.first_run import FirstRun
from edge.commands.table import edge
from edge.contracts import enrolling
from edge.contracts.enrolling import draw_keys
from edge.household.call import call, door_in
from edge.household.requests import AskFirstRun
from edge.household.shown_first_run import FirstRunStep, ShownFirstRun
from edge.household.visitors import VisitorRole, household_name
from edge.identity.keys import load_keys
from edge.language.choice import Lang
from edge.stage import ENROLMENT, IMPORTING, REQUEST
from edge.vault.lock import is_in_use
from protocol.errors import ConfigError
from tests.support.answering import Registrar
from tests.support.broker import wait_until
from tests.support.first_run import PtyMeter
from tests.unit.page.test_first_run_answers import TAKEN, Chip


@pytest.fixture
def chip(tmp_path):
    draw_keys(tmp_path / "chip")
    return tmp_path / "chip"


def shown(chip):
    household = household_name(load_keys(chip).household.id)
    found = call(
        door_in(chip), AskFirstRun(lang=Lang.EN, household=household, role=VisitorRole.OWNER)
    )
    assert isinstance(found, ShownFirstRun)
    return found


@contextmanager
def running(chip, source):
    """Run in a thread; yields the results, which hold one once it has ended."""
    stop, results = StopSignal(), []
    with FirstRun.open(chip, EdgeConfig(source=str(source))) as first_run:
        thread = threading.Thread(target=lambda: results.append(first_run.run(stop)))
        thread.start()
        try:
            yield results
        finally:
            stop.set()
            thread.join()
            stop.close()


def test_it_reads_the_meter_and_stores_nothing_of_it(chip, tmp_path):
    meter, before = PtyMeter(tmp_path / "tic"), {path.name for path in chip.iterdir()}
    with meter.running(), running(chip, tmp_path / "tic") as results:
        wait_until(lambda: bool(shown(chip).line), "the meter")
        told = {row.label: row.text for row in shown(chip).line}
        assert meter.serial in told.values()
        assert told["Meter"] == "one phase"
        assert shown(chip).step is FirstRunStep.REQUEST
        assert results == []
    assert results == [False], "it was stopped"
    after = {path.name for path in chip.iterdir()}
    assert after - before == {"vault.db.lock"}


def test_a_line_that_comes_later_is_waited_for_and_named_meanwhile(chip, tmp_path):
    line = tmp_path / "tic"
    with running(chip, line):
        wait_until(lambda: bool(shown(chip).faults), "the fault")
        (fault,) = shown(chip).faults
        assert fault.startswith(f"{line} is away")
        with PtyMeter(line).running():
            wait_until(lambda: bool(shown(chip).line), "the meter")
            assert shown(chip).faults == ()


def test_what_is_no_line_is_told_to_the_household_instead_of_ending_the_chip(chip, capfd):
    with running(chip, "/dev/null") as results:
        wait_until(lambda: bool(shown(chip).faults), "the fault")
        assert "no serial device" in shown(chip).faults[0]
        assert results == []
    assert capfd.readouterr().out.count("first_run_line_refused") == 1


def test_it_ends_once_an_answer_is_installed_and_lets_the_chip_begin(tmp_path, monkeypatch):
    """However soon it does: the command does not take its going on for a chip that is stopped."""
    asked = Chip(tmp_path / "chip")
    town = Registrar(tmp_path / "cloud", "testville")
    asked.request(**TAKEN)
    answer = tmp_path / "answer.json"
    answer.write_text(town.answer((asked.directory / REQUEST).read_text()))
    with running(asked.directory, tmp_path / "tic") as results:
        assert is_in_use(asked.directory)

        def install(*arguments):
            record = enrolling.install(*arguments)
            wait_until(lambda: bool(results), "its end")
            return record

        monkeypatch.setattr("edge.commands.enrol.install", install)
        enrol = ["--lang", "en", "enrol", "--dir", str(asked.directory), str(answer)]
        done = CliRunner().invoke(edge, enrol)
        assert done.exit_code == 0, done.output
        assert "The running chip goes on with it now." in done.output
    assert results == [True]
    assert not is_in_use(asked.directory)
    assert not door_in(asked.directory).exists()


def test_systemd_hears_that_it_is_ready_and_alive(chip, tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("")
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + heard.getsockname()[1:].decode())
        monkeypatch.setenv("WATCHDOG_USEC", "60000000")
        with running(chip, tmp_path / "tic"):
            assert [heard.recv(64) for _ in range(2)] == [b"READY=1", b"WATCHDOG=1"]
        assert heard.recv(64) == b"STOPPING=1"


def test_two_do_not_run_one_chip(chip, tmp_path):
    with (
        running(chip, tmp_path / "tic"),
        pytest.raises(ConfigError, match="in use by another chip process"),
        FirstRun.open(chip, EdgeConfig(source=str(tmp_path / "tic"))),
    ):
        pass


@pytest.mark.parametrize(
    ("begin", "source", "says"),
    [
        (lambda _: None, "/dev/ttyUSB9", "there is no chip in this directory"),
        (draw_keys, "-", "enrol this chip first"),
        (draw_keys, "", "enrol this chip first"),
        (
            lambda chip: (draw_keys(chip), (chip / IMPORTING).touch()),
            "/dev/ttyUSB9",
            "An import into this chip was interrupted",
        ),
        (
            lambda chip: (draw_keys(chip), (chip / "keys" / "tls.key").unlink()),
            "/dev/ttyUSB9",
            "tls.key is missing",
        ),
    ],
)
def test_what_is_no_chip_that_can_wait_stays_an_error(tmp_path, begin, source, says):
    begin(tmp_path / "chip")
    capture = tmp_path / "capture"
    capture.write_bytes(b"\x02\nADCO 021861000000 )\r\nBASE 002565285 ,\r\x03")
    command = ["--lang", "en", "run", "--dir", str(tmp_path / "chip")]
    done = CliRunner().invoke(edge, [*command, "--source", source or str(capture)])
    assert isinstance(done.exception, ConfigError), done.output
    assert says in str(done.exception)
    assert not (tmp_path / "chip" / ENROLMENT).exists()
