"""Clears what the broker retains of those who will not come back, and of chips that were replaced.

Revoking clears everything of a name at once. A certificate ends without anybody's doing, and a
household that moves to another chip leaves the key shares that its former chip published.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cryptography import x509

from cloud.registry.broker_session import clear_keys, clear_retained, end_session
from cloud.registry.key_files import load_certificate, pki_path
from cloud.registry.pki import issued_certificates, roles
from cloud.store import Store
from protocol.ids import DeviceId


def clear_ended(directory: Path, now: datetime) -> int:
    """End the sessions of names whose certificates have ended; clear what is retained of them.

    Returns how many messages there were.

    Raises:
        TransportError: the operator's listener cannot be reached.
    """
    cleared = 0
    for name in ended_names(directory, now):
        end_session(directory, name)
        cleared += clear_retained(directory, name)
    return cleared


def ended_names(directory: Path, now: datetime) -> Iterator[str]:
    """Yield chips and roles that hold no certificate any more."""
    for path in sorted(pki_path(directory, "issued").glob("*.pem")):
        if _have_ended(issued_certificates(directory, DeviceId(path.stem)), now):
            yield path.stem
    for name in roles(directory):
        if _have_ended([load_certificate(pki_path(directory, f"{name}.pem"))], now):
            yield name


def clear_replaced(directory: Path, store: Store) -> int:
    """Clear the key shares of chips whose household uses another one; return how many there were.

    Raises:
        TransportError: the operator's listener cannot be reached.
    """
    return clear_keys(directory, replaced_chips(store))


def replaced_chips(store: Store) -> Iterator[DeviceId]:
    """Yield chips that are enrolled for a household which uses another one by now."""
    for device in store.devices():
        current = store.device_of(device.household_key)
        if current is not None and current.device != device.device:
            yield device.device


def _have_ended(certificates: list[x509.Certificate], now: datetime) -> bool:
    return all(certificate.not_valid_after_utc <= now for certificate in certificates)
