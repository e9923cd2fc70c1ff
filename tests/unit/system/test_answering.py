"""A process that answers and calls nobody: served as ever, and whoever takes it over reaches no network."""

import ctypes
import multiprocessing
import os
import socket
import struct
from pathlib import Path

import pytest

from system.answering import LOCAL_NAME_MAX, call_nobody

LIBC = ctypes.CDLL(None, use_errno=True)
HOSTS = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
LONGER = 110


@pytest.fixture(params=list(HOSTS), ids=lambda family: family.name)
def listening(request):
    try:
        made = socket.create_server((HOSTS[request.param], 0), family=request.param)
    except OSError as exc:
        pytest.skip(f"this machine has no such address: {exc}")
    with made:
        yield made


@pytest.fixture
def other(listening):
    """Another program's port, which is called."""
    with socket.create_server((HOSTS[listening.family], 0), family=listening.family) as made:
        made.setblocking(False)
        yield made


def apart(do, *arguments, is_closed=True):
    """Do something in a process of its own; return what it returns, or the name of its error."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()

    def run():
        if is_closed:
            call_nobody()
        try:
            there.send(do(*arguments))
        except OSError as exc:
            there.send(type(exc).__name__)

    process = context.Process(target=run)
    process.start()
    said = here.recv()
    process.join()
    return said


def by_connect(listening, place):
    listening.shutdown(socket.SHUT_RDWR)
    listening.connect(place)
    return "connected"


def by_first_data(listening, place):
    listening.shutdown(socket.SHUT_RDWR)
    listening.sendto(b"x", socket.MSG_FASTOPEN, place)
    return "connected"


def by_first_message(listening, place):
    listening.shutdown(socket.SHUT_RDWR)
    listening.sendmsg([b"x"], [], socket.MSG_FASTOPEN, place)
    return "connected"


def by_ending_to_listen(listening, place):
    """By calls that no library makes: an address of no family, then a longer one than need be."""
    connect(listening, struct.pack("=H", socket.AF_UNSPEC), 2 if is_filtered() else 16)
    family = struct.pack("=H", listening.family) + struct.pack("!H", place[1])
    rest = (
        struct.pack("!I", 0x7F00_0001) if listening.family == socket.AF_INET else bytes(19) + b"\1"
    )
    connect(listening, family + rest, LONGER)
    return "connected"


def is_filtered():
    return "Seccomp:\t2" in Path("/proc/self/status").read_text()


def connect(channel, address, length):
    if LIBC.connect(channel.fileno(), ctypes.create_string_buffer(address, 128), length):
        raise OSError(ctypes.get_errno(), "connect")


WAYS = [by_connect, by_first_data, by_first_message, by_ending_to_listen]


@pytest.mark.parametrize("call", WAYS)
def test_a_port_that_was_handed_over_calls_anybody_otherwise(listening, other, call):
    assert apart(call, listening, other.getsockname(), is_closed=False) == "connected"
    other.accept()[0].close()


@pytest.mark.parametrize("call", WAYS)
def test_whoever_takes_it_over_calls_nobody(listening, other, call):
    assert apart(call, listening, other.getsockname()) == "PermissionError"
    with pytest.raises(BlockingIOError):
        other.accept()


def test_a_connection_that_it_has_accepted_calls_nobody_either(listening, other):
    def call(place):
        with socket.create_connection(listening.getsockname()[:2]) as visitor:
            accepted, _ = listening.accept()
            call_nobody()
            visitor.close()
            return by_ending_to_listen(accepted, place)

    assert apart(call, other.getsockname(), is_closed=False) == "PermissionError"


def test_visitors_are_answered(listening):
    def answer():
        accepted, _ = listening.accept()
        accepted.sendall(accepted.recv(9).upper())
        return "answered"

    with socket.create_connection(listening.getsockname()[:2]) as visitor:
        visitor.sendall(b"question")
        assert apart(answer) == "answered"
        assert visitor.recv(9) == b"QUESTION"


@pytest.mark.parametrize("length", [1, LOCAL_NAME_MAX, LOCAL_NAME_MAX + 1])
def test_a_local_socket_of_a_short_name_is_called(tmp_path, monkeypatch, length):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind("d" * length)
        door.listen()

        def call():
            with socket.socket(socket.AF_UNIX) as channel:
                channel.connect("d" * length)
            return "connected"

        assert apart(call) == ("connected" if length <= LOCAL_NAME_MAX else "PermissionError")


def test_what_it_starts_calls_nobody_either(listening):
    program = f"import socket; socket.create_connection({listening.getsockname()[:2]})"
    assert apart(lambda: os.system(f'python3 -c "{program}" 2> {os.devnull}')) != 0
