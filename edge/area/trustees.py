"""The trustee sets that a chip knows, and the household's groups under the measures in force."""

import msgspec

from edge.area.report import OwnGroup, own_groups
from edge.area.trust import FORK, TRUSTEE_SET, first_set, trust_state
from edge.identity.enrolment import Identity, signer_of
from edge.identity.platform_keys import successors_of
from edge.vault.reader import VaultReader
from protocol.calendar import day_of_number
from protocol.errors import DocumentRefused
from protocol.governance import CosignedDocument, TrusteeSet, fingerprint


class TrusteesReport(msgspec.Struct, frozen=True):
    """A trustee set as `volet edge trustees` shows it; `shape` is a text such as "3 of 4".

    `is_later`: it is trusted because the set before it signed it.

    `threshold` trustees open one household's contribution with the collectivity, and so do
    `liars_for_two_sets` that lie.
    """

    hash: str
    fingerprint: str
    shape: str
    trustees: tuple[tuple[str, str], ...]
    effective: str
    is_confirmed: bool
    is_later: bool
    threshold: int
    liars_for_two_sets: int


class KnownTrustees(msgspec.Struct, frozen=True):
    """All sets, the household's groups, and the hashes (hex) of documents that prove a fork."""

    sets: tuple[TrusteesReport, ...]
    groups: tuple[OwnGroup, ...]
    forks: tuple[str, ...]


def known_trustees(
    vault: VaultReader, identity: Identity, confirmed: str, today: int
) -> KnownTrustees:
    """Return what a chip knows on `today` (a day's number).

    `confirmed`: the hash (hex) of the set that the household confirmed, empty if it has none.
    """
    rows = vault.area.documents()
    trust = trust_state(
        rows,
        vault.area.entries(),
        bytes.fromhex(confirmed) or None,
        signer_of(identity),
        successors_of(identity.platform_key),
    )
    proposed = proposed_sets(vault, identity.collectivity)
    return KnownTrustees(
        (
            *(_report(*each, each[1].effective, confirmed) for each in proposed),
            *(
                _report(each.cosigned, each.trustees, each.start, confirmed)
                for each in trust.sets[1:]
            ),
        ),
        own_groups(trust, today),
        tuple(row.hash.hex() for row in rows if row.kind == FORK),
    )


def proposed_sets(
    vault: VaultReader, collectivity: str
) -> list[tuple[CosignedDocument, TrusteeSet]]:
    """Return the first sets of trustees that have arrived, any of which may be confirmed."""
    sets = []
    for row in vault.area.documents():
        if row.kind == TRUSTEE_SET:
            try:
                sets.append(first_set(row.data, collectivity))
            except DocumentRefused:
                continue  # not a first set
    return sets


def _report(
    document: CosignedDocument, trustee_set: TrusteeSet, start: int, confirmed: str
) -> TrusteesReport:
    is_later = trustee_set.previous is not None
    return TrusteesReport(
        hash=document.hash.hex(),
        fingerprint=fingerprint(document),
        shape=f"{trustee_set.shape.threshold} of {trustee_set.shape.trustees}",
        trustees=tuple((trustee.name, trustee.title) for trustee in trustee_set.trustees),
        effective=day_of_number(start).isoformat(),
        is_confirmed=is_later or document.hash.hex() == confirmed,
        is_later=is_later,
        threshold=trustee_set.shape.threshold,
        liars_for_two_sets=trustee_set.shape.liars_for_two_sets,
    )
