"""The line on the home network: the chip's program and the repeater's, on a pty, with real clients."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager

import pytest
import serial
from click.testing import CliRunner

from edge.commands.repeat_line import listening_at
from edge.commands.table import edge
from edge.tic.decoder import Decoder
from edge.tic.repeater.channel import CLIENTS_MAX, SOCKET_NAME
from edge.tic.repeater.choice import FILE_NAME, load_repeater, turn_off, turn_on
from edge.tic.repeater.serving import CLIENTS_MAX_EACH, WAITING_MAX_BYTES
from system.process_status import status_field
from tests.integration.test_tic_captures import CAPTURES
from tests.support.broker import enrol_chip, make_cloud, wait_until
from tests.support.repeated_line import SERIAL, repeated_home
from tests.support.sweeps import swept
from tests.support.terminal import machine

QUARTERS = 12
MEMORY_MAX_KB = 40_000
REAL = {
    name: path.read_bytes()
    for name in ("std_mono_base_real", "hist_mono_tempo_real")
    if (path := CAPTURES / f"{name}.bin").exists()
}
NUMBERS = (b"368739", b"51967533", b"67533895")  # of the first capture
# A program that connects and sends all that it can, over and over.
FLOOD = """
import socket, sys
while True:
    try:
        with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as flooding:
            while True:
                flooding.sendall(b"x" * 100_000)
    except OSError:
        pass
"""


@pytest.fixture
def home(tmp_path):
    with repeated_home(tmp_path) as home:
        yield home


def status(home):
    words = ["--lang", "en", "status", "--dir", str(home.directory), "--json"]
    return json.loads(CliRunner().invoke(edge, words).output)["repeater"]


def test_a_client_reads_the_line_with_other_numbers_which_stay(home):
    home.turn_on()
    stand_in = load_repeater(home.directory).serial.encode()
    for _ in range(2):
        with home.repeater(), home.chip(), home.client() as client:
            received = home.until(client, b"ADSC\t" + stand_in)
            assert SERIAL[-6:].encode() not in received
            wait_until(lambda: (status(home) or {}).get("clients") == 1, "the client in the status")
    turn_off(home.directory)
    assert status(home) is None


@pytest.mark.skipif(not REAL, reason="no TIC captures (set VOLET_SHARED)")
@pytest.mark.parametrize("name", REAL)
def test_a_real_line_comes_byte_for_byte_with_its_true_numbers(home, name):
    home.turn_on(has_true_numbers=True)
    capture = REAL[name]
    with home.repeater(), home.chip(), home.client() as client:
        wait_until(
            lambda: home.send(capture) or (client.read() and len(client.received) > len(capture)),
            "a capture at the client",
        )
    characters = bytes(byte & 0x7F for byte in capture)
    assert client.received in characters * (1 + len(client.received) // len(capture) + 1)


@pytest.mark.skipif(not REAL, reason="no TIC captures (set VOLET_SHARED)")
def test_a_real_line_comes_with_other_numbers_as_pyserial_reads_it(home):
    home.turn_on()
    choice, decoder, frames = load_repeater(home.directory), Decoder(), []
    with home.repeater(), home.chip():
        home.client().connection.close()  # once it listens
        url = f"socket://127.0.0.1:{home.port}"
        with serial.serial_for_url(url, 9600, bytesize=7, parity="E", timeout=0) as line:
            received = b""

            def decodes():
                nonlocal received
                home.send(REAL["std_mono_base_real"])
                received += (data := line.read(65_536))
                frames.extend(decoder.feed(data))
                return sum(frame.is_complete for frame in frames) > 20

            wait_until(decodes, "frames at the client", lambda: len(received))
    assert {frame.groups["ADSC"].value for frame in frames[1:] if "ADSC" in frame.groups} == {
        choice.serial
    }
    assert {frame.groups["PRM"].value for frame in frames[1:] if "PRM" in frame.groups} == {
        choice.prm
    }
    assert not [number for number in NUMBERS if number in received]
    assert received.isascii()


# What may happen to a repeater.


@contextmanager
def nothing(_home):
    yield lambda: None


@contextmanager
def one_that_is_read(home):
    with home.repeater(), home.client() as client:
        yield client.read


@contextmanager
def one_that_is_stopped(home):
    """It holds its socket, and takes nothing any more."""
    with home.repeater() as repeater, home.client() as client:
        home.until(client, b"\x02")
        os.kill(repeater.pid, signal.SIGSTOP)
        yield lambda: None


@contextmanager
def one_that_is_killed(home):
    """Each quarter-hour another one is started, and killed while clients read it."""
    with ExitStack() as opened:

        def kill():
            with home.repeater() as repeater, home.client() as client:
                client.read()
                repeater.kill()
                opened.enter_context(client)

        yield kill


@contextmanager
def one_that_nobody_reads(home):
    """Fifty connect from many addresses, and read nothing."""
    with home.repeater() as repeater, ExitStack() as opened:
        opened.enter_context(home.client())
        for number in range(50):
            here = (f"127.0.0.{2 + number // CLIENTS_MAX_EACH}", 0)
            place = ("127.0.0.1", home.port)
            opened.enter_context(socket.create_connection(place, source_address=here))
        yield lambda: None
        assert int(status_field("VmRSS", repeater.pid)) < MEMORY_MAX_KB


@contextmanager
def one_that_is_flooded(home):
    with home.repeater() as repeater, ExitStack() as opened:
        home.client().connection.close()
        for _ in range(4):
            flooding = subprocess.Popen([sys.executable, "-c", FLOOD, str(home.port)])
            opened.callback(flooding.wait)
            opened.callback(flooding.kill)
        yield lambda: None
        assert int(status_field("VmRSS", repeater.pid)) < MEMORY_MAX_KB


@contextmanager
def one_that_says_nonsense(home):
    """Whoever has taken the repeater over says anything to the chip, and takes nothing."""
    path, stopped = home.directory / SOCKET_NAME, threading.Event()
    with listening_at(path) as listening:

        def serve():
            while not stopped.is_set():
                channel, _ = listening.accept()
                with channel:
                    try:
                        while not stopped.is_set():
                            channel.send(os.urandom(60_000))
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        yield lambda: None
        stopped.set()
        turn_off(home.directory)
        home.turn_on()  # lets a thread go that waits to be called, or to be heard
        thread.join()


TROUBLES = (
    *(one_that_is_read, one_that_is_stopped, one_that_is_killed, one_that_nobody_reads),
    *(one_that_is_flooded, one_that_says_nonsense),
)


def lived(folder, trouble, *, is_on):
    """Return the quarter-hours of a home in which something happens to the repeater."""
    folder.mkdir()
    with repeated_home(folder, REAL.get("std_mono_base_real", b"")) as home, home.chip():
        if is_on:
            home.turn_on()
        home.send(2 * home.frame())  # as often as wanted until a client has something of it
        with trouble(home) as meanwhile:
            home.live(QUARTERS, meanwhile)
            return home.quarters()[: home.due]  # the last one may have just come


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    found = lived(tmp_path_factory.mktemp("off") / "home", nothing, is_on=False)
    assert len(found) == QUARTERS - 2
    assert all(quarter.energy_wh for quarter in found)
    return found


@pytest.mark.parametrize("trouble", swept(TROUBLES, 4))
def test_metering_is_the_same_whatever_happens_to_the_repeater(tmp_path, undisturbed, trouble):
    assert lived(tmp_path / "home", trouble, is_on=True) == undisturbed


def test_a_line_goes_on_with_a_whole_line_after_a_repeater_has_hung(home):
    """What is dropped meanwhile makes no false line of two halves."""
    home.turn_on()
    with home.repeater() as repeater, home.chip(), home.client() as client:
        home.until(client, b"\x02")
        os.kill(repeater.pid, signal.SIGSTOP)
        for _ in range(3):  # more than waits
            home.live(20)
        os.kill(repeater.pid, signal.SIGCONT)
        date = next(line for line in home.frame(1).split(b"\r") if line.startswith(b"\nDATE"))
        home.until(client, date, home.frame(1))
    decoder = Decoder()
    decoder.feed(client.received[client.received.index(b"\x02") :])
    assert decoder.quality.refused == 0


def test_a_client_that_does_not_read_is_hung_up_on_and_the_others_read_on(home):
    home.turn_on()
    with home.repeater() as repeater, home.chip(), home.client() as slow, home.client() as client:
        home.until(client, b"\x02")

        def is_hung_up_on():
            home.send(20 * home.frame())
            assert client.read()
            return "repeater_client_dropped" in repeater.log

        wait_until(is_hung_up_on, "the end of a slow client", lambda: len(client.received))
        assert client.read()
        while slow.read() and len(slow.received) < 100 * WAITING_MAX_BYTES:
            pass
        assert len(slow.received) < len(client.received)


def test_there_is_room_for_few_and_for_few_of_one_address(home):
    home.turn_on()
    with home.repeater() as repeater, home.chip(), ExitStack() as opened:
        first = [opened.enter_context(home.client()) for _ in range(CLIENTS_MAX_EACH)]
        home.until(first[0], b"\x02")
        refused = opened.enter_context(home.client())
        wait_until(lambda: not refused.read(), "an end")
        place = ("127.0.0.1", home.port)
        for number in range(CLIENTS_MAX):
            here = (f"127.0.0.{2 + number // CLIENTS_MAX_EACH}", 0)
            opened.enter_context(socket.create_connection(place, source_address=here))
        home.until(first[0], b"\x03", home.frame())
        assert all(client.read() for client in first)
        wait_until(lambda: "repeater_client_refused" in repeater.log, "a word of it")


def test_off_hangs_up_and_shuts_the_port(home):
    home.turn_on()
    with home.repeater(), home.chip(), home.client() as client:
        home.until(client, b"\x02")
        turn_off(home.directory)
        wait_until(lambda: not client.read(), "the end of the connection")

        def is_shut():
            try:
                socket.create_connection(("127.0.0.1", home.port)).close()
            except ConnectionRefusedError:
                return True
            return False

        wait_until(is_shut, "the end of the port")
        home.turn_on()
        with home.client() as again:
            home.until(again, b"\x02")
        (home.directory / FILE_NAME).unlink()  # as an enrolment does
        wait_until(is_shut, "the end of the port")


@pytest.mark.long
def test_a_port_that_another_holds_is_named_and_taken_once_it_is_free(home):
    with socket.create_server(("127.0.0.1", home.port)), home.repeater(), home.chip():
        home.turn_on(address="127.0.0.1")
        wait_until(lambda: (status(home) or {}).get("fault") == "port_is_taken", "the fault")
        home.live(3)
    with home.repeater(), home.chip(), home.client() as client:
        home.until(client, b"\x02")
        wait_until(lambda: (status(home) or {}).get("fault", "") is None, "no fault")


def test_an_address_that_is_public_is_refused_even_if_a_file_names_it(home):
    home.turn_on()
    choice = (home.directory / FILE_NAME).read_text()
    (home.directory / FILE_NAME).write_text(choice.replace('"address": ""', '"address": "0.0.0.0"'))
    with home.repeater(), home.chip():
        wait_until(lambda: (status(home) or {}).get("fault") == "address_is_public", "the fault")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", home.port))


def test_a_client_that_says_something_is_hung_up_on(home):
    home.turn_on()
    with home.repeater(), home.chip(), home.client() as one:
        one.connection.setblocking(True)
        one.connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        one.connection.setblocking(False)
        home.until(one, b"\x02")
        one.connection.setblocking(True)
        one.connection.sendall(b"x" * 2_000)
        one.connection.setblocking(False)
        wait_until(lambda: not one.read(), "an end")


STRANGER, CHIP, PHONE = "203.0.113.9", "203.0.113.1", "192.168.7.9"
ASK = """
import socket, sys
with socket.create_connection((sys.argv[1], 9600), 5, (sys.argv[2], 0)) as one:
    print(len(one.recv(100)) > 0)
"""


def test_who_comes_from_elsewhere_or_to_a_public_address_is_hung_up_on(tmp_path):
    make_cloud(tmp_path / "cloud")
    chip = tmp_path / "machine/var/lib/volet"
    chip.parent.mkdir(parents=True)
    enrol_chip(tmp_path / "cloud", chip)
    turn_on(chip, has_true_numbers=False)
    with machine(tmp_path / "machine") as typing:
        for address in (STRANGER, CHIP, PHONE, "192.168.7.1"):
            status, said = typing.type(f"ip addr add {address}/24 dev lo")
            assert status == 0, said
        typing.type("volet edge simulate --option hphc --link /dev/ttyUSB9 2> meter.log &")
        typing.type("volet edge repeat-line > line.log 2>&1 &")
        typing.type("volet edge run --source /dev/ttyUSB9 2> chip.log &")
        (typing.directory / "ask.py").write_text(ASK)
        asked = f"python3 ask.py 192.168.7.1 {PHONE}"
        typing.type(f"timeout 60 sh -c 'until {asked} 2> /dev/null; do sleep 0.2; done'")
        assert typing.type(asked) == (0, "True\n"), typing.logs()
        for own, peer in (("192.168.7.1", STRANGER), (CHIP, STRANGER), (CHIP, PHONE)):
            assert typing.type(f"python3 ask.py {own} {peer}") == (0, "False\n")
        assert typing.type(asked) == (0, "True\n")
        assert typing.logs().count("repeater_stranger_refused") == 1
