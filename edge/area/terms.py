"""Fetches documents of the area lane: chooses which to request, and assembles their parts.

The cloud names hashes (`down/terms`) and sends the requested document (`down/document`). It sends
terms when a chip asks, and by itself when a contribution shows that the chip's are old. A document
is kept only if it has the requested hash and, as far as they can be verified yet, good signatures.
"""

import hashlib

import structlog

from edge.area.trust import (
    FORK,
    MEASURES,
    TRANSFORM,
    TRUSTEE_SET,
    TrustState,
    cosigned_from_bytes,
    first_set,
    open_measures,
    own_entry,
)
from edge.identity.platform_keys import known_keys, successors_of
from edge.vault.area import AreaState
from edge.vault.signer import Signer
from edge.vault.vault import Vault
from protocol.area_messages import Document, Terms
from protocol.backoff import QUARTER_JITTER, RetryPolicy
from protocol.envelope import VerifyingKey
from protocol.errors import DocumentRefused, MessageRefused, Reason
from protocol.governance import TrusteeSet, is_fork, open_next_set, read_cosigned
from protocol.measures import Measures
from protocol.roster import SignedEntry
from protocol.transform import read_transform

# No collectivity changes its trustees or measures so often; longer lists are truncated.
DOCUMENTS_MAX = 64
# A new document is signed three days before it takes effect, and contributions under the one before
# are taken for two weeks after that. Whoever asks after ten days has seen it three days by then.
TERMS_DAYS = 10
TERMS_EVERY_S = TERMS_DAYS * 86_400.0
# A chip that was just enrolled is often there before the trustees or the registrar: it asks soon at
# first, then ever more rarely, at last about once a day.
TERMS_SOON = RetryPolicy(first_s=15.0, cap_s=86_400.0, jitter=QUARTER_JITTER, floor_s=15.0)
ASK_AGAIN = RetryPolicy(first_s=15.0, cap_s=1_800.0, floor_s=15.0)

log = structlog.get_logger()


class DocumentFetcher:
    """Requests terms and documents, one question at a time."""

    def __init__(self, signer: Signer, vault: Vault, platform_key: VerifyingKey) -> None:
        """Request documents for the household of `signer`, and store them in `vault`.

        `platform_key`: the collectivity's, by which a first set is recognised.
        """
        self._signer = signer
        self._platform_key = platform_key
        self._vault = vault
        self._terms: Terms | None = None
        self._terms_due_s = 0.0
        self._soon = TERMS_SOON.waits_s()
        self._wanted: bytes | None = None
        self._parts: dict[int, bytes] = {}
        self._known = {row.hash for row in vault.area.documents()}
        self._refused: set[bytes] = set()
        self._ask_again_s = 0.0
        self._pauses = ASK_AGAIN.waits_s()

    def open(self, today: int, now_s: float) -> None:
        """Take the last stored contribution as an answer; `today` is a day number."""
        states = self._vault.area.states(today - TERMS_DAYS)
        stored = [day for day, state, _ in states if state is AreaState.STORED]
        if stored:
            age_s = max(0, today - stored[-1]) * 86_400.0
            self._terms_due_s = now_s + TERMS_EVERY_S - age_s

    def contribution_stored(self, now_s: float) -> None:
        """Ask for no terms for now: the cloud sends them if the contribution named old ones."""
        self._terms_due_s = now_s + TERMS_EVERY_S

    def connect(self) -> None:
        """Start a new session, which repeats a question without an answer."""
        self._ask_again_s = 0.0
        self._pauses = ASK_AGAIN.waits_s()

    def question(self, trust: TrustState, now_s: float) -> tuple[bytes | None] | None:
        """Return (hash,) to request a document, (None,) for the terms; None: nothing is due."""
        wanted = self._next(trust)
        if wanted != self._wanted:
            self._wanted, self._parts = wanted, {}
            self._ask_again_s, self._pauses = now_s, ASK_AGAIN.waits_s()
        is_terms_due = now_s >= self._terms_due_s
        if (wanted is None and not is_terms_due) or now_s < self._ask_again_s:
            return None
        self._ask_again_s = now_s + next(self._pauses)
        return (None,) if is_terms_due else (wanted,)

    def ask_terms(self) -> None:
        """Request the terms soon: they are not what the chip has, or were not whole."""
        self._terms_due_s, self._soon = 0.0, TERMS_SOON.waits_s()

    def set_confirmed(self) -> None:
        """Go on at once: the household has confirmed a set, and uses what it could not before."""
        self.connect()
        if not self._are_whole:
            self.ask_terms()

    def take_terms(self, terms: Terms, now_s: float) -> None:
        """Take the cloud's terms: the household's roster entry and the documents in force."""
        self._terms = terms
        self._terms_due_s = now_s + (TERMS_EVERY_S if self._are_whole else next(self._soon))
        self._ask_again_s = now_s
        self._refused.clear()

    def take_part(self, part: Document, trust: TrustState, today: int) -> bool:
        """Take one part of a document; return whether this completed and stored a new document.

        Raises:
            MessageRefused: the whole document has another hash or is invalid.
        """
        if part.document != self._wanted or part.part >= part.parts:
            return False
        self._parts[part.part] = part.data
        if any(number not in self._parts for number in range(part.parts)):
            return False
        data = b"".join(self._parts[number] for number in range(part.parts))
        self._parts = {}
        try:
            kind = self._check(part.document, data, trust)
        except DocumentRefused as exc:
            self._refused.add(part.document)
            log.warning("area_document_refused", why=str(exc))
            raise MessageRefused(Reason.DOCUMENT, str(exc)) from exc
        is_fork = self._is_fork(kind, data)
        with self._vault.area_change() as area:
            area.put_document(part.document, FORK if is_fork else kind, data, today)
        self._known.add(part.document)
        if is_fork:
            log.error("area_document_forked", kind=kind)
            raise MessageRefused(Reason.DOCUMENT, "two documents follow the same one")
        log.info("area_document_kept", kind=kind)
        return True

    def take_entry(self, trust: TrustState) -> bool:
        """Store the roster entry of the last terms; return whether it is new.

        Raises:
            MessageRefused: no trusted registrar signed it, or it belongs to another household.
        """
        if self._terms is None or self._terms.entry is None or not trust.sets:
            return False
        signed = SignedEntry(*self._terms.entry)
        if signed in self._vault.area.entries() or signed.hash in self._refused:
            return False
        entry = own_entry(signed, trust.sets, self._signer, successors_of(self._platform_key))
        if entry is None:
            self._refused.add(signed.hash)
            raise MessageRefused(Reason.ROSTER, "no entry of this household by its registrar")
        with self._vault.area_change() as area:
            area.put_entry(entry.number, signed)
        return True

    @property
    def _are_whole(self) -> bool:
        """True if the last terms named everything that a household needs to take part."""
        terms = self._terms
        return terms is not None and bool(terms.entry and terms.trustees and terms.measures)

    def _next(self, trust: TrustState) -> bytes | None:
        terms = self._terms
        named: list[bytes] = []
        if terms is not None:
            named += terms.trustees[:DOCUMENTS_MAX]
            if trust.sets:
                named += terms.measures[-DOCUMENTS_MAX:]
        named += [wanted for wanted, _ in trust.transforms_wanted()]
        return next(
            (name for name in named if name not in self._known and name not in self._refused), None
        )

    def _check(self, name: bytes, data: bytes, trust: TrustState) -> str:
        """Return the kind of a document, once every check that is possible yet has passed."""
        groups = [group for wanted, group in trust.transforms_wanted() if wanted == name]
        if groups:
            if hashlib.sha256(data).digest() != name:
                raise DocumentRefused("This transform has another hash than the measures say.")
            if read_transform(data).rows != groups[0].slots:
                raise DocumentRefused("This transform has other slots than its group.")
            return TRANSFORM
        cosigned = cosigned_from_bytes(data)
        if cosigned.hash != name:
            raise DocumentRefused("This document has another hash than the terms say.")
        if cosigned.kind == MEASURES:
            open_measures(
                data, trust.sets, self._signer.collectivity, successors_of(self._platform_key)
            )
            return MEASURES
        self._check_set(data)
        return TRUSTEE_SET

    def _is_fork(self, kind: str, data: bytes) -> bool:
        """Return whether a valid document claims the place of one that is in the vault."""
        if kind == TRANSFORM:
            return False
        known = [row.data for row in self._vault.area.documents() if row.kind == kind]
        new, *others = (_read(kind, each) for each in (data, *known))
        if isinstance(new, TrusteeSet) and new.previous is None:
            return False  # the household confirms one first set by hand
        return any(is_fork(new, other) for other in others)

    def _check_set(self, data: bytes) -> None:
        """Check that a set of trustees is a first set, or follows one in the vault."""
        cosigned = cosigned_from_bytes(data)
        for row in self._vault.area.documents():
            if row.kind == TRUSTEE_SET:
                try:
                    open_next_set(
                        cosigned,
                        cosigned_from_bytes(row.data),
                        successors_of(self._platform_key),
                    )
                except DocumentRefused:
                    continue
                return
        _, trustees = first_set(data, self._signer.collectivity)
        if trustees.collectivity_key not in known_keys(self._platform_key):
            raise DocumentRefused(
                "This set of trustees names another key of the collectivity than the one this chip "
                "was enrolled with; ask the collectivity, and do not confirm it."
            )


def _read(kind: str, data: bytes) -> TrusteeSet | Measures:
    cosigned = cosigned_from_bytes(data)
    if kind == MEASURES:
        return read_cosigned(cosigned, Measures)
    return read_cosigned(cosigned, TrusteeSet)
