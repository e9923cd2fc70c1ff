"""What the commune's releases are worth: beside the plain sum, and beside pure local noise.

The plain sum is the demo's alone to know: it makes the homes up, so it can make them up again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import msgspec
import numpy as np

from cloud.audit.truth import SLOTS, Truth, write_truth
from cloud.estimation.filter import Filter
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
# Each home adds all the noise itself, so that nobody else needs to be trusted.
_ALONE = 1


class Released(msgspec.Struct, frozen=True):
    """What `volet provider area --json` prints of curves."""

    releases: list[CurveRelease]


@dataclass(frozen=True)
class ReleasedDay:
    """One released day, what it should have been, and what pure local noise would have given.

    `profile_wh` is what the public profile says of so many homes before anybody has said anything.
    """

    picture: Day
    release: CurveRelease
    profile_wh: Curve

    @property
    def is_in_band(self) -> Curve:
        """bool[quarter-hours]: the band holds the plain sum."""
        day = self.picture
        return np.asarray(np.abs(day.released_wh - day.plain_wh) <= day.band_wh)


def energies_wh(commune: DemoCommune, place: DemoHome) -> list[Curve]:
    """Return what a home drew, float64[92 | 96 | 100] for each day."""
    curve = curve_of(place.seed, commune.begin, commune.end)
    drawn_wh: Curve = curve.power_w.astype(np.float64) * (curve.step_s * _WH_PER_WS)
    found = []
    for day in days_between(commune.first, commune.end):
        start = (int(day_start(day).timestamp()) - curve.start_s) // curve.step_s
        found.append(drawn_wh[start : start + quarter_hours(day)])
    return found


def quiet_days(today: date, count: int) -> tuple[date, date]:
    """Return the last `count` days [first, end) before today between two changes of time.

    Attackers are fitted on days of one length.
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
    """Hold every release, by code of its group, against the plain sum and against local noise."""
    drawn = {place.seed: energies_wh(commune, place) for place in commune.places}
    found = []
    for planned in commune.groups:
        homes = [drawn[each.seed] for each in commune.places if each.cell.startswith(planned.areas)]
        local = _Local.of(store, planned.code)
        for release in releases[planned.code]:
            day = date.fromisoformat(release.day)
            own = np.stack([each[(day - commune.first).days] for each in homes])
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
            found.append(ReleasedDay(picture, release, profile_wh))
    return found


def save_truth(commune: DemoCommune, path: Path) -> None:
    """Write the homes' plain curves for the audit."""
    places = sorted(commune.places, key=lambda each: each.device)
    days = days_between(commune.first, commune.end)
    curves = np.stack([np.stack(energies_wh(commune, place)) for place in places])
    names = tuple(str(place.device) for place in places)
    write_truth(path, Truth(names, tuple(day_number(day) for day in days), curves))


@dataclass
class _Local:
    """A group's days with `crowd = 1`: the chip's own mechanism, the release's own filter."""

    measures: Measures
    measure: Measure
    group: Group
    transform: Transform
    kalman: Filter

    @classmethod
    def of(cls, store: AreaStore, code: str) -> "_Local":
        measures = read_cosigned(store.cosigned_documents(Measures.__name__)[-1], Measures)
        measure = next(each for each in measures.measures if each.kind is MeasureKind.CURVE)
        group = msgspec.structs.replace(measure.group(code), crowd=_ALONE)
        transform, model = _constants(store, group)
        share = share_std(measures.measure_sigma(measure), group.crowd, measures.gamma)
        return cls(measures, measure, group, transform, Filter(model, share))

    def curves_wh(self, day: date, own_wh: Matrix) -> tuple[Curve, Curve]:
        """Return what comes of a day, filtered and raw; days in their order.

        own_wh: float64[homes, quarter-hours].
        """
        total = np.zeros(self.group.slots)
        for energies in own_wh:
            code = curve_code(self.transform, day, energies)
            total += noised(code, self.measures, self.measure, self.group)[:-1]
        estimate = self.kalman.step(day, total / self.measures.grid, len(own_wh))
        return from_clock(estimate.curve_wh, day), from_clock(estimate.raw_wh, day)


def _constants(store: AreaStore, group: Group) -> tuple[Transform, ReleaseModel]:
    data = store.blob(group.transform or b"")
    model = None if data is None else store.blob(read_transform(data).model)
    if data is None or model is None:
        raise DocumentRefused(f"The constants of {group.code} are not in the store.")
    return read_transform(data), read_model(model)
