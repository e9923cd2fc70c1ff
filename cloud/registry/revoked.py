"""Restores revocations that a backup does not contain.

A store or directory restored from a backup lacks later revocations. The broker's copy of the
revocation list has them; if only the store is restored, the list in pki/ has them as well. Lists
only grow.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cloud.registry.authority import revocation_list
from cloud.registry.pki import exclusive, issued_certificates, load_authority, load_crl, pki_path
from cloud.store import Store
from protocol.ids import DeviceId
from system.files import write_public


def adopt_revocations(directory: Path, crl: Path) -> int:
    """Add the entries of another revocation list that ours lacks; return how many.

    A list that this authority did not sign, or that cannot be read, is ignored.

    Raises:
        ConfigError: the collectivity's directory lacks a file.
    """
    if not crl.exists():
        return 0
    with exclusive(directory):
        authority, path = load_authority(directory), pki_path(directory, "crl.pem")
        try:
            other = x509.load_pem_x509_crl(crl.read_bytes())
        except (ValueError, OSError):
            return 0
        own = load_crl(path)
        new = _serials(other) - _serials(own)
        if not new or not other.is_signature_valid(authority.key.public_key()):
            return 0
        joined = revocation_list(authority, new, datetime.now(UTC), own)
        write_public(path, joined.public_bytes(Encoding.PEM))
    return len(new)


def revoke_listed(directory: Path, store: Store) -> list[DeviceId]:
    """Revoke the chips on the revocation list in the store; return the newly revoked ones.

    Raises:
        ConfigError: the list is missing or damaged.
    """
    revoked = _serials(load_crl(pki_path(directory, "crl.pem")))
    if not revoked:
        return []
    known = store.fleet.known() - {
        device.device for device in store.fleet.devices() if device.is_revoked
    }
    newly_revoked = []
    for path in sorted(pki_path(directory, "issued").glob("*.pem")):
        device = DeviceId(path.stem)
        certificates = issued_certificates(directory, device)
        if device in known and revoked & {
            certificate.serial_number for certificate in certificates
        }:
            store.revoke(device)
            newly_revoked.append(device)
    return newly_revoked


def _serials(crl: Iterable[x509.RevokedCertificate]) -> set[int]:
    return {entry.serial_number for entry in crl}
