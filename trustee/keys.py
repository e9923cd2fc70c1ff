"""The collectivity's key list, as a trustee knows it: verified by a root, and only ever extended."""

from collections.abc import Sequence

import msgspec
import structlog
from cryptography import x509

from protocol.envelope import VerifyingKey, decode_body
from protocol.errors import MessageRefused, Reason
from protocol.governance import TrusteeSet
from protocol.key_list import AnyOf, KeyList, KeyUse, SignedKeyList, take_key_list
from protocol.packed import read_packed
from trustee.log import TrusteeLog

Roots = Sequence[x509.Certificate]

KEY_LIST, FORK = "key_list", "key_list_fork"

log = structlog.get_logger()


class CollectivityKeys:
    """Which keys have followed those that sets of trustees name."""

    def __init__(self, trustee_log: TrusteeLog, collectivity: str, roots: Roots) -> None:
        """Load the list that was verified before; new ones must come from one of `roots`."""
        self._log = trustee_log
        self._collectivity = collectivity
        self._roots = roots
        known = trustee_log.fact(KEY_LIST)
        self.known = (
            None if known is None else decode_body(read_packed(known, SignedKeyList).body, KeyList)
        )

    def successors(self, use: KeyUse, key: bytes) -> tuple[bytes, ...]:
        """Return a key and all that follow it."""
        return (key,) if self.known is None else self.known.successors(use, key)

    def of_platform(self, trustees: TrusteeSet, today: int) -> VerifyingKey:
        """Return what verifies the platform's messages on `today` (a number)."""
        keys = self.successors(KeyUse.PLATFORM, trustees.collectivity_key)
        if self.known is not None and trustees.collectivity_key in self.known.ever(KeyUse.PLATFORM):
            taken = self.known.taken_on(KeyUse.PLATFORM, today)
            keys = tuple(key for key in keys if key in taken)
        return AnyOf(keys)

    def with_successors(self, sets: Sequence[TrusteeSet]) -> tuple[TrusteeSet, ...]:
        """Return the sets, each once for each key that its collectivity has had since."""
        return tuple(
            msgspec.structs.replace(trustees, collectivity_key=key)
            for trustees in sets
            for key in self.successors(KeyUse.PLATFORM, trustees.collectivity_key)
        )

    def take(self, payload: bytes) -> None:
        """Take a list that extends the known one, and keep one that contradicts it.

        Raises:
            MessageRefused: no root of ours signed it, or it contradicts the known one.
        """
        if not payload:
            return
        _, new = take_key_list(payload, self._roots, self._collectivity)
        if self.known is not None and self.known.begins_with(new):
            return
        if self.known is not None and not new.begins_with(self.known):
            if self._log.fact(FORK) is None:
                self._log.put_fact(FORK, payload)
                log.error("key_list_forked")
            raise MessageRefused(Reason.CONFLICT, "this key list contradicts the one that is known")
        self._log.put_fact(KEY_LIST, payload)
        self.known = new
        log.info("key_list_taken", platform_keys=len(new.platform), issuers=len(new.issuers))
