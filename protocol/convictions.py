"""Proofs of an offence by the collectivity or a trustee, which anybody with their keys can check.

They consist of what the offender itself signed, so that nobody can accuse another one.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import msgspec

from protocol.errors import MessageRefused, Reason
from protocol.governance import COLLECTIVITY_SIGNER, TrusteeSet
from protocol.trustee_messages import (
    Ask,
    LogEntry,
    RequestSummary,
    SignedLogEntry,
    SignedSummary,
    open_log_entry,
    unverified_entry,
)


class Offence(StrEnum):
    """What somebody signed and must not.

    two_sets: the collectivity asked for the sum of two sets for one figure.
    two_answers: a trustee's log says that it answered for two sets of one figure.
    forked_log: a trustee signed two entries with one number, or two that do not follow.
    invented_request: a trustee's log names a request that the collectivity did not sign.
    """

    TWO_SETS = "two_sets"
    TWO_ANSWERS = "two_answers"
    FORKED_LOG = "forked_log"
    INVENTED_REQUEST = "invented_request"


class Proof(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """An offence and the statements that prove it: signed summaries, or entries of one log."""

    offence: Offence
    sets: Annotated[tuple[SignedSummary, ...], msgspec.Meta(max_length=2)] = ()
    entries: Annotated[tuple[SignedLogEntry, ...], msgspec.Meta(max_length=2)] = ()

    def convicts(self, sets: Iterable[TrusteeSet]) -> str:
        """Return whom it convicts: "collectivity" or a trustee's name.

        `sets` are the trustee sets whose keys are trusted.

        Raises:
            MessageRefused: it proves nothing.
        """
        trusted = tuple(sets)
        if self.offence is Offence.TWO_SETS:
            return self._two_sets(trusted)
        author = unverified_entry(self.entries[0]).trustee if self.entries else ""
        entries = [(entry, _opened(entry, author, trusted)) for entry in self.entries]
        if not _PROVEN[self.offence](entries, trusted):
            raise MessageRefused(Reason.MALFORMED, "a proof that proves nothing")
        return author

    def _two_sets(self, trusted: "_Trusted") -> str:
        if not all(is_of_collectivity(signed, trusted) for signed in self.sets):
            raise MessageRefused(Reason.SIGNATURE, "a set that the collectivity did not sign")
        if not _are_two_sets([signed.summary for signed in self.sets]):
            raise MessageRefused(Reason.MALFORMED, "a proof that proves nothing")
        return COLLECTIVITY_SIGNER


_Trusted = tuple[TrusteeSet, ...]
_Entries = list[tuple[SignedLogEntry, LogEntry]]


def is_of_collectivity(signed: SignedSummary, trusted: Iterable[TrusteeSet]) -> bool:
    """Return whether a key that one of these sets names for the collectivity signed a summary."""
    return any(
        signed.is_signed_by(collectivity, key)
        for collectivity, key in {
            (trustees.collectivity, trustees.collectivity_key) for trustees in trusted
        }
    )


def _opened(signed: SignedLogEntry, author: str, trusted: _Trusted) -> LogEntry:
    keys = {
        (trustees.collectivity, trustee.signing_key)
        for trustees in trusted
        for trustee in trustees.trustees
        if trustee.name == author == unverified_entry(signed).trustee
    }
    refused = MessageRefused(Reason.SIGNATURE, "an entry of no trustee")
    for collectivity, key in keys:
        try:
            return open_log_entry(signed, collectivity, key)
        except MessageRefused as exc:
            refused = exc
    raise refused


def _are_two_sets(summaries: list[RequestSummary]) -> bool:
    match summaries:
        case [first, second]:
            return (
                first.ask is second.ask is Ask.SUM
                and first.figure == second.figure
                and first.request != second.request
            )
    return False


def _has_two_answers(entries: _Entries, _: _Trusted) -> bool:
    return _are_two_sets([entry.summary for _, entry in entries])


def _is_forked(entries: _Entries, _: _Trusted) -> bool:
    """Two entries with one number, or an entry that follows another one than that before it."""
    match entries:
        case [(first, before), (second, after)] if before.number == after.number:
            return first.body != second.body
        case [(first, before), (_, after)]:
            return after.number == before.number + 1 and after.previous != first.hash
    return False


def _is_invented(entries: _Entries, trusted: _Trusted) -> bool:
    return len(entries) == 1 and not is_of_collectivity(entries[0][1].asked, trusted)


_PROVEN = {
    Offence.TWO_ANSWERS: _has_two_answers,
    Offence.FORKED_LOG: _is_forked,
    Offence.INVENTED_REQUEST: _is_invented,
}
