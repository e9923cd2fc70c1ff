"""Simulates an area's days from the meters to the released curves.

Everything in between is the product's code: transform and model derived from public homes, signed
documents, chips that clip, add noise and mask, the cloud's store, the trustees, and the release
worker's engine. Only the broker is left out.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq

from cloud.estimation.derive import derive, released_sigma
from cloud.estimation.model import ReleaseModel
from cloud.estimation.public import Curves, read_public
from cloud.estimation.resample import resample
from cloud.release.engine import ReleaseEngine
from cloud.store.area import AreaStore, FigureKey
from cloud.store.sqlite.store import SqliteStore
from protocol.area_cipher import month_number
from protocol.calendar import day_end, day_number
from protocol.errors import ConfigError, VoletError
from protocol.ids import DeviceId
from protocol.measures import CURVE_MIN
from protocol.privacy import gaussian_sigma, share_std
from protocol.release import CurveRelease, decode
from protocol.transform import Transform, from_clock
from volet.area.errors import Result, relative_rmse, total_error
from volet.area.fleet import AreaTerms, Fleet, Sealed, Sealing, SimulatedChip
from volet.area.town import CELL, COLLECTIVITY, DELTA, GAMMA, MEASURE, SimulatedTown, crowd_of
from volet.area.trustees import LocalTrustee

# A Monday: day 0 of the curves.
FIRST_DAY = date(2026, 1, 12)
_HOUR = timedelta(hours=1)

Progress = Callable[[str], object]


class SimulationPlan(msgspec.Struct, frozen=True):
    """The options of a simulation; see the command's help."""

    curves: Path
    public: Path
    households: int
    epsilon: float
    days: int
    seed: int
    workers: int


def simulate_area(plan: SimulationPlan, progress: Progress) -> Result:
    """Run a simulation.

    Raises:
        ConfigError: the files or the plan do not fit; the message says what would.
    """
    begun = time.monotonic()
    homes, public = _read(plan)
    progress(f"deriving constants from {len(public)} public homes")
    share = share_std(gaussian_sigma(plan.epsilon, DELTA), crowd_of(plan.households), GAMMA)
    sigma = released_sigma(share, plan.households)
    transform, model = derive(public, plan.households, sigma)
    with tempfile.TemporaryDirectory(prefix="volet-area-") as folder, Fleet(plan.workers) as fleet:
        store = SqliteStore.open(Path(folder))
        try:
            area = store.area
            run = _Run(plan, area, SimulatedTown(FIRST_DAY), fleet)
            run.prepare(transform, model, progress)
            errors = [
                run.release_day(number, homes[:, number], progress) for number in range(plan.days)
            ]
        finally:
            store.close()
    return _result(plan, np.array(errors), time.monotonic() - begun)


class _Run:
    """One area, whose days are released one after another."""

    def __init__(
        self, plan: SimulationPlan, store: AreaStore, town: SimulatedTown, fleet: Fleet
    ) -> None:
        self._plan = plan
        self._store = store
        self._town = town
        self._fleet = fleet
        self._chips: list[SimulatedChip] = []
        self._trustees: list[LocalTrustee] = []
        self._engine = ReleaseEngine(store, COLLECTIVITY, town.platform)

    def prepare(self, transform: Transform, model: ReleaseModel, progress: Progress) -> None:
        """Sign and store the documents, and give every chip's seeds to the trustees."""
        self._store.put_blob(model.to_bytes())
        data = msgspec.msgpack.encode(transform)
        measures, cosigned = self._town.make_measures(
            self._plan.households, self._plan.epsilon, transform.rows, self._store.put_blob(data)
        )
        for document in (self._town.signed_set, cosigned):
            self._store.put_cosigned(document)
        self._terms = AreaTerms.of(COLLECTIVITY, measures, cosigned.hash, data)
        entries = self._town.enrol(self._store, self._plan.households)
        self._trustees = self._start_trustees()
        progress(f"{len(entries)} chips draw seeds and seal them to the trustees")
        documents = (self._town.signed_set.hash, cosigned.hash)
        while self._carry():
            pass
        month = month_number(self._town.first_day)
        sealing_keys = tuple(trustee.sealing_key(month) for trustee in self._trustees)
        sealing = Sealing(self._town.trustees, month, sealing_keys, *documents)
        for sealed in self._fleet.draw_seeds(entries, sealing):
            self._hand_over(sealed)

    def _start_trustees(self) -> list[LocalTrustee]:
        """Start the trustees, and pass their greetings to the release worker."""
        town = self._town
        trustees = [
            LocalTrustee(member, town.signed_set, town.first_day) for member in town.members
        ]
        for trustee in trustees:
            for payload in trustee.greet():
                self._engine.take(trustee.name, payload)
        return trustees

    def _hand_over(self, sealed: Sealed) -> None:
        self._chips.append(sealed.chip)
        for trustee in self._trustees:
            trustee.take_key_shares(DeviceId(sealed.chip.entry.device), sealed.payload)

    def release_day(self, number: int, clock_wh: Curves, progress: Progress) -> tuple[float, ...]:
        """Run all contributions of a day, release it and compare it with the plain sum.

        clock_wh: float64[households, 96], by the clock. Returns the relative RMSE, the error of the
        total, and how often the band contained the truth.
        """
        day = FIRST_DAY + timedelta(days=number)
        energies = np.stack([from_clock(curve, day) for curve in clock_wh])
        at = day_end(day) + _HOUR
        done = 0
        for items in self._fleet.contribute(self._terms, self._chips, day, energies):
            self._store.put_contributions(items, at)
            done += len(items)
            if done % 1_024 == 0:
                progress(f"{day}: {done} of {len(self._chips)} chips have contributed")
        release = self._release(day)
        estimate, truth = np.array(release.quarter_hours), energies.sum(0)
        error = float(relative_rmse(estimate, truth))
        progress(f"{day}: released, {error:.2%} off")
        is_in_band = np.abs(estimate - truth) <= np.array(release.band_90)
        return error, float(total_error(estimate, truth)), float(is_in_band.mean())

    def _release(self, day: date) -> CurveRelease:
        at = day_end(day) + timedelta(hours=self._terms.measures.deadline_h)
        self._engine.step(at)
        while not self._engine.is_idle():
            is_answered = self._carry()
            self._engine.step(at)
            if not is_answered and not self._engine.is_idle():
                raise VoletError(f"The trustees do not answer for {day}.")
        key = FigureKey(self._terms.document, MEASURE, CELL, day_number(day))
        figure = self._store.figure(key)
        if figure is None or not figure.release:
            raise VoletError(f"{day} was not released: {figure.detail if figure else 'not due'}")
        self._store.expire_rows(at + _HOUR, self._plan.households)
        release = decode(figure.release)
        if not isinstance(release, CurveRelease):
            raise VoletError(f"{day} was released as another kind.")
        return release

    def _carry(self) -> bool:
        """Pass the engine's requests to the trustees; return whether any of them answered."""
        trustees = {trustee.name: trustee for trustee in self._trustees}
        is_answered = False
        for message in self._engine.requests(time.monotonic()):
            name = message.topic.split("/")[-2]
            if name in trustees:
                for payload in trustees[name].take(message.payload):
                    self._engine.take(name, payload)
                    is_answered = True
        return is_answered


def _read(plan: SimulationPlan) -> tuple[Curves, Curves]:
    """Read both files; return the curves, float64[households, days, 96], and the public homes'."""
    if plan.households < CURVE_MIN:
        raise ConfigError(
            f"A curve is released from {CURVE_MIN} households on, not of {plan.households}."
        )
    both = _names(plan.curves) & _names(plan.public)
    if both:
        raise ConfigError(
            f"{len(both)} households are in {plan.curves} and in {plan.public}, {min(both)} for "
            "one; the public constants must not be made of homes that take part."
        )
    rng = np.random.default_rng(plan.seed)
    curves = resample(read_public(plan.curves), plan.households, rng)
    if curves.shape[1] < plan.days:
        raise ConfigError(
            f"{plan.curves} has {curves.shape[1]} whole days, so --days can be no more."
        )
    return curves[:, : plan.days], read_public(plan.public)


def _names(path: Path) -> set[str]:
    try:
        column = pq.read_table(path, columns=["household"]).column("household")
    except (OSError, ValueError, KeyError) as exc:
        raise ConfigError(f"{path} is no Parquet file with a column household: {exc}.") from exc
    return {str(name) for name in column.unique().to_pylist()}


def _result(plan: SimulationPlan, errors: Curves, seconds: float) -> Result:
    rmse, total, in_band = errors.T
    return Result(
        median_relative_rmse=float(np.median(rmse)),
        p95_relative_rmse=float(np.quantile(rmse, 0.95)),
        daily_total_error_median=float(np.median(total)),
        daily_total_error_p95=float(np.quantile(total, 0.95)),
        epsilon=plan.epsilon,
        delta=DELTA,
        households=plan.households,
        seconds=round(seconds, 1),
        band_coverage=float(in_band.mean()),
        releases=len(errors),
    )
