"""Listens on an address of this machine, for servers that are no chip's."""

import socket

from protocol.errors import ConfigError
from system.connections import Connections, Listener


def listen(
    address: tuple[str, int], connections: Connections, who: str, next_step: str
) -> Listener:
    """Listen on an address of this machine, given as (host, port), and count what is accepted.

    `who` and `next_step` begin and end the error's text.

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
            f"{who} cannot listen on {address[0]} port {address[1]}: {exc.strerror or exc}; {next_step}"
        ) from exc
    listener.setblocking(False)
    return listener
