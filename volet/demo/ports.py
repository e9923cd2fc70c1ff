"""Finds free ports on loopback for a broker."""

import random
import socket

_BELOW_OUTGOING = range(20_000, 32_000)
_TRIED = 50


def free_ports(count: int) -> list[int]:
    """Return distinct ports on loopback that are free now.

    They are below the ports for outgoing connections and are chosen at random, so that they stay
    free until the broker listens on them.
    """
    candidates = random.SystemRandom().sample(_BELOW_OUTGOING, _TRIED)
    return [port for port in candidates if _is_free(port)][:count]


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
