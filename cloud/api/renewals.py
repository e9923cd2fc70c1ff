"""Renews the certificates of chips whose own has ended, so that no broker lets them in."""

from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from cloud.api.problems import ProblemError
from cloud.ingest.verify import check_household, open_up
from cloud.registry.key_files import load_signed_list
from cloud.registry.reissuing import reissue
from cloud.store import Store
from protocol.envelope import Address
from protocol.errors import ConfigError, DocumentRefused, MessageRefused
from protocol.ids import DeviceId
from protocol.renewal import RenewalRequest, RenewedCertificate, RenewedWithoutSession
from protocol.topics import Kind
from system.conditions import Condition

log = structlog.get_logger()


class Renewals:
    """Answers the signed requests of chips of one collectivity."""

    def __init__(self, directory: Path, collectivity: str, store: Store) -> None:
        """Certify with the issuer in `directory`, for chips in `store`; in the store's thread."""
        self._directory = directory
        self._collectivity = collectivity
        self._store = store
        self._failing = Condition()

    def answer(self, device: DeviceId, payload: bytes, now: datetime) -> bytes:
        """Return the certificates for a chip that signed `payload`, and the key list.

        Raises:
            ProblemError: it gets none; who asks for another chip learns nothing about it.
        """
        address = Address(self._collectivity, device, Kind.RENEW)
        enrolled = next(iter(self._store.devices({device})), None)
        try:
            known, request = open_up(address, payload, enrolled, RenewalRequest)
            check_household(request, known)
            chain = reissue(self._directory, self._store, known, request.csr, now)
            key_list = msgspec.msgpack.encode(load_signed_list(self._directory))
        except (MessageRefused, DocumentRefused) as exc:
            raise ProblemError(403, "This chip gets no certificate here.") from exc
        except ConfigError as exc:
            if self._failing.begins(str(exc)):
                log.error("certificate_not_issued", why=str(exc))  # noqa: TRY400 - says all
            raise ProblemError(503, "No certificate can be issued now; try again.") from exc
        self._failing.ends()
        log.info("certificate_renewed_without_session")
        renewed = RenewedCertificate(known.household_key, chain)
        return msgspec.msgpack.encode(RenewedWithoutSession(renewed, key_list))
