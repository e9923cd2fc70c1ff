"""Classifies why the chip has no session, logs each change, and provides the reason.

Under TLS 1.3 a broker refuses a certificate after the client's handshake has ended, so its alert
comes with the first read. OpenSSL names alerts and the faults of a certificate. Any that is not
listed here counts as a plain refusal.
"""

import ssl
import time
from collections.abc import Callable

import structlog

from edge.mqtt.message import Absence
from system.conditions import Condition
from system.tls import WITHDRAWN_CODE

# X509_V_ERR_… of OpenSSL's x509_vfy.h, raised when this chip verifies the broker's certificate.
_FAULTS = {9: Absence.CLOCK, 10: Absence.CITY_EXPIRED} | dict.fromkeys(
    (2, 18, 19, 20, 21, WITHDRAWN_CODE), Absence.AUTHORITY
)
# Alerts of RFC 8446, section 6.2, with which a broker refuses this chip's certificate.
_ALERTS = {
    "certificate revoked": Absence.REVOKED,
    "certificate expired": Absence.EXPIRED,
    "unknown ca": Absence.AUTHORITY,
    "bad certificate": Absence.CERTIFICATE,
}
# Two chips with the same keys take the session from each other, so that none lasts. Some brokers
# report this (MQTT 5, 0x8E), others only close the connection. A broker that was away has ended
# sessions by itself. A broker that is restarted ends sessions less often.
_SHORT_S = 5.0
_SHORT_MOST = 6
# After a session that lasted this long, its end is logged again.
_LASTING_S = 3_600.0

log = structlog.get_logger()


class Trouble:
    """The reason why the chip has no session.

    Attributes:
        why: why there is no session.
        is_refused: an operator must act, so that frequent attempts are useless.
    """

    def __init__(self, broker: str, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        """Log the troubles with the broker of this name."""
        self.why = Absence.NETWORK
        self.is_refused = False
        self._broker = broker
        self._monotonic_s = monotonic_s
        self._logged = Condition(monotonic_s)
        self._breaking = Condition(monotonic_s)
        self._alert = ""
        self._begun_at_s = 0.0
        self._short = 0

    def attempt(self) -> None:
        """Begin an attempt, in which nothing has gone wrong yet."""
        self.why, self.is_refused, self._alert = Absence.NETWORK, False, ""

    def over(self) -> None:
        """Record that a session has begun."""
        self._begun_at_s = self._monotonic_s()
        if not self._short:
            self._logged.ends()

    def away(self, error: OSError) -> None:
        """Record that the broker does not answer."""
        self._short = 0
        if self._logged.begins(self.why):
            log.info("broker_away", broker=self._broker, why=error.strerror or str(error))

    def distrusts(self, error: ssl.SSLError) -> None:
        """Record that this chip refuses the broker's certificate."""
        code = getattr(error, "verify_code", None)
        if self._is_new(_FAULTS.get(code or 0, Absence.CERTIFICATE)):
            log.error("broker_tls_refused", broker=self._broker, why=str(error))

    def damaged(self, error: Exception) -> None:
        """Record that this chip's own certificate or key cannot be read."""
        if self._is_new(Absence.CERTIFICATE):
            log.error("tls_identity_damaged", why=str(error))

    def alerted(self, text: str) -> None:
        """Record the TLS error with which a connection ended."""
        self._alert = text

    def hung_up(self, code: str) -> None:
        """Record that the broker ended the connection before there was a session."""
        why = (why for words, why in _ALERTS.items() if words in self._alert.lower())
        if not self._is_new(next(why, Absence.REFUSED)):
            return
        if self.why is Absence.REVOKED:
            log.error("chip_revoked", broker=self._broker)
        else:
            log.error("broker_hung_up", broker=self._broker, why=self._alert or code)

    def no_session(self, code: str) -> None:
        """Record that the broker refuses a session."""
        if self._is_new(Absence.REFUSED):
            log.error("broker_refused_session", broker=self._broker, why=code)

    def no_subscription(self, code: str) -> None:
        """Record that the broker refuses the chip's own topics."""
        if self._is_new(Absence.REFUSED):
            log.error("broker_refused_subscription", why=code)

    def ended(self, code: str, *, is_taken_over: bool) -> None:
        """Record that the broker has ended a session.

        A single time may be an operator's doing. Two chips with the same keys do it to each other
        forever, so they pause in between. A connection that keeps breaking is logged once a day.
        """
        lasted_s = self._monotonic_s() - self._begun_at_s
        is_short = lasted_s < _SHORT_S
        if lasted_s >= _LASTING_S:
            self._breaking.ends()
        self._short = self._short + 1 if is_short else 0
        if self._short >= (2 if is_taken_over else _SHORT_MOST):
            if self._is_new(Absence.DOUBLE):
                log.error("session_taken_over", broker=self._broker)
        elif self._breaking.begins():
            log.warning("session_ended", broker=self._broker, why=code)

    def _is_new(self, why: Absence) -> bool:
        self.why, self.is_refused = why, True
        return self._logged.begins(why)
