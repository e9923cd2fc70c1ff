"""Answers chips that ask for their next certificate."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar

import structlog

from cloud.ingest.downlink import DownlinkSigner
from cloud.ingest.handler import RequestHandler
from cloud.store import Device
from protocol.errors import ConfigError, DocumentRefused
from protocol.renewal import RenewalRequest, RenewedCertificate
from protocol.topics import Kind
from system.conditions import Repeated
from system.mqtt.message import Outgoing

# Certifies the key of a chip's signing request: see `cloud.registry.reissuing.reissue`.
Reissue = Callable[[Device, bytes, datetime], tuple[bytes, ...]]

log = structlog.get_logger()


class CertificateAnswers(RequestHandler[RenewalRequest]):
    """Renews certificates over the session."""

    bodies: ClassVar[Mapping[Kind, type[RenewalRequest]]] = {Kind.RENEW: RenewalRequest}

    def __init__(self, reissue: Reissue, signer: DownlinkSigner) -> None:
        self._reissue = reissue
        self._signer = signer
        self._repeated = Repeated()

    def answer(self, device: Device, wanted: RenewalRequest, at: datetime) -> tuple[Outgoing, ...]:
        """Return the certificate, or nothing for a chip that gets none."""
        try:
            chain = self._reissue(device, wanted.csr, at)
        except (DocumentRefused, ConfigError) as exc:
            if times := self._repeated.found(str(exc)):
                log.warning("certificate_not_renewed", why=str(exc), times=times)
            return ()
        renewed = RenewedCertificate(device.household_key, chain)
        return (self._signer.sign(device.device, Kind.CERTIFICATE, renewed, device.version),)


def no_authority(device: Device, csr: bytes, at: datetime) -> tuple[bytes, ...]:
    """Refuse, where the collectivity's issuer is not at hand."""
    del device, csr, at
    raise DocumentRefused("This program has no authority.")
