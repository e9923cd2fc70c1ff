"""How often who may ask: a share for each visitor who was let in, and less for all the others.

Who was let in counts for that session, wherever the requests come from, so that no flood of others
takes a share of it. All others count by address, by network and in all: a neighbour has as many
addresses as a network holds, and in IPv6 as many networks as it announces.
"""

import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import NamedTuple

_IPV4_BITS, _IPV6_BITS = 24, 64
_KEPT_LEAST = 256


class Share(NamedTuple):
    """So many requests a second, and so many at once."""

    each_s: float
    at_once: float


VISITOR = Share(20.0, 40.0)
ADDRESS = Share(20.0, 40.0)
NETWORK = Share(40.0, 80.0)
STRANGERS = Share(80.0, 160.0)


class Shares:
    """What has been asked for lately; what is whole again is forgotten."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        """Count by `monotonic_s`, which returns seconds and never goes back."""
        self._monotonic_s = monotonic_s
        # What was left of each share, and when.
        self._left: dict[tuple[Share, str], tuple[float, float]] = {}
        self._kept_most = _KEPT_LEAST

    def admits(self, address: str, visitor: str) -> bool:
        """Count a request, unless there were too many; return whether it was counted.

        `visitor` names the session of one who was let in, and is empty for all others.
        """
        if visitor:
            return self._take([(VISITOR, visitor)])
        network = network_of(address)
        return self._take([(STRANGERS, ""), (NETWORK, network), (ADDRESS, address)])

    def _take(self, shares: list[tuple[Share, str]]) -> bool:
        now_s = self._monotonic_s()
        lefts = [self._left_at(now_s, share, name) for share, name in shares]
        if min(lefts) < 1:
            return False
        self._forget(now_s)
        for place, left in zip(shares, lefts, strict=True):
            self._left[place] = left - 1, now_s
        return True

    def _left_at(self, now_s: float, share: Share, name: str) -> float:
        left, counted_at_s = self._left.get((share, name), (share.at_once, now_s))
        return min(share.at_once, left + (now_s - counted_at_s) * share.each_s)

    def _forget(self, now_s: float) -> None:
        """Forget whole shares; those that are not are few, since each took of what all have."""
        if len(self._left) < self._kept_most:
            return
        self._left = {
            (share, name): kept
            for (share, name), kept in self._left.items()
            if self._left_at(now_s, share, name) < share.at_once
        }
        self._kept_most = max(2 * len(self._left), _KEPT_LEAST)


def network_of(address: str) -> str:
    """Return the network of an address, as far as one neighbour may hold all of it."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return ""  # a local socket has none
    if ip.version == 6 and (mapped := ip.ipv4_mapped) is not None:  # noqa: PLR2004 - of IPv6
        ip = mapped
    bits = _IPV4_BITS if ip.version == 4 else _IPV6_BITS  # noqa: PLR2004 - of IPv4
    return str(ip_network((ip, bits), strict=False))
