"""The connections of a server: few for each address, and always room for whoever calls.

A connection costs a file and memory from its first packet on, before TLS shows who it is. So it is
counted when it is accepted. If all places are taken, one is hung up on of the network that has most
of them: the one that has been silent longest.
"""

import socket
from collections import Counter, OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

IPV6_BITS = 128
_SUBSCRIBER_BITS = 64  # of IPv6, what one subscriber gets


@dataclass
class _Open:
    """An open connection: its socket, for whom and which network it counts, whether it is in a call."""

    connection: socket.socket
    origin: str
    network: str
    is_in_call: bool = False


class Connections:
    """The open connections by file number, those that were silent longest first."""

    def __init__(self, total_max: int, address_max: int, ipv6_bits: int = _SUBSCRIBER_BITS) -> None:
        """Allow `total_max` connections, `address_max` of them from one address.

        IPv6 addresses that agree in their first `ipv6_bits` bits count as one.
        """
        self._total_max = total_max
        self._address_max = address_max
        self._ipv6_bits = ipv6_bits
        self._open: OrderedDict[int, _Open] = OrderedDict()

    def admit(self, connection: socket.socket, address: str) -> bool:
        """Count a connection that was accepted; return False if it has to be closed."""
        self._forget_closed()
        origin = origin_of(address, self._ipv6_bits)
        if sum(each.origin == origin for each in self._open.values()) >= self._address_max:
            return False
        if len(self._open) >= self._total_max and not self._hang_up():
            return False
        self._open[connection.fileno()] = _Open(connection, origin, origin_of(address))
        return True

    def mark(self, number: int, *, is_in_call: bool) -> None:
        """Record that a call has begun or ended on the connection with this file number."""
        if number in self._open:
            self._open[number].is_in_call = is_in_call
            self._open.move_to_end(number)

    def _forget_closed(self) -> None:
        for number, each in list(self._open.items()):
            if each.connection.fileno() != number:
                del self._open[number]

    def _hang_up(self) -> bool:
        """End a connection of the network that has most; return whether there is one to end."""
        silent = [number for number, each in self._open.items() if not each.is_in_call]
        if not silent:
            return False
        held = Counter(each.network for each in self._open.values())
        number = max(silent, key=lambda each: held[self._open[each].network])
        self._open.pop(number).connection.shutdown(socket.SHUT_RDWR)  # its transport closes it
        return True


class Listener(socket.socket):
    """A listening socket that closes connections beyond the limits."""

    connections: Connections

    def accept(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a connection.

        Raises:
            ConnectionAbortedError: it was closed; asyncio goes on with the next.
        """
        connection, address = super().accept()
        if self.connections.admit(connection, address[0]):
            return connection, address
        connection.close()
        raise ConnectionAbortedError


def origin_of(address: str, ipv6_bits: int = _SUBSCRIBER_BITS) -> str:
    """Return what an address counts for: itself, or its network in IPv6."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address  # a local socket has none
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return f"{int(parsed) >> (IPV6_BITS - ipv6_bits):x}"
    return str(parsed)
