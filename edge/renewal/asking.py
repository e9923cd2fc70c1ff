"""Asks for the next certificate over the session, in good time and at a drawn moment.

Between a half and two thirds of its lifetime a chip asks for the next certificate. It shows it in a
new session, at a moment drawn within a day, so that a city's chips do not connect at once.
"""

import random
from datetime import datetime

import structlog

from edge.mqtt.handler import HandlerContext, InboundMessage, MessageHandler
from edge.mqtt.message import Publish
from edge.mqtt.retry import RESEND
from edge.renewal.certificates import Certificates
from protocol.backoff import RetryTimer
from protocol.envelope import open_message
from protocol.errors import ConfigError, DocumentRefused, MessageRefused, Reason
from protocol.renewal import RenewalRequest, RenewedCertificate
from protocol.topics import Kind, device_topic
from system.conditions import Condition

LOOK_S = 60.0
SWITCH_WITHIN_S = 86_400.0
_DRAWN_OF = 1 << 16

log = structlog.get_logger()


class CertificateRenewal(MessageHandler):
    """Renews one chip's certificate; without files it does nothing."""

    kinds = frozenset({Kind.CERTIFICATE})

    def __init__(
        self,
        context: HandlerContext,
        certificates: Certificates | None,
        switch_within_s: float = SWITCH_WITHIN_S,
    ) -> None:
        """Renew `certificates`, and show the next one within `switch_within_s`."""
        self._signer, self._platform_key = context.signer, context.platform_key
        self._clock = context.clock
        self._certificates = certificates
        self._switch_within_s = switch_within_s
        self._rng = random.SystemRandom()
        self._is_connected = False
        self._look_s = 0.0
        self._due_at: datetime | None = None
        self._switch_s: float | None = None
        self._flight = RetryTimer()
        self._unreadable = Condition()

    def connect(self) -> None:
        """See `MessageHandler.connect`."""
        self._is_connected = True
        if self._certificates is not None:
            self._certificates.worked()
        self._switch_s = None
        self._look_s = 0.0
        self._flight.restart(self._clock.monotonic_s())

    def disconnect(self) -> None:
        """See `MessageHandler.disconnect`."""
        self._is_connected = False

    def outgoing(self, now_s: float) -> list[Publish]:
        """See `MessageHandler.outgoing`."""
        certificates = self._certificates
        if certificates is None or not self._is_connected:
            return []
        if now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            self._due_at = self._next_due(certificates)
        is_due = self._due_at is not None and self._clock.now() >= self._due_at
        if not is_due or now_s < self._flight.due_s:
            return []
        self._flight.sent(now_s, RESEND)
        return [Publish(self._topic(), self.request())]

    def request(self) -> bytes:
        """Return a signed request for the next certificate. Needs certificates."""
        if self._certificates is None:
            raise ConfigError("This chip has no certificate to renew.")
        body = RenewalRequest(self._signer.household.id, self._certificates.signing_request())
        return self._signer.seal(Kind.RENEW, body)

    def take(self, message: InboundMessage) -> None:
        """See `MessageHandler.take`."""
        renewed = open_message(
            message.address, message.payload, self._platform_key, RenewedCertificate
        )
        if renewed.household_key != self._signer.household.id:
            raise MessageRefused(Reason.TOPIC, "another household's")
        if self._certificates is None or self._certificates.has_next:
            return
        try:
            self._certificates.put(renewed)
        except DocumentRefused as exc:
            raise MessageRefused(Reason.DOCUMENT, str(exc)) from exc
        self._due_at = None
        now_s = self._clock.monotonic_s()
        self._switch_s = now_s + self._rng.uniform(0, self._switch_within_s)

    def wants_new_session(self) -> bool:
        """Return whether it is time to show the next certificate; True once."""
        if self._switch_s is None or self._clock.monotonic_s() < self._switch_s:
            return False
        self._switch_s = None
        return True

    def _next_due(self, certificates: Certificates) -> datetime | None:
        """Return when to ask for a certificate; None while one waits, or without a readable one."""
        if certificates.has_next:
            return None
        try:
            current = certificates.current()
        except ConfigError as exc:
            if self._unreadable.begins(str(exc)):
                log.warning("certificate_unreadable", why=str(exc))
            return None
        self._unreadable.ends()
        lifetime = current.not_valid_after_utc - current.not_valid_before_utc
        drawn = self._signer.household.draw(f"certificate {current.serial_number}", _DRAWN_OF)
        return current.not_valid_before_utc + lifetime * (1 / 2 + drawn / _DRAWN_OF / 6)

    def _topic(self) -> str:
        return device_topic(self._signer.collectivity, self._signer.device, Kind.RENEW)
