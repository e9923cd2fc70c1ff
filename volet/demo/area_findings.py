"""Compares the commune's releases with the plain sum and with purely local noise.

Only the demo knows the plain sum: it generates the homes, so it can generate them again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import msgspec
import numpy as np

from cloud.audit.truth import SLOTS, Truth, write_truth
from cloud.estimation.filter import Filter, Observation
from cloud.estimation.model import ReleaseModel, read_model
from cloud.store.area import AreaStore
from edge.privacy.mechanism import curve_code, noised
from protocol.calendar import day_number, day_start, days_between, quarter_hours
from protocol.errors import DocumentRefused
from protocol.governance import read_cosigned
from protocol.measures import Group, Measure, MeasureKind, Measures
from protocol.privacy import share_std
from protocol.release import CurveRelease
from protocol.transform import Curve, Matrix, Transform, from_clock, read_transform
from volet.demo.commune import DemoCommune, DemoHome
from volet.demo.neighbours import curve_of
from volet.demo.picture import Day

_WH_PER_WS = 1 / 3600
# Each home adds all the noise itself, so that it need not trust anybody else.
_ALONE = 1


class Released(msgspec.Struct, frozen=True):
    """The output of `volet provider area --json` for curves."""

    releases: list[CurveRelease]


@dataclass(frozen=True)
class ReleasedDay:
    """A released day, its true sum, and the result of purely local noise.

    `profile_wh` is the public profile for as many homes, without any contribution.
    """

    picture: Day
    release: CurveRelease
    profile_wh: Curve

    @property
    def is_in_band(self) -> Curve:
        """bool[quarter-hours]: whether the band contains the plain sum."""
        day = self.picture
        return np.asarray(np.abs(day.released_wh - day.plain_wh) <= day.band_wh)


def energies_wh(commune: DemoCommune, home: DemoHome) -> list[Curve]:
    """Return a home's consumption, float64[92 | 96 | 100] for each day."""
    curve = curve_of(home.seed, commune.begin, commune.end)
    drawn_wh: Curve = curve.power_w.astype(np.float64) * (curve.step_s * _WH_PER_WS)
    days = []
    for day in days_between(commune.first, commune.end):
        start = (int(day_start(day).timestamp()) - curve.start_s) // curve.step_s
        days.append(drawn_wh[start : start + quarter_hours(day)])
    return days


def quiet_days(today: date, count: int) -> tuple[date, date]:
    """Return the last `count` days [first, end) before today without a change of time.

    Attackers are fitted on days of equal length.
    """
    end = today
    while True:
        days = days_between(end - timedelta(days=count), end)
        changes = [day for day in days if quarter_hours(day) != SLOTS]
        if not changes:
            return days[0], end
        end = changes[0]


def measure_all(
    store: AreaStore, commune: DemoCommune, releases: Mapping[str, Sequence[CurveRelease]]
) -> list[ReleasedDay]:
    """Compare every release, by the code of its group, with the plain sum and with local noise."""
    drawn = {home.seed: energies_wh(commune, home) for home in commune.places}
    measured = []
    for planned in commune.groups:
        homes = [drawn[home.seed] for home in commune.places if home.cell.startswith(planned.areas)]
        local = _Local.of(store, planned.code)
        for release in releases[planned.code]:
            day = date.fromisoformat(release.day)
            own = np.stack([energies[(day - commune.first).days] for energies in homes])
            filtered_wh, raw_wh = local.curves_wh(day, own)
            picture = Day(
                group=planned.code,
                day=day,
                plain_wh=own.sum(0),
                released_wh=np.array(release.quarter_hours),
                band_wh=np.array(release.band_90),
                local_wh=filtered_wh,
                local_raw_wh=raw_wh,
            )
            profile_wh = len(own) * from_clock(local.transform.profile(day), day)
            measured.append(ReleasedDay(picture, release, profile_wh))
    return measured


def save_truth(commune: DemoCommune, path: Path) -> None:
    """Write the homes' plain curves for the audit."""
    homes = sorted(commune.places, key=lambda home: home.device)
    days = days_between(commune.first, commune.end)
    curves = np.stack([np.stack(energies_wh(commune, home)) for home in homes])
    names = tuple(str(home.device) for home in homes)
    write_truth(path, Truth(names, tuple(day_number(day) for day in days), curves))


@dataclass
class _Local:
    """A group's days with `crowd = 1`, by the chip's own mechanism and the release's own filter."""

    measures: Measures
    measure: Measure
    group: Group
    transform: Transform
    kalman: Filter

    @classmethod
    def of(cls, store: AreaStore, code: str) -> "_Local":
        measures = read_cosigned(store.cosigned_documents(Measures.__name__)[-1], Measures)
        measure = next(listed for listed in measures.measures if listed.kind is MeasureKind.CURVE)
        group = msgspec.structs.replace(measure.group(code), crowd=_ALONE)
        transform, model = _constants(store, group)
        return cls(measures, measure, group, transform, Filter(model))

    def curves_wh(self, day: date, own_wh: Matrix) -> tuple[Curve, Curve]:
        """Return a day's curve, filtered and raw; call it for the days in their order.

        own_wh: float64[homes, quarter-hours].
        """
        total = np.zeros(self.group.slots)
        share = self.measures.share_of(self.measure, day_number(day))
        for energies in own_wh:
            code = curve_code(self.transform, day, energies)
            total += noised(code, self.measures, share, self.group)[:-1]
        std = share_std(self.measures.sigma_of(share), self.group.crowd, self.measures.gamma)
        observation = Observation(day, total / self.measures.grid, len(own_wh), std)
        estimate = self.kalman.step(observation)
        return from_clock(estimate.curve_wh, day), from_clock(estimate.raw_wh, day)


def _constants(store: AreaStore, group: Group) -> tuple[Transform, ReleaseModel]:
    data = store.blob(group.transform or b"")
    model = None if data is None else store.blob(read_transform(data).model)
    if data is None or model is None:
        raise DocumentRefused(f"The constants of {group.code} are not in the store.")
    return read_transform(data), read_model(model)
