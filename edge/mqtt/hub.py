"""Follows what the collectivity's worker tells everybody at its broker."""

import structlog

from edge.vault.signer import Signer
from protocol.envelope import ALL, Address, VerifyingKey, open_message
from protocol.messages import Hub
from protocol.topics import PublicKind, hub_topic

log = structlog.get_logger()


class HubReader:
    """Writes in the version in use, and knows the window for new tries.

    Attributes:
        reconnect_window_s: from which the first new try after a lost session is drawn, 0 until the
            worker has said it.
    """

    def __init__(self, signer: Signer, platform_key: VerifyingKey) -> None:
        """Let `signer` follow the version in use."""
        self._signer = signer
        self._key = platform_key
        self._address = Address(signer.collectivity, ALL, PublicKind.HUB)
        self.topic = hub_topic(signer.collectivity)
        self.reconnect_window_s = 0

    def take(self, topic: str, payload: bytes) -> bool:
        """Process a message of the worker to everybody; return False if it is none.

        Raises:
            MessageRefused: the worker did not sign it, or it is malformed.
        """
        if topic != self.topic:
            return False
        if payload:  # an empty one clears the broker's retained message
            hub = open_message(self._address, payload, self._key, Hub)
            self.reconnect_window_s = hub.reconnect_window_s
            if self._signer.writes.follow(hub.version):
                log.info("version_in_use", version=self._signer.writes.version)
        return True
