"""Area figures that a provider may read: those of everybody, and those of its own customers."""

import math
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from cloud.api.problems import ProblemError, not_found
from cloud.release.composing import CLASSES_NAMES
from cloud.release.reading import Period, releases_of
from cloud.store.area import AreaStore
from protocol import provider_api as shapes
from protocol.governance import read_cosigned
from protocol.measures import PRICE_CLASSES, Measures
from protocol.price_classes import EDGES
from protocol.release import TableRelease, TableSum

DAYS_MAX = 366
_BOUNDS = tuple(pairwise((None, *EDGES, None)))
_COST, _INJECTED = PRICE_CLASSES, PRICE_CLASSES + 1
_PER_KWH = 1_000.0
_CENTS = 100.0
_DIGITS = 3


class AreaService:
    """Released figures for one provider, given by its name in the roster."""

    def __init__(self, store: AreaStore, provider: str) -> None:
        """Read from `store`."""
        self._store = store
        self._provider = provider

    def measures(self) -> shapes.Measures:
        """List the figures that the provider may read."""
        return shapes.Measures(tuple(shapes.Measured(*pair) for pair in sorted(set(self._codes()))))

    def figures(self, measure: str, code: str, start: date, end: date) -> shapes.Figures:
        """Return what was released over the days [start, end).

        Raises:
            ProblemError: there is no such figure for this provider, or too many days.
        """
        if not 0 < (end - start).days <= DAYS_MAX:
            raise ProblemError(
                400, f"Ask for 1 to {DAYS_MAX} days; `to` is the day after the last."
            )
        if (measure, code) not in set(self._codes()):
            raise not_found("figure")
        return shapes.Figures(tuple(releases_of(self._store, measure, code, Period(start, end))))

    def turnover(self, measure: str, code: str, start: date, end: date) -> shapes.Turnover:
        """Sum energy by price class and turnover over the days [start, end).

        Raises:
            ProblemError: there is no such figure, or it is of another kind.
        """
        tables = [
            release
            for release in self.figures(measure, code, start, end).releases
            if isinstance(release, TableRelease | TableSum)
        ]
        names = [name for name, _ in CLASSES_NAMES]
        if any([value.name for value in table.values] != names for table in tables):
            raise ProblemError(400, "This measure has no price classes; the list says which have.")
        sums = [math.fsum(table.values[at].value for table in tables) for at in range(len(names))]
        errors = [
            math.hypot(*(table.values[at].standard_error for table in tables))
            for at in range(len(names))
        ]
        terms = [table.terms if isinstance(table, TableRelease) else table for table in tables]
        return shapes.Turnover(
            code,
            start,
            end,
            len(tables),
            _mean([term.households for term in terms]),
            _mean([term.coverage for term in terms]),
            tuple(
                shapes.PriceClass(
                    names[at],
                    *_BOUNDS[at],
                    round(sums[at] / _PER_KWH, _DIGITS),
                    round(errors[at] / _PER_KWH, _DIGITS),
                    "kWh",
                )
                for at in range(PRICE_CLASSES)
            ),
            round(sums[_COST] / _CENTS, _DIGITS),
            round(errors[_COST] / _CENTS, _DIGITS),
            round(sums[_INJECTED] / _PER_KWH, _DIGITS),
            round(errors[_INJECTED] / _PER_KWH, _DIGITS),
        )

    def _codes(self) -> Iterator[tuple[str, str]]:
        for cosigned in self._store.cosigned_documents(Measures.__name__):
            document = read_cosigned(cosigned, Measures)
            own = {
                (measure.name, group.code)
                for measure in document.measures
                for group in measure.groups
                if group.provider in ("", self._provider)
            }
            yield from own
            for parent in document.parents:
                if all((parent.measure, child) in own for child in parent.children):
                    yield parent.measure, parent.code


def _mean(values: list[int] | list[float]) -> float:
    return round(math.fsum(values) / len(values), _DIGITS) if values else 0.0
