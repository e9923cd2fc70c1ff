"""Asks for a certificate without a session, for a chip that was away longer than its own lasted.

The broker shuts out a certificate that has ended. The chip then posts the same signed request to
the collectivity's API, over TLS in which it shows no certificate. It follows the key list in the
answer, which may name another issuer than the chip knew, and checks the certificate as always.
"""

import http.client
import random
from collections.abc import Callable

import structlog

from edge.identity.enrolment import Identity, signer_of
from edge.identity.platform_keys import key_list_of
from edge.mqtt.message import Absence
from edge.mqtt.sent import SentAccount
from edge.renewal.certificates import CERTIFICATE_TROUBLE, Certificates
from edge.renewal.key_list import KeyListReader
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused, MessageRefused
from protocol.renewal import ANSWER_MAX_BYTES, PATH, RenewalRequest, RenewedWithoutSession
from protocol.topics import Kind, device_topic
from system.clock import Clock
from system.conditions import Condition
from system.tls import server_context

TIMEOUT_S = 10.0
# A first attempt comes at once; after that the chips of a city must not ask together.
AGAIN_S = (1_800.0, 3_600.0)

log = structlog.get_logger()


class RenewalWithoutSession:
    """Called by the link's thread after each failed attempt to get a session."""

    def __init__(
        self,
        identity: Identity,
        certificates: Certificates,
        clock: Clock,
        fetch: Callable[[Identity, bytes], bytes] | None = None,
    ) -> None:
        """Ask for `certificates` of `identity`; `fetch` posts a request and returns the answer."""
        self._identity = identity
        self._certificates = certificates
        self._clock = clock
        self._fetch = fetch or post
        self._keys = KeyListReader(identity)
        self._again_s = float("-inf")
        self._refused = Condition(clock.monotonic_s)

    def after(self, why: Absence) -> bool:
        """Ask for a certificate if that is what keeps the chip away, at most twice an hour.

        Returns whether the chip has another certificate to show than before.
        """
        if self._certificates.failed(why):
            return True
        now_s = self._clock.monotonic_s()
        is_reachable = self._identity.api_port > 0
        if why not in CERTIFICATE_TROUBLE or not is_reachable or now_s < self._again_s:
            return False
        self._again_s = now_s + random.SystemRandom().uniform(*AGAIN_S)
        signer = signer_of(self._identity)
        body = RenewalRequest(signer.household.id, self._certificates.signing_request())
        try:
            posted = self._fetch(self._identity, signer.seal(Kind.RENEW, body))
            answer = decode_body(posted, RenewedWithoutSession)
            self._keys.follow(answer.key_list)
            self._certificates.put(answer.certificate, is_shut_out=True)
        except (OSError, http.client.HTTPException, DocumentRefused, MessageRefused) as exc:
            if self._refused.begins(type(exc).__name__):
                log.warning("certificate_not_given", why=str(exc))
            return False
        self._refused.ends()
        return True


def post(identity: Identity, request: bytes, sent: SentAccount | None = None) -> bytes:
    """Post a request to the collectivity's API and return the answer's body; `sent` counts it.

    Raises:
        OSError: the API cannot be reached, or is not the collectivity's.
        http.client.HTTPException: it does not speak HTTP.
        DocumentRefused: it gives this chip no certificate.
    """
    connection = http.client.HTTPSConnection(
        identity.broker_host,
        identity.api_port,
        timeout=TIMEOUT_S,
        context=server_context(identity.ca_path, key_list_of(identity.platform_key)),
    )
    try:
        connection.connect()
        if sent is not None:
            topic = device_topic(identity.collectivity, identity.device, Kind.RENEW)
            sent.count(topic, request)
        path = PATH.format(device=identity.device)
        connection.request("POST", path, request, {"content-type": "application/octet-stream"})
        answer = connection.getresponse()
        data = answer.read(ANSWER_MAX_BYTES)
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise DocumentRefused(f"The collectivity gives no certificate ({answer.status}).")
    return data
