"""What released figures reveal about one household to an attacker who knows its habits.

The figure is the same for every household in it. What differs is the attacker's prior knowledge:
each household's curves of the first week. The day's figure, less its median over days (so that the
profile alone scores nothing), is projected on that profile; this is the household's score. Days of
the first week are not scored. Weeks cannot be linked here, since a figure is not bound to a
household.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from cloud.audit.statistics import Floats
from cloud.audit.truth import SLOTS, Truth
from cloud.audit.views import View
from cloud.release.reading import codes
from cloud.store.area import AreaStore, FigureStage
from protocol.calendar import day_of_number
from protocol.release import CurveRelease, decode
from protocol.transform import to_clock

KNOWN_DAYS = 7
_DAYS_MIN = KNOWN_DAYS + 7


def released_curves(store: AreaStore, days: Iterable[int]) -> dict[tuple[str, int], Floats]:
    """Return the released curves, float64[96] on the clock's day, by code and day (a number)."""
    ordered_days = sorted(days)
    released: dict[tuple[str, int], Floats] = {}
    if not ordered_days:
        return released
    for measure, code in codes(store):
        figures = store.figures(
            measure, code, ordered_days[0], ordered_days[-1] + 1, FigureStage.RELEASED
        )
        for figure in figures:
            release = decode(figure.release)
            if isinstance(release, CurveRelease):
                day = day_of_number(figure.key.day)
                curve = np.array(release.quarter_hours)
                released[code, figure.key.day] = to_clock(curve, day, absent=np.zeros(SLOTS))
    return released


def of_releases(
    curves: Mapping[tuple[str, int], Floats], truth: Truth
) -> tuple[View, Truth] | None:
    """Return the attacker's data and the scored days; None if there are too few releases."""
    columns = [day for day in truth.days if any(day == other for _, other in curves)]
    if len(columns) < _DAYS_MIN:
        return None
    names = sorted({code for code, _ in curves})
    figures = np.zeros((len(names), len(columns), SLOTS))
    for row, code in enumerate(names):
        for column, day in enumerate(columns):
            figures[row, column] = curves.get((code, day), np.zeros(SLOTS))
    figures -= np.median(figures, axis=1, keepdims=True)
    places = [truth.days.index(day) for day in columns]
    energies = truth.energies_wh[:, places]
    profile = np.nan_to_num(np.nanmean(energies[:, :KNOWN_DAYS], axis=1))
    changes = np.abs(np.diff(profile, axis=1, prepend=profile[:, :1]))
    later = figures[:, KNOWN_DAYS:]
    projected = np.einsum("cdj,hj->hdc", later, profile)
    steps = np.diff(later, axis=2, prepend=later[:, :, :1])
    signals = {name: profile[:, None] * later[row][None] for row, name in enumerate(names)} | {
        f"changes of {name}": changes[:, None] * steps[row][None] for row, name in enumerate(names)
    }
    cells = np.zeros(len(truth.households), np.int64)
    view = View(
        "released figures",
        False,
        {"figures on the profile": projected},
        signals,
        {},
        cells,
        is_on_habits=True,
    )
    scored = Truth(truth.households, tuple(columns[KNOWN_DAYS:]), energies[:, KNOWN_DAYS:])
    return view, scored
