"""Who is at home: by a private address, or by the IPv6 network of the chip's own address."""

import ipaddress

# Not Python's `is_private`, which counts Teredo and reserved networks too: RFC 1918, 3927, 4193, 4291.
_HOME = [
    ipaddress.ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8"),
        *("fc00::/7", "fe80::/10", "::1/128"),
    )
]
# What a router hands to one network (RFC 4291, 2.5.4). Teredo has one for all of its clients.
_LINK_BITS = 64
_GLOBAL, _TEREDO = ipaddress.ip_network("2000::/3"), ipaddress.ip_network("2001::/32")


def is_answered_at(own: str) -> bool:
    """Return whether visitors of the home come by an address of this machine."""
    return is_private(own) or is_neighbour(own, own)


def is_private(address: str) -> bool:
    """Return whether an address is of the home's own network, or of this machine."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in network for network in _HOME)


def is_neighbour(address: str, own: str) -> bool:
    """Return whether a global IPv6 address is of the network in which this machine has `own`."""
    try:
        ip = ipaddress.IPv6Address(address.partition("%")[0])
        link = ipaddress.IPv6Network((own.partition("%")[0], _LINK_BITS), strict=False)
    except ValueError:
        return False
    return ip in link and ip in _GLOBAL and ip not in _TEREDO
