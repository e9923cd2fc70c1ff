"""The signed documents of a simulated area: trustee set, measures and roster."""

import secrets
from collections.abc import Sequence
from datetime import date

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.store.area import AreaStore
from protocol.area_cipher import Shape
from protocol.calendar import day_number
from protocol.governance import (
    COLLECTIVITY_SIGNER,
    CosignedDocument,
    TrusteeSet,
    check_signed_by_trustees,
    draw_up,
    open_first_set,
)
from protocol.ids import new_device_id
from protocol.measures import Group, Measure, MeasureKind, Measures, Shares, check_measures
from protocol.roster import COUNTS_AFTER_DAYS, Roster, RosterEntry, SignedEntry, sign_entry
from trustee.identity import TrusteeIdentity

COLLECTIVITY = "simulation"
CELL = "751010101"
MEASURE = "curve"
SHAPE = Shape(3, 4)
DELTA = 1e-6
GAMMA = 0.1
CROWD_TENTHS = 7
_GRID_BITS = 20
# Longer than any simulation.
_LIFE_DAYS = 10_000
_MEMBERS = ("a", "b", "c", "d")


class SimulatedTown:
    """The keys of all parties, and the first trustee set."""

    def __init__(self, first: date, members: Sequence[TrusteeIdentity] = ()) -> None:
        """Generate all keys, those of trustees for want of `members`; documents begin on `first`."""
        self.platform = Ed25519PrivateKey.generate()
        self.registrar = Ed25519PrivateKey.generate()
        self.members = tuple(members) or tuple(
            TrusteeIdentity.draw(COLLECTIVITY, f"trustee-{letter}") for letter in _MEMBERS
        )
        self.first_day = day_number(first)
        self.trustees = TrusteeSet(
            collectivity=COLLECTIVITY,
            version=1,
            previous=None,
            effective=self.first_day,
            shape=SHAPE,
            trustees=tuple(member.public for member in self.members),
            collectivity_key=self.platform.public_key().public_bytes_raw(),
            registrar_key=self.registrar.public_key().public_bytes_raw(),
        )
        self.signed_set = self._signed(draw_up(self.trustees))
        open_first_set(self.signed_set)

    def make_measures(
        self, households: int, epsilon: float, slots: int, transform: bytes
    ) -> tuple[Measures, CosignedDocument]:
        """Create and sign a document with one measure: the curve of one group."""
        crowd = crowd_of(households)
        group = Group(CELL, (CELL,), households, crowd, crowd, slots, transform)
        measures = Measures(
            collectivity=COLLECTIVITY,
            version=1,
            trustees=self.signed_set.hash,
            previous=None,
            effective=self.first_day,
            end=self.first_day + _LIFE_DAYS,
            epsilon=epsilon,
            delta=DELTA,
            gamma=GAMMA,
            grid_bits=_GRID_BITS,
            days_a_week=7,
            profile_days_a_year=0,
            deadline_h=24,
            measures=(Measure(MEASURE, MeasureKind.CURVE, Shares(1.0, 1.0), (group,)),),
        )
        check_measures(measures)
        cosigned = self._signed(draw_up(measures))
        check_signed_by_trustees(cosigned, self.trustees)
        return measures, cosigned

    def enrol(self, store: AreaStore, households: int) -> list[tuple[RosterEntry, bytes]]:
        """Enter households in the roster; return (entry, the chip's signing key) for each."""
        roster = Roster(self.trustees.registrar_key)
        entries: list[tuple[RosterEntry, bytes]] = []
        signed: list[SignedEntry] = []
        for number in range(households):
            key = Ed25519PrivateKey.generate()
            entry = RosterEntry(
                number=number,
                previous=roster.head,
                household_key=secrets.token_bytes(16),
                device=new_device_id(),
                signing_key=key.public_key().public_bytes_raw(),
                point=secrets.token_bytes(32),
                cell=CELL,
                provider="",
                start=self.first_day - COUNTS_AFTER_DAYS,
            )
            signed.append(sign_entry(entry, self.registrar))
            roster.append(signed[-1])
            entries.append((entry, key.private_bytes_raw()))
        store.append_roster(signed)
        return entries

    def _signed(self, cosigned: CosignedDocument) -> CosignedDocument:
        cosigned = cosigned.signed(COLLECTIVITY_SIGNER, self.platform)
        for member in self.members:
            cosigned = cosigned.signed(member.name, member.signing_key)
        return cosigned


def crowd_of(households: int) -> int:
    """Return how many of a group's households share its noise."""
    return households * CROWD_TENTHS // 10
