"""Under which names the page is reached at home, and how the files of its certificate are named."""

import socket
from ipaddress import IPv4Address, ip_address

from system.addresses import addresses_of_machine
from system.at_home import is_answered_at

NAME = "volet.local"
AUTHORITY, AUTHORITY_KEY = "page-authority.pem", "page-authority.key"
CERTIFICATE, CERTIFICATE_KEY = "page.pem", "page.key"


def names_of_host(host: str | None = None) -> tuple[str, ...]:
    """Return the names by which the page is reached at home."""
    own = (host or socket.gethostname()).partition(".")[0].lower()
    return tuple(dict.fromkeys((NAME, f"{own}.local", "localhost")))


def hosts_at(host: str) -> tuple[str, ...]:
    """Return by what a page that listens at `host` is reached, as it stands in an address."""
    try:
        address = ip_address(host)
    except ValueError:
        return (host,)
    if address.is_loopback:
        return names_of_host()[-1:]
    if not address.is_unspecified:
        return (_in_address(host),)
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    own = filter(is_answered_at, addresses_of_machine(family))
    return names_of_host()[-2:-1] + tuple(map(_in_address, own))


def _in_address(address: str) -> str:
    return f"[{address}]" if ":" in address else address
