"""Renews a chip's certificate at the chip's own request, under the name that it has."""

from datetime import datetime
from pathlib import Path

from cloud.registry.authority import is_fresh
from cloud.registry.enrolment import check_csr
from cloud.registry.key_files import (
    der,
    exclusive,
    load_authority,
    pki_path,
    revoked_serials,
)
from cloud.registry.pki import issue_device, issued_certificates
from cloud.store import Device, Store
from protocol.calendar import legal_day
from protocol.errors import DocumentRefused


def reissue(
    directory: Path, store: Store, device: Device, csr: bytes, now: datetime
) -> tuple[bytes, ...]:
    """Return a chip's certificate (DER) and those that lead to a root.

    The last one is returned again while more than half of its time is left and its issuer is in
    force, and there is none for another key than that of the last one. So repeated requests cost no
    signature and no place. A chip with a new TLS key is enrolled again.

    Raises:
        DocumentRefused: the chip is revoked, its household has moved out, or the request is wrong
            or for another key.
        ConfigError: a file is missing, or the issuer has ended.
    """
    key = check_csr(csr)
    _check_lives_here(store, device, now)
    with exclusive(directory):
        authority = load_authority(directory)
        issued = issued_certificates(directory, device.device)
        revoked = revoked_serials(pki_path(directory, "crl.pem"))
        if any(certificate.serial_number in revoked for certificate in issued):
            raise DocumentRefused("This chip is revoked.")
        last = issued[-1] if issued else None
        if last is not None and last.public_key() != key:
            raise DocumentRefused("The request is for another key than this chip's.")
        is_good = (
            last is not None
            and last.issuer == authority.certificate.subject
            and is_fresh(last, now)
        )
        if last is None or not is_good:
            issue_device(directory, device.device, key, now)
            last = issued_certificates(directory, device.device)[-1]
    return tuple(map(der, (last, authority.certificate, *authority.above)))


def _check_lives_here(store: Store, device: Device, now: datetime) -> None:
    current = store.device_of(device.household_key)
    if device.is_revoked or current is None or current.device != device.device:
        raise DocumentRefused("This chip is revoked, or its household has another one.")
    last_day = store.last_day_of(device.household_key)
    if last_day is not None and legal_day(now) > last_day:
        raise DocumentRefused("The household of this chip has moved out.")
