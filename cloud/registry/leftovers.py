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
from cloud.registry.passed_days import has_passed
from cloud.registry.pki import issued_certificates, roles
from cloud.store import Store
from protocol.calendar import legal_day
from protocol.ids import DeviceId


def clear_ended(directory: Path, store: Store, now: datetime) -> int:
    """End the sessions of names whose certificates have ended; clear what is retained of them.

    Returns how many messages there were.

    Raises:
        TransportError: the operator's listener cannot be reached.
    """
    cleared = 0
    for name in ended_names(directory, store, now):
        end_session(directory, name)
        cleared += clear_retained(directory, name)
    return cleared


def ended_names(directory: Path, store: Store, now: datetime) -> Iterator[str]:
    """Yield chips and roles whose certificates have all ended for sure; see `passed_days`."""
    for path in sorted(pki_path(directory, "issued").glob("*.pem")):
        if _have_ended(issued_certificates(directory, DeviceId(path.stem)), store, now):
            yield path.stem
    for name in roles(directory):
        if _have_ended([load_certificate(pki_path(directory, f"{name}.pem"))], store, now):
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


def _have_ended(certificates: list[x509.Certificate], store: Store, now: datetime) -> bool:
    end = max((each.not_valid_after_utc for each in certificates), default=now)
    return end <= now and has_passed(store, legal_day(end), now)
