"""Under which names and port the page is reached at home, and how its files are named."""

import re
import socket
from contextlib import suppress
from ipaddress import IPv4Address, ip_address
from pathlib import Path

from system.addresses import addresses_of_machine
from system.at_home import is_answered_at

NAME = "volet.local"
AUTHORITY, AUTHORITY_KEY = "page-authority.pem", "page-authority.key"
CERTIFICATE, CERTIFICATE_KEY = "page.pem", "page.key"
# At which port it was started last, for whoever asks for its address.
PORT_FILE = "page.port"
HTTPS_PORT = 443
_PORT = re.compile(r"[1-9][0-9]{0,4}(?!\n)$")


def names_of_host(host: str | None = None) -> tuple[str, ...]:
    """Return the names by which the page is reached at home."""
    own = (host or socket.gethostname()).partition(".")[0].lower()
    return tuple(dict.fromkeys((NAME, f"{own}.local", "localhost")))


def address_at(name: str, port: int) -> str:
    """Return the address of the page at a name as it is typed, which names a usual port not."""
    return f"https://{name}{'' if port == HTTPS_PORT else f':{port}'}/"


def noted_port(files: Path) -> int | None:
    """Return the port at which the page with these files was started last, None if it never was."""
    with suppress(OSError, ValueError):
        if _PORT.match(text := (files / PORT_FILE).read_text("ascii")):
            return int(text)
    return None


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
    return hosts_at_home(socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6)


def hosts_at_home(family: socket.AddressFamily = socket.AF_INET) -> tuple[str, ...]:
    """Return by what the machine is reached from the home's network: its name, its own addresses."""
    own = filter(is_answered_at, addresses_of_machine(family))
    return names_of_host()[-2:-1] + tuple(map(_in_address, own))


def _in_address(address: str) -> str:
    return f"[{address}]" if ":" in address else address
