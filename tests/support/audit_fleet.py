"""Homes with known curves and the messages of their chips, built from the product's own parts.

`leak` names a way in which a chip leaks information; "" is the product.
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.audit.capture import Captured
from cloud.audit.truth import Truth
from cloud.store import BlockItem, Device, EpochItem, IngestBatch, Put, Store
from cloud.store.area import ContributionItem, Figure, FigureKey, FigureStage
from edge.privacy.mechanism import curve_code, noised
from edge.simulate.household import synthetic_curve
from edge.vault.keyring import Keyring
from protocol.area_cipher import CHECK_VALUE, SHAPES, MaskContext, mask_values, to_bytes
from protocol.area_messages import Contribution, Part
from protocol.calendar import day_end, day_number, day_of_number, days_between, month_of
from protocol.commitment import COMMITTED_VALUES, commit_day
from protocol.envelope import Address, seal_message
from protocol.governance import draw_up
from protocol.household import T, scale
from protocol.ids import new_device_id, new_incarnation
from protocol.keys import HouseholdSecret
from protocol.layout import DAY_COEFFICIENTS
from protocol.measures import Group, Measure, MeasureKind, Measures, Shares
from protocol.messages import Block, Epoch
from protocol.release import CurveRelease, FigureTerms, encode
from protocol.seeds import draw_seeds
from protocol.topics import Kind, device_topic, parse_device_topic
from protocol.transform import CLOCK_SLOTS, Transform, clip_to_grid

COLLECTIVITY = "auditville"
FIRST = date(2026, 1, 5)
ROWS = 24
AWAY_SHARE = 0.2
WINDOW_S = 4 * 3_600
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def transform() -> Transform:
    """Return a cosine transform whose codes mostly fit the clip."""
    rows, slots = np.arange(ROWS)[:, None], np.arange(CLOCK_SLOTS)[None]
    cosines = np.cos(np.pi * (slots + 0.5) * rows / CLOCK_SLOTS) * np.sqrt(2 / CLOCK_SLOTS) / 2_000
    profiles = np.full((2, CLOCK_SLOTS), 100)
    return Transform(
        200, ROWS, cosines.astype("<f4").tobytes(), profiles.astype("<f4").tobytes(), bytes(32)
    )


def measures() -> Measures:
    group = Group("cell", ("75",), 200, 140, 140, ROWS, bytes(32))
    curve = Measure("curve", MeasureKind.CURVE, Shares(1.0, 1.0), (group,))
    return Measures(
        collectivity=COLLECTIVITY,
        version=1,
        trustees=bytes(32),
        previous=None,
        effective=0,
        end=40_000,
        epsilon=2.0,
        delta=1e-6,
        gamma=0.1,
        grid_bits=20,
        days_a_week=7,
        profile_days_a_year=0,
        deadline_h=48,
        measures=(curve,),
    )


DOCUMENT = draw_up(measures())


@dataclass
class AuditedChip:
    """One chip; `day_messages` returns a day's messages."""

    number: int
    leak: str = ""
    device: str = field(default_factory=new_device_id)
    signing_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    secret: HouseholdSecret = field(default_factory=HouseholdSecret.generate)

    def __post_init__(self):
        self.keyring = Keyring(self.secret)
        self.seeds = draw_seeds(SHAPES[0])
        self.incarnation = new_incarnation()
        self.pads = {}
        self.sequence = 0

    def _captured(self, kind: Kind, body, at_s: float) -> Captured:
        payload = seal_message(Address(COLLECTIVITY, self.device, kind), body, self.signing_key)
        return Captured(at_s, device_topic(COLLECTIVITY, self.device, kind), payload)

    def coefficients(self, day: date, values: list[int]) -> bytes:
        if self.leak == "plain blocks":
            return b"".join((scale(value) % T).to_bytes(8, "little") for value in values)
        month = month_of(day)
        if month not in self.pads:
            self.pads[month] = self.keyring.of_year(day.year).seal.new_epoch(
                month, self.incarnation
            )
        pad = self.pads[month]
        return b"".join(
            pad.encrypt(day, j, value).to_bytes(8, "little") for j, value in enumerate(values)
        )

    def block(self, day: date, curve_wh: np.ndarray) -> Block:
        self.sequence += 1
        values = [*map(int, curve_wh), *([0] * (DAY_COEFFICIENTS - CLOCK_SLOTS))]
        count = DAY_COEFFICIENTS
        if self.leak == "size":  # omits zeros, as a thrifty programmer might
            count = CLOCK_SLOTS + min(int(curve_wh.sum()) // 1_000, 32)
        data = self.coefficients(day, values)[: 8 * count]
        number, committed = day_number(day), [0] * COMMITTED_VALUES
        commitment = commit_day(
            committed, self.keyring.of_year(day.year).blinding(number, committed)
        )
        return Block(self.secret.id, number, self.incarnation, self.sequence, 0, data, commitment)

    def contribution(self, day: date, curve_wh: np.ndarray) -> Contribution:
        document = measures()
        (measure,) = document.measures
        code = curve_code(transform(), day, curve_wh)
        nonce, masked_day = secrets.token_bytes(16), day_number(day)
        if self.leak == "plain words":
            values = np.append(clip_to_grid(code, document.grid), CHECK_VALUE)
            words = values.astype(np.int64).view(np.uint64)
        else:
            values = noised(code, document, measure.shares.plain, measure.groups[0])
            if self.leak == "mask used twice":
                nonce, masked_day = bytes(16), day_number(FIRST)
            context = MaskContext(DOCUMENT.hash, "curve", "cell", len(values), masked_day)
            words = mask_values(values, self.seeds, self.secret.id, context, nonce)
        part = Part("curve", "cell", to_bytes(words))
        return Contribution(
            self.secret.id, day_number(day), DOCUMENT.hash, 1, self.number, nonce, (part,)
        )

    def day_messages(
        self, day: date, curve_wh: np.ndarray, rng: np.random.Generator
    ) -> list[Captured]:
        end_s = day_end(day).timestamp()
        delays_s = rng.uniform(0, WINDOW_S, 2)
        if self.leak == "time":  # sends after work that depends on the day's consumption
            delays_s = curve_wh.sum() / 10 + rng.uniform(0, 60, 2)
        return [
            self._captured(Kind.BLOCK, self.block(day, curve_wh), float(end_s + delays_s[0])),
            self._captured(Kind.AREA, self.contribution(day, curve_wh), float(end_s + delays_s[1])),
        ]


@dataclass(frozen=True)
class AuditedFleet:
    """Chips, the consumption of their homes, and their messages."""

    chips: list[AuditedChip]
    truth: Truth
    messages: list[Captured]

    def fill(self, store: Store) -> None:
        """Put the chips' messages, with their headers, into a store."""
        store.area.put_cosigned(DOCUMENT)
        bodies = [(message, _body(message)) for message in self.messages]
        for chip in self.chips:
            public = chip.signing_key.public_key().public_bytes_raw()
            store.enrol(Device(chip.device, public, chip.secret.id, NOW))
        epochs = [
            EpochItem(
                chip.device,
                "t",
                Epoch(chip.secret.id, day_number(month), chip.incarnation, pad.seed, bytes(32)),
                b"e",
            )
            for chip in self.chips
            for month, pad in chip.pads.items()
        ]
        blocks = [
            BlockItem(parse_device_topic(message.topic).device, "t", body, message.payload)
            for message, body in bodies
            if isinstance(body, Block)
        ]
        contributions = [
            ContributionItem(parse_device_topic(message.topic).device, body, message.payload)
            for message, body in bodies
            if isinstance(body, Contribution)
        ]
        outcome = store.put_batch(IngestBatch(NOW, epochs, blocks))
        assert {*outcome.epochs, *outcome.blocks} == {Put.STORED}
        assert set(store.area.put_contributions(contributions, NOW)) == {Put.STORED}

    def release(self, store: Store, rng: np.random.Generator) -> None:
        """Publish the neighbourhood's curve of each day, with a little noise."""
        totals = self.truth.energies_wh.sum(axis=0)
        noisy = totals + rng.normal(0, 0.1 * totals.mean(), totals.shape)
        terms = FigureTerms(
            len(self.chips), len(self.chips), 1.0, 2.0, 1e-6, 1.0, 140, 0.1, "", "", True
        )
        for day, curve in zip(self.truth.days, noisy.tolist(), strict=True):
            release = CurveRelease(
                measure="curve",
                code="cell",
                day=str(day_of_number(day)),
                revision=0,
                unit="Wh",
                quarter_hours=tuple(curve),
                band_90=(1.0,) * CLOCK_SLOTS,
                raw=tuple(curve),
                terms=terms,
                transform="",
                model="",
                filtered_days=(),
            )
            key = FigureKey(DOCUMENT.hash, "curve", "cell", day)
            figure = Figure(key, FigureStage.RELEASED, NOW, release=encode(release))
            store.area.put_figure(figure)


def _body(message: Captured) -> Block | Contribution:
    """Decode a message by its kind."""
    body = msgspec.msgpack.decode(message.payload)[1]
    kind = parse_device_topic(message.topic).kind
    return msgspec.msgpack.decode(body, type=Block if kind is Kind.BLOCK else Contribution)


def audited_curves(homes: int, days: int, rng: np.random.Generator) -> np.ndarray:
    """Make curves in Wh, int64[homes, days, 96]; each home is away on a fifth of the days."""
    end = FIRST + timedelta(days=days)
    curves_w = np.stack([synthetic_curve(seed, FIRST, end).power_w for seed in range(homes)])
    curves_wh = curves_w.reshape(homes, days, CLOCK_SLOTS) // 4
    is_away = rng.random((homes, days)) < AWAY_SHARE
    return np.where(is_away[:, :, None], curves_wh // 6, curves_wh)


def audited_fleet(homes: int, days: int, leak: str = "", seed: int = 5) -> AuditedFleet:
    """Make a fleet and its messages for some weeks of winter, without a change of clocks."""
    rng = np.random.default_rng(seed)
    curves_wh = audited_curves(homes, days, rng)
    chips = [AuditedChip(number, leak) for number in range(homes)]
    dates = days_between(FIRST, FIRST + timedelta(days=days))
    messages = [
        message
        for row, chip in enumerate(chips)
        for column, day in enumerate(dates)
        for message in chip.day_messages(day, curves_wh[row, column], rng)
    ]
    truth = Truth(
        tuple(chip.device for chip in chips),
        tuple(map(day_number, dates)),
        curves_wh.astype(np.float64),
    )
    return AuditedFleet(chips, truth, messages)
