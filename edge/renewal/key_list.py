"""Takes the collectivity's key list: a chip follows it, and keeps one that contradicts it."""

from collections.abc import Sequence
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from edge.identity.enrolment import Identity
from edge.identity.platform_keys import FORK, PlatformKeys, keep_key_list
from protocol.certificates import read_der, read_pem
from protocol.errors import MessageRefused, Reason
from protocol.key_list import KeyList, take_key_list
from protocol.topics import keys_topic
from system.files import write_public

log = structlog.get_logger()


class KeyListReader:
    """Follows the list of one collectivity, in one chip's directory."""

    def __init__(self, identity: Identity) -> None:
        """Continue from the list that `identity` knows; without `PlatformKeys` none is taken."""
        keys = identity.platform_key
        self._keys = keys if isinstance(keys, PlatformKeys) else None
        self._collectivity = identity.collectivity
        self._ca_path: Path = identity.ca_path
        self.topic = keys_topic(identity.collectivity)

    def take(self, topic: str, payload: bytes) -> bool:
        """Take a list; return False if the topic is not the list's.

        Raises:
            MessageRefused: no root of ours signed it, or it contradicts the known one.
        """
        if topic != self.topic:
            return False
        if payload:
            self.follow(payload)
        return True

    def follow(self, payload: bytes) -> None:
        """Take a list that extends the known one, and keep one that contradicts it.

        The program's loop does so with what comes over the session, and the link's thread with what
        the API has answered.

        Raises:
            MessageRefused: no root of ours signed it, or it contradicts the known one.
        """
        if self._keys is not None:
            with self._keys.following:
                self._take(payload, self._keys)

    def _take(self, payload: bytes, keys: PlatformKeys) -> None:
        trusted = read_pem(self._ca_path.read_bytes())
        signed, new = take_key_list(payload, trusted, self._collectivity)
        known = keys.key_list
        if known is not None and known.begins_with(new):
            self._trust_newest(known, trusted)  # killed in between, or by an earlier version
            return
        if not self._follows(new, keys):
            if not (self._directory / FORK).exists():
                keep_key_list(self._directory, signed, FORK)
                log.error("key_list_forked")
            raise MessageRefused(Reason.CONFLICT, "this key list contradicts the one that is known")
        keep_key_list(self._directory, signed)  # first: the last root verifies it, and the newest
        self._trust_newest(new, trusted)
        keys.key_list = new
        log.info("key_list_taken", platform_keys=len(new.platform), issuers=len(new.issuers))

    def _trust_newest(self, keys: KeyList, trusted: Sequence[x509.Certificate]) -> None:
        """Have `ca.pem` hold the newest root alone: those before it vouch for nothing new."""
        newest = read_der(keys.roots[-1].certificate)
        if list(trusted) != [newest]:
            write_public(self._ca_path, newest.public_bytes(Encoding.PEM))

    @property
    def _directory(self) -> Path:
        return self._ca_path.parent

    @staticmethod
    def _follows(new: KeyList, keys: PlatformKeys) -> bool:
        if keys.key_list is not None:
            return new.begins_with(keys.key_list)
        return keys.known[0] in {listed.key for listed in new.platform}
