"""Under which names the page is reached at home, and how the files of its certificate are named."""

import socket

NAME = "volet.local"
AUTHORITY, AUTHORITY_KEY = "page-authority.pem", "page-authority.key"
CERTIFICATE, CERTIFICATE_KEY = "page.pem", "page.key"


def names_of_host(host: str | None = None) -> tuple[str, ...]:
    """Return the names by which the page is reached at home."""
    own = (host or socket.gethostname()).partition(".")[0].lower()
    return tuple(dict.fromkeys((NAME, f"{own}.local", "localhost")))
