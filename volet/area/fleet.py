"""Many chips on one machine: each household's day through the chip's own code, on all cores."""

import hashlib
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from typing import Self

import msgspec
import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.store.area import ContributionItem
from edge.privacy.contribution import (
    ContributionInputs,
    CostedContribution,
    DayValues,
    Seeds,
    contribute,
)
from edge.privacy.ledger import Caps, Ledger
from protocol.envelope import Address, seal_message
from protocol.errors import VoletError
from protocol.governance import TrusteeSet
from protocol.ids import DeviceId
from protocol.measures import Measures
from protocol.roster import RosterEntry
from protocol.seeds import draw_seeds, write_letters
from protocol.topics import Kind
from protocol.transform import Transform, read_transform

_CHUNK = 64
_GENERATION = 1
# A simulation spends what it is told to; the caps are the household's affair.
_NO_CAPS = Caps(day_rho=1e3, month_rho=1e3, year_rho=1e3, profile_days=366)

Energies = npt.NDArray[np.float64]


class SimulatedChip(msgspec.Struct, frozen=True):
    """One household: its roster entry, its chip's signing key (32 bytes), its seeds."""

    entry: RosterEntry
    signing_key: bytes
    seeds: Seeds

    def seal(self, collectivity: str, kind: Kind, body: msgspec.Struct) -> bytes:
        """Sign a message as this chip."""
        address = Address(collectivity, DeviceId(self.entry.device), kind)
        return seal_message(address, body, Ed25519PrivateKey.from_private_bytes(self.signing_key))


class Ground(msgspec.Struct, frozen=True):
    """What all chips of the area go by."""

    collectivity: str
    measures: Measures
    document: bytes
    transforms: dict[bytes, Transform]

    @classmethod
    def of(
        cls, collectivity: str, measures: Measures, document: bytes, transform: bytes
    ) -> "Ground":
        """Take the document, its hash and its one transform's bytes."""
        transforms = {hashlib.sha256(transform).digest(): read_transform(transform)}
        return cls(collectivity, measures, document, transforms)


class Sealed(msgspec.Struct, frozen=True):
    """A chip and its seeds on their way to the trustees."""

    chip: SimulatedChip
    payload: bytes


class Fleet:
    """Processes that play chips; use as a context."""

    def __init__(self, workers: int) -> None:
        """Take the number of processes."""
        # Spawned, not forked: nothing of the parent's stores and threads goes along.
        context = multiprocessing.get_context("spawn")
        self._executor = ProcessPoolExecutor(workers, mp_context=context)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(cancel_futures=True)

    def draw_seeds(
        self, entries: Sequence[tuple[RosterEntry, bytes]], trustees: TrusteeSet, trustee_set: bytes
    ) -> Iterator[Sealed]:
        """Let each chip, (entry, signing key), draw and seal its seeds."""
        jobs = [
            (entries[n : n + _CHUNK], trustees, trustee_set) for n in range(0, len(entries), _CHUNK)
        ]
        for found in self._executor.map(_draw_all, jobs):
            yield from found

    def contribute(
        self, ground: Ground, chips: Sequence[SimulatedChip], day: date, energies_wh: Energies
    ) -> Iterator[list[ContributionItem]]:
        """Let each chip contribute its day, float64[chips, quarter-hours]; gives chunks."""
        jobs = [
            (ground, chips[n : n + _CHUNK], day, energies_wh[n : n + _CHUNK])
            for n in range(0, len(chips), _CHUNK)
        ]
        yield from self._executor.map(_contribute_all, jobs)


def _draw_all(job: tuple[Sequence[tuple[RosterEntry, bytes]], TrusteeSet, bytes]) -> list[Sealed]:
    entries, trustees, trustee_set = job
    return [_draw(entry, key, trustees, trustee_set) for entry, key in entries]


def _draw(
    entry: RosterEntry, signing_key: bytes, trustees: TrusteeSet, trustee_set: bytes
) -> Sealed:
    seeds = draw_seeds(trustees.shape)
    letters = write_letters(seeds, trustees, trustee_set, entry.household_key, _GENERATION)
    chip = SimulatedChip(entry, signing_key, Seeds(_GENERATION, trustee_set, seeds))
    return Sealed(chip, chip.seal(trustees.collectivity, Kind.KEY, letters))


def _contribute_all(
    job: tuple[Ground, Sequence[SimulatedChip], date, Energies],
) -> list[ContributionItem]:
    ground, chips, day, energies = job
    return [_contribute(ground, chip, day, own) for chip, own in zip(chips, energies, strict=True)]


def _contribute(
    ground: Ground, chip: SimulatedChip, day: date, energies_wh: Energies
) -> ContributionItem:
    grounds = ContributionInputs(
        ground.measures, ground.document, ground.transforms, chip.entry, chip.seeds
    )
    values = DayValues(day, [round(float(each)) for each in energies_wh])
    made = contribute(values, grounds, Ledger(), _NO_CAPS)
    if not isinstance(made, CostedContribution):
        raise VoletError(f"A chip does not contribute on {day}: {made}.")
    payload = chip.seal(ground.collectivity, Kind.AREA, made.contribution)
    return ContributionItem(DeviceId(chip.entry.device), made.contribution, payload)
