"""Offers revocation lists to a broker that runs, without a signal.

OpenSSL looks for lists in the broker's directory at each connection: HASH.r0, HASH.r1 and so on, by
the hash of the issuer's name (X509_LOOKUP_hash_dir(3)). It remembers the last number that it found,
so a newer list gets the next one.
"""

import re
import subprocess
from pathlib import Path

from cloud.registry.key_files import load_crls, pem
from mosquitto.config import CRL
from protocol.errors import ConfigError
from system.files import write_public

_OFFERED = re.compile(r"[0-9a-f]{8}\.r[0-9]{1,9}(?!\n)$")


def offer_lists(broker: Path, *, is_read_anew: bool) -> tuple[str, ...]:
    """Offer what CRL in the broker's directory has; return the names of the files that were written.

    `is_read_anew`: no broker runs there, so that earlier files are of no use.

    Raises:
        ConfigError: a list cannot be read or written, or the `openssl` command is missing.
    """
    lists = [(_hash(data), data) for each in load_crls(broker / CRL) for data in [pem(each)]]
    issuers = {issuer for issuer, _ in lists}
    for path in broker.iterdir():
        # A broker accepts nobody of an issuer without a list, as of one that was withdrawn.
        if _OFFERED.match(path.name) and (is_read_anew or path.stem not in issuers):
            path.unlink()
    written = []
    for issuer, data in lists:
        number = 0
        while (path := broker / f"{issuer}.r{number}").exists():
            number += 1
        if number and (broker / f"{issuer}.r{number - 1}").read_bytes() == data:
            continue
        write_public(path, data)
        written.append(path.name)
    return tuple(written)


def _hash(data: bytes) -> str:
    """Return the hash of a list's issuer by which OpenSSL looks for it."""
    try:
        found = subprocess.run(
            ["openssl", "crl", "-noout", "-hash"], input=data, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as exc:
        raise ConfigError(
            "The revocation list cannot be offered to the broker without the command `openssl`; "
            "install it."
        ) from exc
    return found.stdout.decode("ascii").strip()
