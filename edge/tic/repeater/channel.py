"""What passes between the chip and the process that serves its line.

A Unix socket that keeps messages apart. The chip connects, and its first message carries the listening
TCP sockets; each later one is a piece of the line. What comes back is one byte: how many clients there
are. Neither side ever waits for the other.
"""

import socket
from pathlib import Path

from system.files import opened_directory

SOCKET_NAME = "line.sock"
# Held by systemd for the chip of one user: packaging/units/volet-edge-repeater@.socket.
SOCKET_OF_UNIT = Path("/run/volet-edge-repeater", SOCKET_NAME)
KIND = socket.SOCK_SEQPACKET
CLIENTS_MAX = 16
# With the listening sockets.
HELLO = b"line"
LISTENING_MAX = 2
# What one read of a serial line gives, and what the mask had held back.
PIECE_BYTES_MAX = 8_192
# What waits for a process that hangs: a minute of a line at 9600 bit/s, as the kernel counts it.
WAITING_BYTES = 65_536


def connect(path: Path) -> socket.socket:
    """Connect to the process that serves, without waiting; the socket never waits either.

    Raises:
        OSError: nobody listens there.
    """
    channel = socket.socket(socket.AF_UNIX, KIND)
    try:
        channel.setblocking(False)
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, WAITING_BYTES)
        with opened_directory(path.parent) as place:
            channel.connect(f"{place}/{path.name}")
    except OSError:
        channel.close()
        raise
    return channel
