"""Connections of a server: how many an address may have, and who makes room for whom."""

import socket
from contextlib import ExitStack

import pytest

from system.connections import Connections


@pytest.fixture
def opened():
    """Open pairs of sockets: ours, and the other end."""
    with ExitStack() as stack:

        def open_pair():
            return tuple(stack.enter_context(each) for each in socket.socketpair())

        yield open_pair


def is_hung_up_on(other):
    other.setblocking(False)
    try:
        return other.recv(1) == b""
    except BlockingIOError:
        return False


def test_an_address_has_its_share_and_gets_it_back(opened):
    connections = Connections(total_max=10, address_max=2)
    first, _ = opened()
    assert connections.admit(first, "192.0.2.1")
    assert connections.admit(opened()[0], "192.0.2.1")
    assert not connections.admit(opened()[0], "192.0.2.1")
    assert connections.admit(opened()[0], "192.0.2.2")
    first.close()
    assert connections.admit(opened()[0], "192.0.2.1")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_an_ipv6_network_counts_as_one_address(opened, one, other, is_same):
    connections = Connections(total_max=10, address_max=1)
    assert connections.admit(opened()[0], one)
    assert connections.admit(opened()[0], other) is not is_same


def test_the_connection_that_was_silent_longest_makes_room(opened):
    connections = Connections(total_max=3, address_max=9)
    pairs = [opened() for _ in range(3)]
    for number, (ours, _) in enumerate(pairs):
        assert connections.admit(ours, f"192.0.2.{number}")
    connections.mark(pairs[0][0].fileno(), is_in_call=True)
    connections.mark(pairs[1][0].fileno(), is_in_call=True)
    connections.mark(pairs[1][0].fileno(), is_in_call=False)
    assert connections.admit(opened()[0], "192.0.2.9")
    assert [is_hung_up_on(other) for _, other in pairs] == [False, False, True]
    assert connections.admit(opened()[0], "192.0.2.9")
    assert [is_hung_up_on(other) for _, other in pairs] == [False, True, True]


def test_the_network_that_has_most_makes_room(opened):
    connections = Connections(total_max=4, address_max=9, ipv6_bits=128)
    pairs = [opened() for _ in range(4)]
    for (ours, _), address in zip(
        pairs, ("192.0.2.1", "fe80::1", "2001:db8::1", "2001:db8::2"), strict=True
    ):
        assert connections.admit(ours, address)
    assert connections.admit(opened()[0], "2001:db8::3")
    assert connections.admit(opened()[0], "2001:db8::4")
    assert [is_hung_up_on(other) for _, other in pairs] == [False, False, True, True]


def test_calls_are_not_interrupted(opened):
    connections = Connections(total_max=2, address_max=9)
    for _ in range(2):
        ours, _ = opened()
        assert connections.admit(ours, "192.0.2.1")
        connections.mark(ours.fileno(), is_in_call=True)
    assert not connections.admit(opened()[0], "192.0.2.2")
