"""Who is revoked, brought from where it is known to where it was forgotten.

A store or directory put back from a backup does not know whom the collectivity has revoked since.
The broker's copy of the revocation list does, and the list in pki/ does where the store alone is
put back. Lists only grow.
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
    """Take over what another copy of the revocation list has and ours lacks; returns how many.

    A list that this authority did not sign, or that cannot be read, says nothing.

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
    """Revoke in the store the chips that stand on the revocation list; returns who was not yet.

    Raises:
        ConfigError: the list is missing or damaged.
    """
    revoked = _serials(load_crl(pki_path(directory, "crl.pem")))
    if not revoked:
        return []
    known = store.fleet.known() - {each.device for each in store.fleet.devices() if each.is_revoked}
    found = []
    for path in sorted(pki_path(directory, "issued").glob("*.pem")):
        device = DeviceId(path.stem)
        certificates = issued_certificates(directory, device)
        if device in known and revoked & {each.serial_number for each in certificates}:
            store.revoke(device)
            found.append(device)
    return found


def _serials(crl: Iterable[x509.RevokedCertificate]) -> set[int]:
    return {each.serial_number for each in crl}
