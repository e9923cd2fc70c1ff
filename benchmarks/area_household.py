"""A household of the area lane for measuring: documents, chip, and its messages of a month."""

import secrets
from dataclasses import dataclass
from datetime import date

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.household import COLLECTIVITY, DAYS, READINGS_A_DAY
from edge.privacy.contribution import (
    ContributionInputs,
    CostedContribution,
    DayValues,
    Seeds,
    contribute,
)
from edge.privacy.ledger import Caps, Ledger
from protocol.area_cipher import SHAPES, month_number
from protocol.area_messages import Contribution, SeedLetters
from protocol.calendar import day_number
from protocol.envelope import Address, seal_message
from protocol.hpke import SealingKey
from protocol.ids import DeviceId, new_device_id
from protocol.measures import (
    CLASSES_SLOTS,
    CURVE_SLOTS_MAX,
    PROFILE_SLOTS,
    Group,
    Measure,
    MeasureKind,
    Measures,
    Shares,
)
from protocol.roster import RosterEntry
from protocol.seeds import LetterContext, commitment, draw_seeds, heads_seen, seal_letter
from protocol.socio import Profile
from protocol.topics import Kind, device_topic
from protocol.transform import CLOCK_SLOTS, Transform
from system.mqtt.message import Incoming

SHAPE = SHAPES[0]
# A curve with the most slots, and the check slot.
SLOTS = CURVE_SLOTS_MAX + 1
CELL = "751010101"
_GROUP = 300
_CROWD = 210
_DIGEST = bytes(32)
_MONTH = month_number(day_number(DAYS[0]))
_NO_CAPS = Caps(day_rho=1e3, month_rho=1e3, year_rho=1e3, profile_days=366)


def transform() -> Transform:
    """Return a transform of all 96 slots; its values do not affect time and size."""
    matrix = np.random.default_rng(3).normal(0, 1e-4, (CURVE_SLOTS_MAX, CLOCK_SLOTS))
    profiles = np.full((2, CLOCK_SLOTS), 100)
    return Transform(
        _GROUP,
        CURVE_SLOTS_MAX,
        matrix.astype("<f4").tobytes(),
        profiles.astype("<f4").tobytes(),
        _DIGEST,
    )


def measures() -> Measures:
    """Return a document with all three measures on every day, the most that a chip can send."""

    def group(slots: int, transform_hash: bytes | None = None) -> tuple[Group, ...]:
        return (Group("75101", ("75101",), _GROUP, _CROWD, _CROWD, slots, transform_hash),)

    return Measures(
        collectivity=COLLECTIVITY,
        version=1,
        trustees=_DIGEST,
        previous=None,
        effective=0,
        end=40_000,
        epsilon=2.0,
        delta=1e-6,
        gamma=0.1,
        grid_bits=20,
        days_a_week=7,
        profile_days_a_year=366,
        deadline_h=48,
        measures=(
            Measure("curve", MeasureKind.CURVE, Shares(0.6, 0.6), group(CURVE_SLOTS_MAX, _DIGEST)),
            Measure(
                "classes",
                MeasureKind.CLASSES,
                Shares(0.2, 0.2),
                group(CLASSES_SLOTS),
                (1e-4,) * CLASSES_SLOTS,
            ),
            Measure(
                "profile",
                MeasureKind.PROFILE,
                Shares(0.0, 0.2),
                group(PROFILE_SLOTS),
                (1e-4,) * PROFILE_SLOTS,
            ),
        ),
    )


@dataclass(frozen=True, slots=True)
class AreaChip:
    """A chip with its roster entry, its seeds, and the trustees to which it seals them."""

    signing_key: Ed25519PrivateKey
    entry: RosterEntry
    seeds: tuple[bytes, ...]
    trustees: tuple[SealingKey, ...]

    @classmethod
    def generate(cls) -> "AreaChip":
        """Draw new keys."""
        signing_key = Ed25519PrivateKey.generate()
        entry = RosterEntry(
            number=1_000_000,
            previous=_DIGEST,
            household_key=secrets.token_bytes(16),
            device=new_device_id(),
            signing_key=signing_key.public_key().public_bytes_raw(),
            point=_DIGEST,
            cell=CELL,
            provider="blue",
            start=0,
        )
        trustees = tuple(SealingKey.generate() for _ in range(SHAPE.trustees))
        return cls(signing_key, entry, draw_seeds(SHAPE), trustees)

    def sign(self, kind: Kind, body: Contribution | SeedLetters) -> Incoming:
        """Sign a message."""
        device = DeviceId(self.entry.device)
        payload = seal_message(Address(COLLECTIVITY, device, kind), body, self.signing_key)
        return Incoming(device_topic(COLLECTIVITY, device, kind), payload)

    def letters(self) -> SeedLetters:
        """Seal the seeds to all trustees, as a chip does at most once a month."""
        key, sealing = self.entry.household_key, [trustee.public_bytes for trustee in self.trustees]
        letters = tuple(
            seal_letter(
                self.seeds,
                SHAPE,
                LetterContext(COLLECTIVITY, key, 1, _MONTH, _DIGEST, number),
                public,
            )
            for number, public in enumerate(sealing)
        )
        commitments = tuple(commitment(seed, number) for number, seed in enumerate(self.seeds))
        seen = heads_seen(_DIGEST, _DIGEST, self.entry)
        return SeedLetters(key, 1, _MONTH, _DIGEST, commitments, letters, seen)

    def contribution(self, day: date, *, with_profile: bool) -> Contribution:
        """Make a day's contribution with the chip's own code: clip, noise, masks.

        Whoever has no profile sends the part too, on the days that count it.
        """
        document = measures()
        if not with_profile:
            document = msgspec.structs.replace(document, profile_days_a_year=0)
        readings_wh = np.random.default_rng(1).integers(0, 1_000, READINGS_A_DAY).tolist()
        values = DayValues(
            day,
            readings_wh,
            profile=Profile(ages=(1, 0, 0, 2, 0, 0), employed=1) if with_profile else None,
        )
        grounds = ContributionInputs(
            document,
            _DIGEST,
            {_DIGEST: transform()},
            self.entry,
            Seeds(1, _DIGEST, self.seeds, month_number(day_number(day))),
        )
        made = contribute(values, grounds, Ledger(), _NO_CAPS)
        assert isinstance(made, CostedContribution)
        return made.contribution
