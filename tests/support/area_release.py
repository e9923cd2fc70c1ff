"""A small area for the release: households with seeds, trustees that answer, a store in memory."""

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.store.area import ContributionItem, FigureKey
from protocol.area_cipher import (
    MaskContext,
    Shape,
    mask,
    mask_key,
    mask_values,
    to_bytes,
)
from protocol.area_messages import Contribution, Part
from protocol.calendar import day_end, day_number, day_of_number
from protocol.envelope import Address, open_message, seal_message
from protocol.errors import Reason
from protocol.governance import Trustee, TrusteeSet, draw_up
from protocol.ids import DeviceId
from protocol.measures import (
    CLASSES_SLOTS,
    Group,
    Measure,
    MeasureKind,
    Measures,
    Shares,
)
from protocol.roster import FIRST_PREVIOUS, Roster, RosterEntry, sign_entry
from protocol.topics import TrusteeKind
from protocol.trustee_messages import (
    Answer,
    AnswerPage,
    Ask,
    FromTrustee,
    Refused,
    RequestPage,
    SetRequest,
    SignedRequest,
    ToTrustee,
    pages_of,
)
from tests.support.fake_area_store import FakeAreaStore

COLLECTIVITY = "test-city"
SHAPE = Shape(3, 4)
DAY = day_number(date(2025, 5, 6))
JOINED = DAY - 60


@dataclass
class Member:
    """One household with its roster entry and its seeds."""

    number: int
    entry: int
    household_key: bytes
    device: DeviceId
    seeds: tuple[bytes, ...]


@dataclass
class FakeTrustee:
    """Answers every request without any check."""

    area: "SmallArea"
    number: int
    unknown: set[int] = field(default_factory=set)

    def answer(self, request: SetRequest) -> Answer:
        document = self.area.document
        slots = document.measure(request.measure).group(request.group).slots + 1
        sums = []
        for number in self.area.shape.sets_of(self.number):
            rows = np.array(
                [
                    self._mask(entry, nonce, number, request, slots)
                    for entry, nonce, _ in request.draws()
                ],
                np.uint64,
            ).reshape(-1, slots)
            words = rows[:, -1] if request.ask is Ask.CHECK else rows.sum(0, dtype=np.uint64)
            sums.append((number, to_bytes(words)))
        unknown = sorted(self.unknown & set(request.entries)) if request.ask is Ask.CHECK else ()
        return Answer(request.id, tuple(sums), tuple(unknown))

    def _mask(self, entry, nonce, number, request, slots):
        if entry in self.unknown:
            return np.zeros(slots, np.uint64)
        member = self.area.at_entry[entry]
        key = mask_key(member.seeds[number], member.household_key, request.day)
        context = MaskContext(request.measures, request.measure, request.group, slots, request.day)
        return mask(key, context, nonce)


class SmallArea:
    """120 households of one group that counts price classes; `crowd` small."""

    def __init__(
        self,
        households: int = 120,
        *,
        shape: Shape = SHAPE,
        store=None,
        collectivity: str = COLLECTIVITY,
        platform: Ed25519PrivateKey | None = None,
        **document,
    ):
        self.shape = shape
        self.collectivity = collectivity
        self.store = FakeAreaStore() if store is None else store
        self.platform = platform or Ed25519PrivateKey.generate()
        self.registrar = Ed25519PrivateKey.generate()
        self.trustee_keys = [Ed25519PrivateKey.generate() for _ in range(shape.trustees)]
        self.roster = Roster(self.registrar.public_key().public_bytes_raw())
        self.members: list[Member] = []
        self.at_entry: dict[int, Member] = {}
        self.trustees = self._trustee_set()
        signed_set = draw_up(self.trustees)
        self.store.put_cosigned(signed_set)
        for number in range(households):
            self.join(number)
        self.document = self._measures(signed_set.hash, households, **document)
        cosigned = draw_up(self.document)
        self.store.put_cosigned(cosigned)
        self.measures = cosigned.hash
        self.fakes = [FakeTrustee(self, number) for number in range(shape.trustees)]

    def key(self, day: int = DAY, measure: str = "classes", group: str = "dep-75") -> FigureKey:
        return FigureKey(self.measures, measure, group, day)

    def after(self, day: int = DAY) -> datetime:
        return day_end(day_of_number(day)) + timedelta(hours=self.document.deadline_h)

    def join(self, number: int, *, cell: str | None = "751010101", start: int = JOINED) -> Member:
        key = hashlib.sha256(f"household {number}".encode()).digest()
        entry = RosterEntry(
            number=len(self.roster),
            previous=self.roster.head if len(self.roster) else FIRST_PREVIOUS,
            household_key=key[:16],
            device=f"{number:026d}".translate(str.maketrans("0189", "abcd")),
            signing_key=key,
            point=key,
            cell=cell,
            provider="blue",
            start=start,
        )
        signed = sign_entry(entry, self.registrar)
        self.roster.append(signed)
        self.store.append_roster([signed])
        seeds = tuple(
            hashlib.sha256(f"seed {number} {seed_set}".encode()).digest()
            for seed_set in range(len(self.shape.seed_sets))
        )
        member = Member(number, entry.number, key[:16], DeviceId(entry.device), seeds)
        self.members.append(member)
        self.at_entry[entry.number] = member
        return member

    def values(self, member: Member, slots: int) -> np.ndarray:
        """Return a household's small values, which follow from its number and the slot."""
        return (np.arange(slots) + member.number).astype(np.int64)

    def contribute(
        self,
        member: Member,
        day: int = DAY,
        *,
        seeds=None,
        extra: int = 0,
        measure: str = "classes",
        group: str = "dep-75",
        values=None,
    ):
        slots = self.document.measure(measure).group(group).slots
        plain = self.values(member, slots) if values is None else values
        plain = np.append(plain, 1)
        plain[0] += extra
        nonce = hashlib.sha256(f"nonce {member.number} {day}".encode()).digest()[:16]
        context = MaskContext(self.measures, measure, group, len(plain), day)
        words = mask_values(plain, seeds or member.seeds, member.household_key, context, nonce)
        contribution = Contribution(
            household_key=member.household_key,
            day=day,
            measures=self.measures,
            generation=1,
            entry=member.entry,
            nonce=nonce,
            parts=(Part(measure, group, to_bytes(words)),),
        )
        payload = msgspec.msgpack.encode(contribution)
        item = ContributionItem(member.device, contribution, payload)
        return self.store.put_contributions([item], self.after(day))[0]

    def contribute_all(self, day: int = DAY, **options) -> None:
        for member in self.members:
            self.contribute(member, day, **options)

    def plain_sum(self, members, slots: int = CLASSES_SLOTS) -> np.ndarray:
        return np.sum([self.values(member, slots) for member in members], axis=0)

    def answers(self, request: SetRequest, trustees=(0, 1, 2)) -> dict[int, Answer]:
        return {number: self.fakes[number].answer(request) for number in trustees}

    def _trustee_set(self) -> TrusteeSet:
        trustees = tuple(
            Trustee(
                f"trustee-{'abcdef'[number]}",
                f"Trustee {number}",
                key.public_key().public_bytes_raw(),
            )
            for number, key in enumerate(self.trustee_keys)
        )
        return TrusteeSet(
            collectivity=self.collectivity,
            version=1,
            previous=None,
            effective=JOINED,
            shape=self.shape,
            trustees=trustees,
            collectivity_key=self.platform.public_key().public_bytes_raw(),
            registrar_key=self.registrar.public_key().public_bytes_raw(),
        )

    def _measures(self, trustees: bytes, households: int, **changes) -> Measures:
        group = Group(
            code="dep-75",
            areas=("75",),
            roster=households,
            crowd=int(0.7 * households),
            threshold=int(0.7 * households),
            slots=CLASSES_SLOTS,
        )
        fields = {
            "collectivity": self.collectivity,
            "version": 1,
            "trustees": trustees,
            "previous": None,
            "effective": JOINED,
            "end": JOINED + 3_650,
            "epsilon": 2.0,
            "delta": 1e-6,
            "gamma": 0.1,
            "grid_bits": 16,
            "days_a_week": 7,
            "profile_days_a_year": 4,
            "deadline_h": 24,
            "measures": (
                Measure(
                    "classes",
                    MeasureKind.CLASSES,
                    Shares(1.0, 1.0),
                    (group,),
                    (1e-4,) * CLASSES_SLOTS,
                ),
            ),
        }
        return Measures(**(fields | changes))


class FarTrustee:
    """A trustee behind topics: collects pages, answers in pages, and records its requests."""

    def __init__(self, area: SmallArea, number: int):
        self.area = area
        self.fake = area.fakes[number]
        self.key = area.trustee_keys[number]
        self.name = area.trustees.trustees[number].name
        self.pages: dict[bytes, dict[int, bytes]] = {}
        self.asked: dict[bytes, bytes] = {}
        self.taught = []
        self.refuses: Reason | None = None

    def take(self, payload: bytes) -> list[bytes]:
        address = Address(self.area.collectivity, DeviceId(self.name), TrusteeKind.REQUEST)
        platform = self.area.platform.public_key()
        page = open_message(address, payload, platform, ToTrustee).message
        if not isinstance(page, RequestPage):
            self.taught.append(page)
            return []
        pages = self.pages.setdefault(page.id, {})
        pages[page.page] = page.data
        if len(pages) < page.pages:
            return []
        data = b"".join(pages[number] for number in range(page.pages))
        self.asked[page.id] = data
        if self.refuses:
            return [self.seal(Refused(page.id, self.refuses, "not today"))]
        signed = msgspec.msgpack.decode(data, type=SignedRequest)
        assert signed.summary.is_signed_by(
            self.area.collectivity, self.area.trustees.collectivity_key
        )
        answer = self.fake.answer(signed.request)
        parts = pages_of(msgspec.msgpack.encode(answer))
        return [
            self.seal(AnswerPage(page.id, place, len(parts), part))
            for place, part in enumerate(parts)
        ]

    def seal(self, message) -> bytes:
        address = Address(self.area.collectivity, DeviceId(self.name), TrusteeKind.RESPONSE)
        return seal_message(address, FromTrustee(message), self.key)
