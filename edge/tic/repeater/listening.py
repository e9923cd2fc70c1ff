"""Opens the port on which the line is repeated.

The chip opens it, since the process that serves has no network of its own. Nobody is answered from here.
"""

import errno
import socket

from edge.tic.repeater.choice import RepeaterChoice, RepeaterFault
from system.at_home import is_private

BACKLOG = 16
# What waits in the kernel for each client, which inherits it; the kernel takes twice as much.
CLIENT_BUFFER_BYTES = 16_384
_FAULTS = {errno.EADDRINUSE: RepeaterFault.TAKEN, errno.EADDRNOTAVAIL: RepeaterFault.ABSENT}


class NotOpened(Exception):
    """The port cannot be opened; `fault` says why."""

    def __init__(self, fault: RepeaterFault) -> None:
        super().__init__(fault)
        self.fault = fault


def open_port(choice: RepeaterChoice) -> socket.socket:
    """Return the listening socket.

    Without an address it listens on all of them, and who serves it looks at both ends of each
    connection.

    Raises:
        NotOpened: the address is public or not here, or the port is taken.
    """
    if choice.address and not is_private(choice.address):
        raise NotOpened(RepeaterFault.PUBLIC)
    try:
        if choice.address:
            family = socket.AF_INET6 if ":" in choice.address else socket.AF_INET
            listening = _listen(choice, family)
        else:
            listening = _listen_on_all(choice)
    except OSError as exc:
        raise NotOpened(_FAULTS.get(exc.errno or 0, RepeaterFault.OTHER)) from exc
    listening.setblocking(False)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, CLIENT_BUFFER_BYTES)
    return listening


def _listen_on_all(choice: RepeaterChoice) -> socket.socket:
    if not socket.has_dualstack_ipv6():
        return _listen(choice, socket.AF_INET)
    place = ("", choice.port)
    return socket.create_server(place, family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)


def _listen(choice: RepeaterChoice, family: socket.AddressFamily) -> socket.socket:
    return socket.create_server((choice.address, choice.port), family=family, backlog=BACKLOG)
