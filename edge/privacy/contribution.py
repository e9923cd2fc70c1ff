"""Makes one household-day's contribution: a masked message and its privacy cost.

Every call draws new noise, so the caller calls once for a day and commits message and cost
together. Independent of vault and meter, so that a simulated fleet can use it as well.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import msgspec
import numpy as np

from edge.privacy.ledger import Caps, Ledger, Limit, Spend
from edge.privacy.mechanism import curve_code, noised, weighted_code
from edge.privacy.noise import Sampler, draw_noise
from protocol.area_cipher import (
    NONCE_BYTES,
    MaskContext,
    mask_values,
    month_number,
    ratchet,
    to_bytes,
)
from protocol.area_messages import PARTS_MAX, Contribution, Part
from protocol.calendar import day_number
from protocol.measures import PRICE_CLASSES, PROFILE_SLOTS, Group, Measure, MeasureKind, Measures
from protocol.roster import RosterEntry
from protocol.socio import Profile, profile_values
from protocol.transform import Curve, Transform

NONE_PRICED: tuple[int, ...] = (0,) * PRICE_CLASSES


class DayValues(msgspec.Struct, frozen=True):
    """A completely metered day: nothing in it is estimated or missing.

    Attributes:
        day: the legal day.
        energies_wh: energy of the 92, 96 or 100 quarter-hours.
        injected_wh: energy injected.
        priced_wh: energy in each of the 16 price classes; zeros without a contract.
        cost_cents: the day's cost with VAT; zero without a contract.
        profile: who lives here; None if undisclosed, and then zeros count.
    """

    day: date
    energies_wh: Sequence[int]
    injected_wh: int = 0
    priced_wh: Sequence[int] = NONE_PRICED
    cost_cents: int = 0
    profile: Profile | None = None


class Seeds(msgspec.Struct, frozen=True):
    """The household's seeds under one set of trustees, in the order of the seed sets.

    They are those of `month` (the number of its first day). Those of later months follow from them,
    those of months before do not.
    """

    generation: int
    trustees: bytes
    seeds: tuple[bytes, ...]
    month: int

    def later(self, month: int) -> "Seeds":
        """Return the seeds of a later month, or these if `month` is not later."""
        if month <= self.month:
            return self
        seeds = tuple(ratchet(seed, self.month, month) for seed in self.seeds)
        return msgspec.structs.replace(self, seeds=seeds, month=month)


class ContributionInputs(msgspec.Struct, frozen=True):
    """The verified documents and keys for a contribution.

    Attributes:
        measures: the document in force on the day.
        document: the hash of `measures`.
        transforms: transforms of curves, by hash.
        entry: the household's roster entry.
        seeds: the seeds for the document's set of trustees, of the day's month or one before.
    """

    measures: Measures
    document: bytes
    transforms: Mapping[bytes, Transform]
    entry: RosterEntry
    seeds: Seeds


class CostedContribution(msgspec.Struct, frozen=True):
    """A contribution and its privacy cost."""

    contribution: Contribution
    spends: tuple[Spend, ...]


def contribute(
    values: DayValues,
    inputs: ContributionInputs,
    ledger: Ledger,
    caps: Caps,
    *,
    sampler: Sampler = draw_noise,
    draw_nonce: Callable[[int], bytes] = secrets.token_bytes,
) -> CostedContribution | Limit | None:
    """Make a day's contribution; None if the day or the household takes part in no measure.

    Returns a `Limit` if a cap forbids the day; then no noise was drawn. If only the profile's cap
    forbids it, the contribution is made without the profile.
    """
    counted = _parts(values, inputs)
    verdict = ledger.refusal(_spends(values, inputs, counted), caps)
    if verdict is Limit.PROFILE:
        counted = [part for part in counted if part[0].kind is not MeasureKind.PROFILE]
        verdict = ledger.refusal(_spends(values, inputs, counted), caps)
    if verdict is not None:
        return verdict
    if not counted:
        return None
    day, key = day_number(values.day), inputs.entry.household_key
    seeds = inputs.seeds.later(month_number(day)).seeds
    nonce = draw_nonce(NONCE_BYTES)
    parts = []
    for measure, group, code in counted:
        share = inputs.measures.share_of(measure, day)
        plain = noised(code, inputs.measures, share, group, sampler)
        context = MaskContext(inputs.document, measure.name, group.code, len(plain), day)
        words = mask_values(plain, seeds, key, context, nonce)
        parts.append(Part(measure.name, group.code, to_bytes(words)))
    contribution = Contribution(
        household_key=key,
        day=day,
        measures=inputs.document,
        generation=inputs.seeds.generation,
        entry=inputs.entry.number,
        nonce=nonce,
        parts=tuple(parts),
    )
    return CostedContribution(contribution, _spends(values, inputs, counted))


def code_of(measure: Measure, values: DayValues, transform: Transform | None) -> Curve | None:
    """Return a measure's code of the day, float64[slots] in clip radii; None if it has none."""
    energies = np.array(values.energies_wh, np.float64)
    if measure.kind is MeasureKind.CURVE:
        return None if transform is None else curve_code(transform, values.day, energies)
    if measure.kind is MeasureKind.CLASSES:
        slots = [*values.priced_wh, values.cost_cents, values.injected_wh]
        return weighted_code(measure, np.array(slots, np.float64))
    if values.profile is None:  # the part is there all the same: who disclosed one is not seen
        return weighted_code(measure, np.zeros(PROFILE_SLOTS))
    return weighted_code(measure, profile_values(values.profile, float(energies.sum())))


def _parts(values: DayValues, inputs: ContributionInputs) -> list[tuple[Measure, Group, Curve]]:
    measures, entry, day = inputs.measures, inputs.entry, day_number(values.day)
    if not measures.is_counted(day) or entry.cell is None or entry.start > day:
        return []
    parts = []
    for measure in measures.measures:
        if not measures.share_of(measure, day):
            continue
        group = measure.group_of(entry.cell, entry.provider)
        if group is None:
            continue
        transform = None if group.transform is None else inputs.transforms.get(group.transform)
        code = code_of(measure, values, transform)
        if code is not None:
            parts.append((measure, group, code))
    return parts[:PARTS_MAX]


def _spends(
    values: DayValues, inputs: ContributionInputs, parts: Sequence[tuple[Measure, Group, Curve]]
) -> tuple[Spend, ...]:
    day = day_number(values.day)
    return tuple(
        Spend(
            day,
            measure.name,
            inputs.measures.rho_of(inputs.measures.share_of(measure, day)),
            measure.kind is MeasureKind.PROFILE,
        )
        for measure, _, _ in parts
    )
