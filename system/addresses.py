"""The addresses by which others reach this machine, interface by interface; Linux only."""

import fcntl
import socket
import struct
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

_IPV6 = Path("/proc/net/if_inet6")
# ioctl_list(2), netdevice(7): the first IPv4 address of an interface, behind its name.
_SIOCGIFADDR, _IFREQ, _ADDRESS = 0x8915, "40s", slice(20, 24)
_NAME_BYTES = 15
# if_addr.h: an address that new connections should not use any more, or that is not certain yet.
_DEPRECATED, _TENTATIVE = 0x20, 0x40


def addresses_of_machine(family: socket.AddressFamily) -> list[str]:
    """Return this machine's addresses, without those that other machines cannot call it by.

    Of IPv4, the first one of each interface.
    """
    found = _ipv6() if family is socket.AF_INET6 else _ipv4()
    return [str(each) for each in found if not (each.is_loopback or each.is_link_local)]


def _ipv4() -> list[IPv4Address]:
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            request = struct.pack(_IFREQ, name.encode()[:_NAME_BYTES])
            try:
                answer = fcntl.ioctl(asking, _SIOCGIFADDR, request)
            except OSError:  # it has none
                continue
            found.append(IPv4Address(answer[_ADDRESS]))
    return found


def _ipv6() -> list[IPv6Address]:
    try:
        lines = _IPV6.read_text("ascii").splitlines()
    except OSError:  # a kernel without IPv6
        return []
    found = []
    for line in lines:
        digits, _, _, _, flags, _ = line.split()
        if not int(flags, 16) & (_DEPRECATED | _TENTATIVE):
            found.append(IPv6Address(bytes.fromhex(digits)))
    return found
