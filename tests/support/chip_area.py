"""An area for one chip: trustees, measures, a roster entry, and a cloud that serves them."""

import hashlib
from datetime import date

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.area.lane import AreaOptions
from edge.area.settings import AreaChoices, AreaConfig
from edge.chip.chip import ChipSettings
from edge.mqtt.message import Arrived, Publish
from edge.mqtt.outbox import OutboxSettings
from protocol.area_cipher import (
    SHAPES,
    MaskContext,
    Shape,
    from_bytes,
    mask,
    mask_key,
    month_number,
    ratchet,
    unmask,
)
from protocol.area_messages import AreaAck, AreaQuestion, Contribution, Document, SeedLetters, Terms
from protocol.calendar import day_number
from protocol.envelope import Address, open_message, seal_message
from protocol.errors import Reason
from protocol.governance import CosignedDocument, Trustee, TrusteeSet, draw_up
from protocol.measures import (
    CLASSES_SLOTS,
    PROFILE_SLOTS,
    Group,
    Measure,
    MeasureKind,
    Measures,
    Shares,
)
from protocol.roster import FIRST_PREVIOUS, RosterEntry, sign_entry
from protocol.seeds import LetterContext, open_letter
from protocol.topics import Kind, device_topic, parse_device_topic
from protocol.transform import CLOCK_SLOTS, Transform
from tests.support.chip_bench import PLATFORM_KEY, Bench, make_identity
from tests.support.chip_cloud import FakeCloud
from tests.support.sealing import TrusteesKeys

PART_BYTES = 3_000
ROWS = 6
CELL = "751010101"
BODIES = {Kind.ASK: AreaQuestion, Kind.AREA: Contribution, Kind.KEY: SeedLetters}


def small_transform(rows: int = ROWS) -> Transform:
    matrix = np.random.default_rng(7).normal(0, 1e-4, (rows, CLOCK_SLOTS)).astype("<f4")
    profiles = np.full((2, CLOCK_SLOTS), 100, "<f4")
    return Transform(200, rows, matrix.tobytes(), profiles.tobytes(), bytes(32))


class Trustees:
    """Four trustees with all their keys, the collectivity and the registrar."""

    def __init__(self, collectivity_key: Ed25519PrivateKey, shape: Shape = SHAPES[0]) -> None:
        self.collectivity_key = collectivity_key
        self.registrar_key = Ed25519PrivateKey.generate()
        self.shape = shape
        self.signing = [Ed25519PrivateKey.generate() for _ in range(shape.trustees)]
        self.names = [f"trustee-{n}" for n in range(shape.trustees)]
        self.sealing = TrusteesKeys(dict(zip(self.names, self.signing, strict=True)))

    def set(self, *, version=1, previous=None, effective=0, collectivity="ville") -> TrusteeSet:
        return TrusteeSet(
            collectivity=collectivity,
            version=version,
            previous=previous,
            effective=effective,
            shape=self.shape,
            trustees=tuple(
                Trustee(name, name.title(), key.public_key().public_bytes_raw())
                for name, key in zip(self.names, self.signing, strict=True)
            ),
            collectivity_key=self.collectivity_key.public_key().public_bytes_raw(),
            registrar_key=self.registrar_key.public_key().public_bytes_raw(),
        )

    def sign(self, document, signers=None) -> CosignedDocument:
        cosigned = draw_up(document)
        for name, key in list(zip(self.names, self.signing, strict=True))[:signers]:
            cosigned = cosigned.signed(name, key)
        return cosigned.signed("collectivity", self.collectivity_key)


def make_measures(trustee_set: bytes, transform: bytes, **changes) -> Measures:
    """Return measures of a curve, price classes and the profile, counted every day."""
    group = {"areas": ("75101",), "roster": 300, "crowd": 200, "threshold": 210}
    measures = (
        Measure(
            "curve",
            MeasureKind.CURVE,
            Shares(0.7, 0.7),
            (Group("75101", slots=ROWS, transform=transform, **group),),
        ),
        Measure(
            "classes",
            MeasureKind.CLASSES,
            Shares(0.2, 0.2),
            (Group("75", slots=CLASSES_SLOTS, **group),),
            (1e-5,) * CLASSES_SLOTS,
        ),
        Measure(
            "profile",
            MeasureKind.PROFILE,
            Shares(0.0, 0.1),
            (Group("75101", slots=PROFILE_SLOTS, **group),),
            (1e-2,) * 15 + (1e-6,) * 15,
        ),
    )
    fields = {
        "collectivity": "ville",
        "version": 1,
        "trustees": trustee_set,
        "previous": None,
        "effective": 0,
        "end": 40_000,
        "epsilon": 2.0,
        "delta": 1e-6,
        "gamma": 0.1,
        "grid_bits": 24,
        "days_a_week": 7,
        "profile_days_a_year": 366,
        "deadline_h": 36,
        "measures": measures,
    }
    return Measures(**fields | changes)


class AreaCloud(FakeCloud):
    """A cloud that serves terms and documents, and stores contributions."""

    def __init__(self, identity, platform_key, trustees: Trustees | None = None) -> None:
        super().__init__(identity, platform_key)
        self.trustees = trustees or Trustees(platform_key)
        self.transform = msgspec.msgpack.encode(small_transform())
        self.transform_hash = hashlib.sha256(self.transform).digest()
        self.signed_set = self.trustees.sign(self.trustees.set())
        self.measures = make_measures(self.signed_set.hash, self.transform_hash)
        self.documents: dict[bytes, bytes] = {self.transform_hash: self.transform}
        self.sets: list[bytes] = []
        self.measures_list: list[bytes] = []
        self.add_set(self.signed_set)
        self.add_measures(self.trustees.sign(self.measures))
        self.entry = self.make_entry()
        self.letters: list[SeedLetters] = []
        self.contributions: dict[int, bytes] = {}
        self.received: list[Contribution] = []
        self.refuse: Reason | None = None
        self.is_silent = False
        self.retained_letters = b""
        self.retained = self.trustees.sealing.retained

    def add_set(self, cosigned: CosignedDocument) -> None:
        self.documents[cosigned.hash] = msgspec.msgpack.encode(cosigned)
        self.sets.append(cosigned.hash)

    def add_measures(self, cosigned: CosignedDocument) -> None:
        self.documents[cosigned.hash] = msgspec.msgpack.encode(cosigned)
        self.measures_list.append(cosigned.hash)

    def make_entry(self, key=None, **changes):
        identity = self.identity
        fields = {
            "number": 3,
            "previous": FIRST_PREVIOUS,
            "household_key": identity.household_key,
            "device": identity.device,
            "signing_key": identity.signing_key.public_key().public_bytes_raw(),
            "point": bytes(32),
            "cell": CELL,
            "provider": "edf",
            "start": 0,
        }
        return sign_entry(RosterEntry(**fields | changes), key or self.trustees.registrar_key)

    def take(self, publish: Publish) -> list[Arrived]:
        topic = parse_device_topic(publish.topic)
        if topic.kind is Kind.KEY:
            self.retained_letters = publish.payload
            if not publish.payload:
                return []
        if topic.kind not in BODIES:
            return super().take(publish)
        address = Address(topic.collectivity, topic.device, topic.kind)
        key = self.identity.signing_key.public_key()
        body = open_message(address, publish.payload, key, BODIES[topic.kind])
        if isinstance(body, SeedLetters):
            assert publish.retain
            self.letters.append(body)
            return []
        if isinstance(body, Contribution):
            return self._contribution(body, publish.payload)
        return self._documents(body.document)

    def down(self, kind: Kind, body) -> Arrived:
        address = Address(self.identity.collectivity, self.identity.device, kind)
        topic = device_topic(self.identity.collectivity, self.identity.device, kind)
        return Arrived(topic, seal_message(address, body, self.platform_key))

    def opened(self, day: date) -> dict[str, list[int]]:
        """Open a stored contribution with all trustees' keys; returns slots by measure."""
        body = next(
            contribution for contribution in self.received if contribution.day == day_number(day)
        )
        letters = next(letters for letters in self.letters if letters.generation == body.generation)
        seeds: dict[int, bytes] = {}
        for number, letter in enumerate(letters.letters):
            context = LetterContext(
                "ville",
                body.household_key,
                letters.generation,
                letters.month,
                letters.trustees,
                number,
            )
            key = self.trustees.sealing.key(self.trustees.names[number], letters.month)
            if letter:
                seeds |= open_letter(letter, self.trustees.shape, context, key)
        month = month_number(body.day)
        of_month = [ratchet(seed, letters.month, month) for seed in seeds.values()]
        result = {}
        for part in body.parts:
            words = from_bytes(part.words)
            context = MaskContext(body.measures, part.measure, part.group, len(words), body.day)
            masks = [
                mask(mask_key(seed, body.household_key, body.day), context, body.nonce)
                for seed in of_month
            ]
            result[part.measure] = unmask(words, masks).tolist()
        return result

    def _contribution(self, body: Contribution, payload: bytes) -> list[Arrived]:
        self.received.append(body)
        if self.is_silent:
            return []
        key = self.identity.household_key
        kept = self.contributions.get(body.day)
        reason = self.refuse
        if reason is None and kept not in (None, payload):
            reason = Reason.CONFLICT
        if reason is not None:
            return [self.down(Kind.AREA_ACK, AreaAck(key, (), ((body.day, reason),)))]
        self.contributions[body.day] = payload
        ack = self.down(Kind.AREA_ACK, AreaAck(key, (body.day,), ()))
        return [ack] if body.measures == self.measures_list[-1] else [ack, *self._documents(None)]

    def _documents(self, wanted: bytes | None) -> list[Arrived]:
        key = self.identity.household_key
        if wanted is None:
            entry = None if self.entry is None else (self.entry.body, self.entry.signature)
            terms = Terms(key, entry, tuple(self.sets), tuple(self.measures_list))
            return [self.down(Kind.TERMS, terms)]
        data = self.documents[wanted]
        pieces = [data[n : n + PART_BYTES] for n in range(0, len(data), PART_BYTES)]
        return [
            self.down(Kind.DOCUMENT, Document(key, wanted, number, len(pieces), piece))
            for number, piece in enumerate(pieces)
        ]


class ChoicesBox:
    """The household's choices, in memory."""

    def __init__(self, choices: AreaChoices | None = None) -> None:
        self.now = choices or AreaChoices()

    def __call__(self) -> AreaChoices:
        return self.now

    def set(self, **changes) -> None:
        self.now = msgspec.structs.replace(self.now, **changes)


def area_settings(box: ChoicesBox, config: AreaConfig | None = None, **options) -> ChipSettings:
    return ChipSettings(
        outbox=OutboxSettings(backlog_per_s=1_000.0, backlog_window=64),
        area=AreaOptions(box, config or AreaConfig(), **options),
    )


def area_bench(
    folder, start, *, trustees: Trustees | None = None, is_confirmed=True, config=None, **options
) -> Bench:
    """Make a household whose area lane meets an `AreaCloud`; its choices are in `box`."""
    identity = make_identity()
    cloud = AreaCloud(identity, PLATFORM_KEY, trustees)
    box = ChoicesBox()
    if is_confirmed:
        box.set(trustees=cloud.signed_set.hash.hex())
    settings = area_settings(box, config, **options)
    bench = Bench(folder / "chip", cloud, identity, start, settings=settings)
    bench.box = box
    return bench
