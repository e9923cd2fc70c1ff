"""Many chips on one machine: runs each household's day through the chip's code, on all cores."""

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
from protocol.seeds import DrawnSeeds, draw_seeds, heads_seen, write_letters
from protocol.topics import Kind
from protocol.transform import Transform, read_transform

_CHUNK = 64
_GENERATION = 1
# A simulation spends what its plan asks for; only households limit it.
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


class AreaTerms(msgspec.Struct, frozen=True):
    """The documents that all chips of the area share."""

    collectivity: str
    measures: Measures
    document: bytes
    transforms: dict[bytes, Transform]

    @classmethod
    def of(
        cls, collectivity: str, measures: Measures, document: bytes, transform: bytes
    ) -> "AreaTerms":
        """Build the terms from measures, the hash of their document and its transform's bytes."""
        transforms = {hashlib.sha256(transform).digest(): read_transform(transform)}
        return cls(collectivity, measures, document, transforms)


class Sealing(msgspec.Struct, frozen=True):
    """To whom all chips seal their seeds of a month (number of its first day).

    `sealing_keys` are the trustees' public keys of the month. `trustee_set` and `measures` are the
    hashes of the documents that the chips have seen.
    """

    trustees: TrusteeSet
    month: int
    sealing_keys: tuple[bytes, ...]
    trustee_set: bytes
    measures: bytes


class Sealed(msgspec.Struct, frozen=True):
    """A chip, and its message with the seeds sealed to the trustees."""

    chip: SimulatedChip
    payload: bytes


class Fleet:
    """Processes that run chips; use it as a context manager."""

    def __init__(self, workers: int) -> None:
        """Run `workers` processes."""
        # Spawned, not forked, so that the parent's stores and threads are not inherited.
        context = multiprocessing.get_context("spawn")
        self._executor = ProcessPoolExecutor(workers, mp_context=context)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(cancel_futures=True)

    def draw_seeds(
        self, entries: Sequence[tuple[RosterEntry, bytes]], sealing: Sealing
    ) -> Iterator[Sealed]:
        """Draw and seal the seeds of each chip, given as (entry, signing key)."""
        jobs = [(entries[n : n + _CHUNK], sealing) for n in range(0, len(entries), _CHUNK)]
        for sealed in self._executor.map(_draw_all, jobs):
            yield from sealed

    def contribute(
        self, terms: AreaTerms, chips: Sequence[SimulatedChip], day: date, energies_wh: Energies
    ) -> Iterator[list[ContributionItem]]:
        """Yield the chips' contributions of a day in chunks; energies are float64[chips, quarter-hours]."""
        jobs = [
            (terms, chips[n : n + _CHUNK], day, energies_wh[n : n + _CHUNK])
            for n in range(0, len(chips), _CHUNK)
        ]
        yield from self._executor.map(_contribute_all, jobs)


def _draw_all(job: tuple[Sequence[tuple[RosterEntry, bytes]], Sealing]) -> list[Sealed]:
    entries, sealing = job
    return [_draw(entry, key, sealing) for entry, key in entries]


def _draw(entry: RosterEntry, signing_key: bytes, sealing: Sealing) -> Sealed:
    trustees, month = sealing.trustees, sealing.month
    drawn = DrawnSeeds(entry.household_key, _GENERATION, month, draw_seeds(trustees.shape))
    seen = heads_seen(sealing.trustee_set, sealing.measures, entry)
    letters = write_letters(drawn, trustees, sealing.trustee_set, sealing.sealing_keys, seen)
    seeds = Seeds(_GENERATION, sealing.trustee_set, drawn.seeds, month)
    chip = SimulatedChip(entry, signing_key, seeds)
    return Sealed(chip, chip.seal(trustees.collectivity, Kind.KEY, letters))


def _contribute_all(
    job: tuple[AreaTerms, Sequence[SimulatedChip], date, Energies],
) -> list[ContributionItem]:
    terms, chips, day, energies = job
    return [_contribute(terms, chip, day, own) for chip, own in zip(chips, energies, strict=True)]


def _contribute(
    terms: AreaTerms, chip: SimulatedChip, day: date, energies_wh: Energies
) -> ContributionItem:
    inputs = ContributionInputs(
        terms.measures, terms.document, terms.transforms, chip.entry, chip.seeds
    )
    values = DayValues(day, [round(float(energy_wh)) for energy_wh in energies_wh])
    costed = contribute(values, inputs, Ledger(), _NO_CAPS)
    if not isinstance(costed, CostedContribution):
        raise VoletError(f"A chip does not contribute on {day}: {costed}.")
    payload = chip.seal(terms.collectivity, Kind.AREA, costed.contribution)
    return ContributionItem(DeviceId(chip.entry.device), costed.contribution, payload)
