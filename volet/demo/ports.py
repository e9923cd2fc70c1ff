"""Ports on loopback for a broker that is about to start."""

import random
import socket

_BELOW_OUTGOING = range(20_000, 32_000)
_TRIED = 50


def free_ports(count: int) -> list[int]:
    """Return ports on loopback that are free now, all different.

    They lie below those that the system gives to outgoing connections, and are drawn at random, so
    that neither takes one away before it is listened on.
    """
    drawn = random.SystemRandom().sample(_BELOW_OUTGOING, _TRIED)
    return [port for port in drawn if _is_free(port)][:count]


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
