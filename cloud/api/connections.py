"""How many connections the API takes, and where."""

import socket

from protocol.errors import ConfigError
from system.connections import Connections, Listener

CONNECTIONS_MAX = 192
ADDRESS_CONNECTIONS_MAX = 32


def listen(address: tuple[str, int], connections: Connections) -> Listener:
    """Listen on an address of this machine, given as (host, port).

    Raises:
        ConfigError: another program uses it, or it is not ours.
    """
    try:
        family, kind, number, _, bound = socket.getaddrinfo(
            *address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = Listener(family, kind, number)
        listener.connections = connections
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(bound)
        except OSError:
            listener.close()
            raise
    except OSError as exc:
        raise ConfigError(
            f"The API cannot listen on {address[0]} port {address[1]}: {exc.strerror or exc}; name "
            "another with --bind and --port."
        ) from exc
    listener.setblocking(False)
    return listener
