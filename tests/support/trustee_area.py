"""An area with trustees that run the product's code: documents, households with seeds, requests."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.release.pages import cosigned_pages, request_pages, roster_pages
from protocol.area_cipher import (
    MaskContext,
    Shape,
    add_up,
    from_bytes,
    mask_values,
    month_number,
    ratchet,
    unmask,
)
from protocol.area_messages import SeedLetters, SeenHeads
from protocol.calendar import day_number
from protocol.envelope import Address, seal_message
from protocol.governance import COLLECTIVITY_SIGNER, TrusteeSet, draw_up, fingerprint
from protocol.ids import DeviceId, new_device_id
from protocol.measures import CLASSES_SLOTS, Group, Measure, MeasureKind, Measures, Shares
from protocol.roster import Roster, RosterEntry, SignedEntry, sign_entry
from protocol.seeds import (
    LetterContext,
    commitment,
    draw_seeds,
    first_open_month,
    heads_seen,
    seal_letter,
)
from protocol.topics import Kind, device_topic
from protocol.trustee_messages import (
    FIRST_PREVIOUS,
    Answer,
    AnswerPage,
    Ask,
    Entries,
    FromPeer,
    FromTrustee,
    LogEntry,
    Refused,
    SetRequest,
    SignedRequest,
    bitmap_of,
    draws_of,
    sign_log_entry,
    sign_request,
)
from tests.support.sealing import TrusteesKeys
from trustee.core import TrusteeCore
from trustee.identity import TrusteeIdentity
from trustee.log import TrusteeLog

COLLECTIVITY = "testville"
DAY = day_number(date(2026, 3, 10))
# The month of all homes' seeds.
MONTH = month_number(DAY)
THRESHOLD = 6
SLOTS = CLASSES_SLOTS + 1
SHAPE = Shape(3, 4)
NOTHING_SEEN = SeenHeads(bytes(32), bytes(32), 1, bytes(32))
FAR = "92012"
NEAR = "75101"


def _public(key):
    return key.public_key().public_bytes_raw()


@dataclass
class Home:
    """One household: its chip's key, its seeds and its contribution."""

    shape: Shape
    key: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    device: DeviceId = field(default_factory=new_device_id)
    signing_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    nonce: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    entry: int = 0
    generation: int = 1
    month: int = MONTH
    # Returns the public key of a trustee (its name) of a month.
    sealing_key: Callable[[str, int], bytes] | None = None

    def __post_init__(self):
        self.seeds = draw_seeds(self.shape)
        self.values = np.append(np.random.default_rng().integers(-500, 500, SLOTS - 1), 1)

    @property
    def topic(self):
        return device_topic(COLLECTIVITY, self.device, Kind.KEY)

    def letters(self, to: TrusteeSet, document: bytes, **changes) -> bytes:
        """Sign the seed letters as the chip does; `changes` replaces fields of the message."""
        generation = changes.get("generation", self.generation)
        month = changes.get("month", self.month)
        fields = {
            "household_key": self.key,
            "generation": generation,
            "month": month,
            "trustees": document,
            "commitments": tuple(commitment(seed, n) for n, seed in enumerate(self.seeds)),
            "letters": tuple(
                seal_letter(
                    self.seeds,
                    self.shape,
                    LetterContext(COLLECTIVITY, self.key, generation, month, document, number),
                    self.sealing_key(trustee.name, month),
                )
                for number, trustee in enumerate(to.trustees)
            ),
            "seen": NOTHING_SEEN,
        }
        body = SeedLetters(**(fields | changes))
        return seal_message(Address(COLLECTIVITY, self.device, Kind.KEY), body, self.signing_key)

    def masked(self, document: bytes, day=DAY, measure="classes", group="75"):
        """Return the contribution masked under a document (its hash), uint64[SLOTS]."""
        context = MaskContext(document, measure, group, SLOTS, day)
        seeds = [ratchet(seed, self.month, month_number(day)) for seed in self.seeds]
        return mask_values(self.values, seeds, self.key, context, self.nonce)


class TrusteeArea:
    """Keys, documents and households; `trustee(n)` returns a trustee that knows all of them."""

    def __init__(
        self,
        shape: Shape = SHAPE,
        homes: int = 10,
        far: int = 7,
        *,
        today: int = DAY,
        effective: int = DAY - 5,
        identities=None,
        platform_key=None,
    ) -> None:
        self.shape = shape
        self.today = today
        self.platform_key = platform_key or Ed25519PrivateKey.generate()
        self.registrar_key = Ed25519PrivateKey.generate()
        self.identities = identities or [
            TrusteeIdentity.draw(COLLECTIVITY, f"trustee-{letter}")
            for letter in "abcdef"[: shape.trustees]
        ]
        self.set = TrusteeSet(
            COLLECTIVITY,
            1,
            None,
            effective,
            shape,
            tuple(identity.public for identity in self.identities),
            _public(self.platform_key),
            _public(self.registrar_key),
        )
        self.signed_set = self.signed(draw_up(self.set))
        self.measures = self.measures_of(effective=effective)
        self.signed_measures = self.signed(draw_up(self.measures))
        self.sealing = TrusteesKeys(
            {identity.name: identity.signing_key for identity in self.identities}
        )
        self._letters: dict[tuple, bytes] = {}
        self.roster = Roster(self.set.registrar_key)
        self.entries: list[SignedEntry] = []
        self.near = [self.join(NEAR) for _ in range(homes)]
        self.far = [self.join(FAR) for _ in range(far)]

    @property
    def homes(self):
        return [*self.near, *self.far]

    def measures_of(self, **changes) -> Measures:
        groups = tuple(
            Group(code, (code[:2],), 300, 2, THRESHOLD, CLASSES_SLOTS) for code in ("75", "92")
        )
        fields = {
            "collectivity": COLLECTIVITY,
            "version": 1,
            "trustees": self.signed_set.hash,
            "previous": None,
            "effective": DAY - 5,
            "end": DAY + 365,
            "epsilon": 2.0,
            "delta": 1e-6,
            "gamma": 0.1,
            "grid_bits": 20,
            "days_a_week": 7,
            "profile_days_a_year": 4,
            "deadline_h": 48,
            "measures": (
                Measure(
                    "classes", MeasureKind.CLASSES, Shares(1.0, 1.0), groups, (1.0,) * CLASSES_SLOTS
                ),
            ),
        }
        return Measures(**(fields | changes))

    def signed(self, cosigned, signers=None):
        for signer in self.identities if signers is None else signers:
            cosigned = cosigned.signed(signer.name, signer.signing_key)
        return cosigned.signed(COLLECTIVITY_SIGNER, self.platform_key)

    def join(self, cell, start=None, home=None) -> Home:
        home = home or Home(self.shape, month=month_number(self.today))
        home.sealing_key = self.sealing.public
        start = self.today - 60 if start is None else start
        entry = RosterEntry(
            len(self.roster),
            self.roster.head,
            home.key,
            home.device,
            _public(home.signing_key),
            hashlib.sha256(home.key).digest(),
            cell,
            "",
            start,
        )
        signed = sign_entry(entry, self.registrar_key)
        self.roster.append(signed)
        self.entries.append(signed)
        home.entry = entry.number
        return home

    def trustee(self, number=0, kept=None, *, is_alone=True, teaches=True) -> TrusteeCore:
        kept = TrusteeLog.in_memory() if kept is None else kept
        self.give_sealing_keys(number, kept)
        trustee = TrusteeCore(self.identities[number], kept, lambda: self.today, is_alone=is_alone)
        if teaches:
            self.teach(trustee)
            self.seed(trustee)
        return trustee

    def give_sealing_keys(self, number: int, kept: TrusteeLog) -> None:
        """Store a trustee's keys of the open months in its database, if that is new."""
        if kept.sealing_keys() or kept.documents():
            return
        month = first_open_month(self.today, 48)
        while month <= self.today + 31:
            key = self.sealing.key(self.identities[number].name, month)
            kept.put_sealing_key(month, key.to_bytes())
            month = month_number(month + 31)

    def stored(self, folder: Path, number=0, **options) -> TrusteeCore:
        folder.mkdir(exist_ok=True)
        return self.trustee(number, TrusteeLog.open(folder), **options)

    def teach(self, trustee: TrusteeCore):
        """Send documents and roster as the release worker does; returns the last answer."""
        trustee.confirm(fingerprint(self.signed_set))
        for page in (*cosigned_pages(self.signed_set), *cosigned_pages(self.signed_measures)):
            trustee.take(page)
        for page in roster_pages(0, self.entries):
            (known,) = trustee.take(page)
        return known.message

    def heads(self, home: Home) -> SeenHeads:
        """Return what a home's chip has seen, if it was shown what the trustees were shown."""
        entry = self.roster.entry(home.entry)
        return heads_seen(self.signed_set.hash, self.signed_measures.hash, entry)

    def letters(self, home: Home, **changes) -> bytes:
        changes.setdefault("seen", self.heads(home))
        return home.letters(self.set, self.signed_set.hash, **changes)

    def seed(self, trustee: TrusteeCore) -> None:
        for home in self.homes:
            trustee.take_key_shares(home.topic, self._retained(home))

    def _retained(self, home: Home) -> bytes:
        """Return a home's letters as the broker has them: the same for all trustees."""
        keys = tuple(self.sealing.public(each.name, home.month) for each in self.set.trustees)
        stands_for = (
            home.device,
            home.generation,
            home.month,
            *home.seeds,
            *keys,
            self.heads(home),
        )
        if stands_for not in self._letters:
            self._letters[stands_for] = self.letters(home)
        return self._letters[stands_for]

    def request(self, homes=None, ask=Ask.SUM, *, signer=None, **changes) -> SignedRequest:
        """Return a request that the collectivity signs; `signer` is another key."""
        homes = sorted(self.near if homes is None else homes, key=lambda home: home.entry)
        length = changes.get("length", len(self.roster))
        fields = {
            "ask": ask,
            "measures": self.signed_measures.hash,
            "measure": "classes",
            "group": "75",
            "day": DAY,
            "length": length,
            "head": self.roster.head_at(length),
            "bitmap": bitmap_of([home.entry for home in homes], length),
            "nonces": draws_of([(home.nonce, home.generation) for home in homes]),
        }
        return sign_request(
            SetRequest(**(fields | changes)), COLLECTIVITY, signer or self.platform_key
        )

    def opened(self, homes, answers: dict[int, Answer], day=DAY):
        """Open a sum with the answers of these trustees, int64[SLOTS]."""
        document = self.signed_measures.hash
        total = add_up(np.array([home.masked(document, day) for home in homes]))
        masks = {n: from_bytes(data) for answer in answers.values() for n, data in answer.sums}
        assert set(masks) == set(range(len(self.shape.seed_sets)))
        return unmask(total, masks.values())


def ask(trustee: TrusteeCore, request: SignedRequest) -> Answer | Refused | None:
    """Send a request in pages; returns the answer, the refusal, or None: logs are missing."""
    out = [message for page in request_pages(request) for message in trustee.take(page)]
    if out and isinstance(out[0].message, Refused):
        return out[0].message
    return answer_of(out)


def answer_of(messages: list[FromTrustee]) -> Answer | None:
    """Return the one answer that messages to the release worker are pages of; None without any."""
    pages = [message.message for message in messages]
    assert all(isinstance(page, AnswerPage) for page in pages)
    data = b"".join(page.data for page in pages)
    return msgspec.msgpack.decode(data, type=Answer) if pages else None


def converse(
    trustees: list[TrusteeCore], first: list[tuple[str, FromPeer]]
) -> dict[str, list[FromTrustee]]:
    """Pass messages between trustees until none are left.

    Returns what each trustee, by name, sends to the release worker meanwhile.
    """
    waiting = list(first)
    to_worker = {trustee.identity.name: list[FromTrustee]() for trustee in trustees}
    for _ in range(10_000):
        if not waiting:
            return to_worker
        sender, message = waiting.pop(0)
        for trustee in trustees:
            name = trustee.identity.name
            if name != sender:
                for answer in trustee.take_peer(sender, message):
                    if isinstance(answer, FromPeer):
                        waiting.append((name, answer))
                    else:
                        to_worker[name].append(answer)
    raise AssertionError("trustees never stop talking")


def greet(trustees: list[TrusteeCore]) -> None:
    """Send every trustee's hello to all others."""
    converse(
        trustees,
        [
            (trustee.identity.name, message)
            for trustee in trustees
            for message in trustee.peers.hello()
        ],
    )


def share_answers(trustee: TrusteeCore, others: list[TrusteeCore]) -> dict[str, list[FromTrustee]]:
    """Send the entries of a trustee's log that are new to the others; returns as `converse`."""
    messages = [(trustee.identity.name, message) for message in trustee.pop_announcements()]
    return converse([trustee, *others], messages)


def log_line(identity: TrusteeIdentity, *requests: SignedRequest) -> FromPeer:
    """Return a log with an entry for each request, as a liar signs it for whom it likes."""
    entries, previous = [], FIRST_PREVIOUS
    for number, request in enumerate(requests):
        households = len(request.request.entries)
        entry = LogEntry(identity.name, number, previous, request.summary, households)
        entries.append(sign_log_entry(entry, COLLECTIVITY, identity.signing_key))
        previous = entries[-1].hash
    return FromPeer(Entries(tuple(entries)))


def ask_all(trustees: list[TrusteeCore], request: SignedRequest) -> list[Answer | Refused]:
    """Ask trustees of which each hears the others; returns what each has answered in the end."""
    for trustee in trustees:
        ask(trustee, request)
        share_answers(trustee, [other for other in trustees if other is not trustee])
    return [ask(trustee, request) for trustee in trustees]
