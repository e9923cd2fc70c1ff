"""Restores revocations that a backup does not contain.

A store or directory restored from a backup lacks later revocations. The broker's copy of the
revocation list has them; if only the store is restored, the list in pki/ has them as well. Lists
only grow.
"""

from datetime import UTC, datetime
from pathlib import Path

from cloud.registry.key_files import exclusive, load_crls, load_issuers, pki_path, revoked_serials
from cloud.registry.pki import add_revoked, issued_certificates
from cloud.store import Store
from protocol.errors import ConfigError
from protocol.ids import DeviceId


def adopt_revocations(directory: Path, crl: Path) -> int:
    """Add the entries of other revocation lists that ours lack; return how many.

    A list that no issuer of this collectivity signed, or that cannot be read, is ignored.

    Raises:
        ConfigError: the collectivity's directory lacks a file.
    """
    if not crl.exists():
        return 0
    with exclusive(directory):
        now = datetime.now(UTC)
        keys = {
            issuer.certificate.subject: issuer.key.public_key()
            for issuer in load_issuers(directory, now)
        }
        try:
            others = load_crls(crl)
        except ConfigError:
            return 0
        signed = [
            each
            for each in others
            if (key := keys.get(each.issuer)) is not None and each.is_signature_valid(key)
        ]
        new = {entry.serial_number for each in signed for entry in each}
        new -= revoked_serials(pki_path(directory, "crl.pem"))
        if new:
            add_revoked(directory, new, now)
    return len(new)


def revoke_listed(directory: Path, store: Store) -> list[DeviceId]:
    """Revoke the chips on the revocation list in the store; return the newly revoked ones.

    Raises:
        ConfigError: the list is missing or damaged.
    """
    revoked = revoked_serials(pki_path(directory, "crl.pem"))
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
