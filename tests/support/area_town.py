"""A collectivity with trustees, registrar and measures, for tests of the area lane in the cloud."""

import hashlib
from dataclasses import dataclass, field
from datetime import date

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.area_cipher import Shape
from protocol.calendar import day_number
from protocol.governance import COLLECTIVITY_SIGNER, CosignedDocument, Trustee, TrusteeSet, draw_up
from protocol.measures import (
    CLASSES_SLOTS,
    PROFILE_SLOTS,
    Group,
    Measure,
    MeasureKind,
    Measures,
    Shares,
)
from protocol.roster import Roster
from protocol.transform import CLOCK_SLOTS, Transform
from tests.support.area_household import AreaHousehold
from tests.support.sealing import TrusteesKeys

FIRST_DAY = day_number(date(2026, 3, 1))


def public(key):
    return key.public_key().public_bytes_raw()


def transform_bytes(rows: int) -> bytes:
    """Make a transform of zeros."""
    return msgspec.msgpack.encode(
        Transform(300, rows, bytes(4 * rows * CLOCK_SLOTS), bytes(8 * CLOCK_SLOTS), bytes(32))
    )


@dataclass
class AreaTown:
    """Keys and documents; `settle` puts the documents into a store."""

    collectivity: str = "testville"
    slots: int = 3
    platform_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    registrar_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    trustee_keys: list[Ed25519PrivateKey] = field(
        default_factory=lambda: [Ed25519PrivateKey.generate() for _ in range(4)]
    )

    def __post_init__(self):
        self.names = [f"trustee-{letter}" for letter in "abcd"]
        self.trustees = TrusteeSet(
            self.collectivity,
            1,
            None,
            FIRST_DAY,
            Shape(3, 4),
            tuple(
                Trustee(name, name.title(), public(key))
                for name, key in zip(self.names, self.trustee_keys, strict=True)
            ),
            public(self.platform_key),
            public(self.registrar_key),
        )
        self.sealing = TrusteesKeys(dict(zip(self.names, self.trustee_keys, strict=True)))
        self.signed_trustees = self.signed(draw_up(self.trustees))
        self.transform = transform_bytes(self.slots)
        self.measures = self.measures_of(self.signed_trustees.hash)
        self.signed_measures = self.signed(draw_up(self.measures))
        self.roster = Roster(public(self.registrar_key))

    def signed(
        self, cosigned: CosignedDocument, trustees=(0, 1, 2, 3), *, collectivity=True
    ) -> CosignedDocument:
        """Sign a document as these trustees, and as the collectivity."""
        for number in trustees:
            cosigned = cosigned.signed(self.names[number], self.trustee_keys[number])
        return cosigned.signed(COLLECTIVITY_SIGNER, self.platform_key) if collectivity else cosigned

    def measures_of(self, trustees_hash: bytes, **changes) -> Measures:
        """Make measures: a curve of an arrondissement, classes by provider, profiles of all."""
        digest = hashlib.sha256(self.transform).digest()
        fields = {
            "collectivity": self.collectivity,
            "version": 1,
            "trustees": trustees_hash,
            "previous": None,
            "effective": FIRST_DAY,
            "end": FIRST_DAY + 365,
            "epsilon": 2.0,
            "delta": 1e-6,
            "gamma": 0.1,
            "grid_bits": 20,
            "days_a_week": 7,
            "profile_days_a_year": 4,
            "deadline_h": 48,
            "measures": (
                Measure(
                    "curve",
                    MeasureKind.CURVE,
                    Shares(0.6, 0.6),
                    (
                        Group("75101", ("75101",), 300, 210, 210, self.slots, digest),
                        Group("75102", ("75102",), 300, 210, 210, self.slots, digest),
                    ),
                ),
                Measure(
                    "classes",
                    MeasureKind.CLASSES,
                    Shares(0.2, 0.2),
                    (Group("75-blue", ("75",), 300, 210, 210, CLASSES_SLOTS, None, "blue"),),
                    (1.0,) * CLASSES_SLOTS,
                ),
                Measure(
                    "profile",
                    MeasureKind.PROFILE,
                    Shares(0.0, 0.2),
                    (Group("75", ("75",), 300, 210, 210, PROFILE_SLOTS),),
                    (1.0,) * PROFILE_SLOTS,
                ),
            ),
        }
        return Measures(**(fields | changes))

    def settle(self, store) -> None:
        """Put the documents into the store."""
        store.area.put_blob(self.transform)
        store.area.put_cosigned(self.signed_trustees)
        store.area.put_cosigned(self.signed_measures)

    def join(self, store, home: AreaHousehold, **changes) -> AreaHousehold:
        """Enrol a household's chip and enter it in the roster."""
        store.enrol(home.chip.enrolment)
        self.enter(store, home, **changes)
        return home

    def enter(self, store, home: AreaHousehold, **changes) -> None:
        """Add a roster entry of a household."""
        entry = home.signed_entry(self.roster, self.registrar_key, **changes)
        self.roster.append(entry)
        store.area.append_roster([entry])

    def parts(self, group="75101", *, with_classes=True):
        """Return the parts of an ordinary contribution, for `AreaHousehold.contribution`."""
        curve = ("curve", group, self.slots + 1)
        return (curve, ("classes", "75-blue", CLASSES_SLOTS + 1)) if with_classes else (curve,)
