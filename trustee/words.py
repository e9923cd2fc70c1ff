"""Texts for a trustee's operator: a description of a document to sign, and the verified log."""

from collections.abc import Sequence

from protocol.calendar import day_of_number
from protocol.errors import DocumentRefused, MessageRefused, StoreError
from protocol.governance import CosignedDocument, TrusteeSet, fingerprint, read_cosigned
from protocol.measures import Measures, check_measures
from protocol.trustee_messages import FIRST_PREVIOUS, LogEntry, SignedLogEntry, open_log_entry
from trustee.identity import TrusteeIdentity


def describe(cosigned: CosignedDocument, identity: TrusteeIdentity) -> str:
    """Describe a document in lines.

    Raises:
        DocumentRefused: it cannot be read, breaks a rule, or names this trustee with other keys.
    """
    if cosigned.kind == TrusteeSet.__name__:
        lines = _set_in_words(read_cosigned(cosigned, TrusteeSet), identity)
    elif cosigned.kind == Measures.__name__:
        lines = _measures_in_words(read_cosigned(cosigned, Measures), identity)
    else:
        raise DocumentRefused(f"A {cosigned.kind} is nothing that a trustee signs.")
    signers = ", ".join(signature.signer for signature in cosigned.signatures) or "nobody"
    return "\n".join(
        (*lines, f"Fingerprint: {fingerprint(cosigned)}.", f"Signed so far by: {signers}.")
    )


def check_chain(entries: Sequence[SignedLogEntry], identity: TrusteeIdentity) -> list[LogEntry]:
    """Verify a trustee's own log from its first entry on, and return the entries.

    Raises:
        StoreError: an entry is invalid; the message names the first one.
    """
    key = identity.signing_key.public_key().public_bytes_raw()
    previous, opened = FIRST_PREVIOUS, []
    for number, signed in enumerate(entries):
        try:
            entry = open_log_entry(signed, identity.collectivity, key)
        except MessageRefused as exc:
            raise StoreError(f"Entry {number} of the log is not ours: {exc.detail}.") from exc
        if entry.number != number or entry.previous != previous:
            raise StoreError(f"Entry {number} of the log does not follow the one before.")
        previous = signed.hash
        opened.append(entry)
    return opened


def _set_in_words(trustees: TrusteeSet, identity: TrusteeIdentity) -> list[str]:
    own = identity.public
    for trustee in trustees.trustees:
        if trustee.name == own.name and trustee != own:
            raise DocumentRefused(f"This set names {own.name} with keys that are not ours.")
    shape = trustees.shape
    _check_collectivity(trustees.collectivity, identity)
    return [
        (
            f"Set of trustees of {trustees.collectivity}, version {trustees.version}, from "
            f"{day_of_number(trustees.effective)} on."
        ),
        f"{shape.threshold} of {shape.trustees} of them open a sum:",
        *(f"  {trustee.name}: {trustee.title}" for trustee in trustees.trustees),
    ]


def _measures_in_words(measures: Measures, identity: TrusteeIdentity) -> list[str]:
    _check_collectivity(measures.collectivity, identity)
    check_measures(measures)
    lines = [
        (
            f"Measures of {measures.collectivity}, version {measures.version}, from "
            f"{day_of_number(measures.effective)} on; they end on {day_of_number(measures.end)}."
        ),
        (
            f"A household-day costs at most epsilon {measures.epsilon_replaced:.1f} against any other day "
            f"({measures.epsilon:g} for taking part or not), delta {measures.delta:g}; "
            f"{measures.days_a_week} days a week, {measures.profile_days_a_year} with the profile."
        ),
        f"Of a crowd, {measures.gamma:.0%} may lie.",
    ]
    for measure in measures.measures:
        least = min((group.threshold for group in measure.groups), default=0)
        lines.append(
            f"  {measure.name} ({measure.kind}): {len(measure.groups)} groups; no set of fewer than "
            f"{least} households is opened."
        )
        alone = [group.code for group in measure.groups if group.crowd == 1]
        if alone:
            lines.append(f"    each household adds all the noise itself: {', '.join(alone)}")
    return lines


def _check_collectivity(collectivity: str, identity: TrusteeIdentity) -> None:
    if collectivity != identity.collectivity:
        raise DocumentRefused(f"This document is {collectivity}'s, not {identity.collectivity}'s.")
