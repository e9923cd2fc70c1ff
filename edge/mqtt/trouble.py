"""Why the chip has no session: told apart, logged when it changes, and handed on.

Under TLS 1.3 a broker refuses a certificate after the client's handshake has ended: its alert comes
with the first read. OpenSSL names alerts and the faults of a certificate; what is not named here is
told as a plain refusal.
"""

import ssl
import time
from collections.abc import Callable

import structlog

from edge.mqtt.message import Absence
from system.conditions import Condition

# X509_V_ERR_… of OpenSSL's x509_vfy.h, found while this chip looks at the broker's certificate.
_FAULTS = {9: Absence.CLOCK, 10: Absence.CITY_EXPIRED} | dict.fromkeys(
    (2, 18, 19, 20, 21), Absence.AUTHORITY
)
# Alerts of RFC 8446, section 6.2, by which a broker refuses this chip's certificate.
_ALERTS = {
    "certificate revoked": Absence.REVOKED,
    "certificate expired": Absence.EXPIRED,
    "unknown ca": Absence.AUTHORITY,
    "bad certificate": Absence.CERTIFICATE,
}
# Two chips with the same keys take the session from each other, so that none lasts. Some brokers
# name it (MQTT 5, 0x8E), others only hang up; one that was away has ended sessions by itself.
# A broker that is restarted does so less often.
_SHORT_S = 5.0
_SHORT_MOST = 6
# After one that lasted so long, the next end is news again.
_LASTING_S = 3_600.0

log = structlog.get_logger()


class Trouble:
    """What stands between the chip and its session; `why` says it in a word.

    Attributes:
        why: why there is no session.
        is_refused: an operator must act, so that trying often is no use.
    """

    def __init__(self, broker: str, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        """Tell of the broker of this name."""
        self.why = Absence.NETWORK
        self.is_refused = False
        self._broker = broker
        self._monotonic_s = monotonic_s
        self._told = Condition(monotonic_s)
        self._breaking = Condition(monotonic_s)
        self._alert = ""
        self._begun_at_s = 0.0
        self._short = 0

    def attempt(self) -> None:
        """Begin anew: nothing has gone wrong in this attempt."""
        self.why, self.is_refused, self._alert = Absence.NETWORK, False, ""

    def over(self) -> None:
        """Take note of a session."""
        self._begun_at_s = self._monotonic_s()
        if not self._short:
            self._told.ends()

    def away(self, error: OSError) -> None:
        """Take note that nobody answers."""
        self._short = 0
        if self._told.begins(self.why):
            log.info("broker_away", broker=self._broker, why=error.strerror or str(error))

    def distrusts(self, error: ssl.SSLError) -> None:
        """Take note that this chip refuses the broker's certificate."""
        code = getattr(error, "verify_code", None)
        if self._is_new(_FAULTS.get(code or 0, Absence.CERTIFICATE)):
            log.error("broker_tls_refused", broker=self._broker, why=str(error))

    def damaged(self, error: Exception) -> None:
        """Take note that this chip's own certificate or key cannot be read."""
        if self._is_new(Absence.CERTIFICATE):
            log.error("tls_identity_damaged", why=str(error))

    def alerted(self, text: str) -> None:
        """Keep what TLS said when a connection ended."""
        self._alert = text

    def hung_up(self, code: str) -> None:
        """Take note that the broker ended the connection before there was a session."""
        why = (why for words, why in _ALERTS.items() if words in self._alert.lower())
        if not self._is_new(next(why, Absence.REFUSED)):
            return
        if self.why is Absence.REVOKED:
            log.error("chip_revoked", broker=self._broker)
        else:
            log.error("broker_hung_up", broker=self._broker, why=self._alert or code)

    def no_session(self, code: str) -> None:
        """Take note that the broker refuses a session."""
        if self._is_new(Absence.REFUSED):
            log.error("broker_refused_session", broker=self._broker, why=code)

    def no_subscription(self, code: str) -> None:
        """Take note that the broker refuses the chip's own topics."""
        if self._is_new(Absence.REFUSED):
            log.error("broker_refused_subscription", why=code)

    def ended(self, code: str, *, is_taken_over: bool) -> None:
        """Take note that the broker has ended a session.

        Once it may have been an operator; two chips with the same keys do it to each other for
        ever, and so pause between. A connection that keeps breaking is told once a day.
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
        return self._told.begins(why)
