"""The commune's days: homes contribute, a trustee goes away, figures are released all the same."""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from cloud.audit.attacks import AttackResult
from cloud.store.sqlite.store import SqliteStore
from protocol.calendar import days_between
from protocol.release import CurveRelease
from trustee.commands.status import TrusteeStatus, read_status
from volet.demo.area_findings import Released, save_truth
from volet.demo.commune import RELEASE, TRUSTEES, DemoCommune, DemoHome
from volet.demo.processes import CAPTURE, PATIENCE_S, Programs

POLL_S = 1.0
_CAPTURE = "traffic.jsonl"
_TRUTH = "truth.parquet"


@dataclass(frozen=True)
class Verified:
    """What `volet cloud release verify --json` found."""

    releases: int
    differ: tuple[str, ...]


class AreaPlay:
    """One commune, its processes, and what came of its days."""

    def __init__(self, commune: DemoCommune, programs: Programs, store: SqliteStore) -> None:
        """Play `commune` by `programs`; broker and worker run. `store` is the cloud's, to read."""
        self._commune = commune
        self._programs = programs
        self._store = store

    def teach(self) -> None:
        """Start the trustees, and let the release worker give them documents and roster."""
        for directory in self._commune.trustees:
            self._programs.start_trustee(directory)
        self._programs.start_release()
        count = len(self._commune.places)

        def known() -> list[tuple[int, int]]:
            found = [read_status(each) for each in self._commune.trustees]
            return [(each.documents, each.roster) for each in found]

        self._programs.wait(
            lambda: all(each == (2, count) for each in known()),
            "the trustees to know the documents",
            known,
        )
        # The days to come lie in the past, and so do their deadlines: the service would close each
        # with the first home's word. `release_until` is called when all have spoken.
        self._programs.stop(RELEASE)

    def capture(self) -> None:
        """Record from now on what an operator of the broker may see."""
        self._programs.start_capture(self._commune.directory / _CAPTURE)

    def contribute(
        self,
        start: date,
        end: date,
        on_stored: Callable[[int], object] = lambda count: count,
        places: Sequence[DemoHome] | None = None,
    ) -> None:
        """Let homes (None: all) play the days [start, end), until the cloud has answered all.

        `on_stored` is told how many household-days there are.
        """
        homes = self._commune.places if places is None else places
        names = self._programs.start_neighbours(
            [home.directory for home in homes], self._commune.begin, start, end
        )

        def stored() -> object:
            figures = self._store.figures()
            on_stored(figures.contributions)
            return figures

        def is_all() -> bool:
            return all(map(self._programs.has_ended, names))

        self._programs.wait(is_all, "all days to be stored", stored, POLL_S)
        stored()

    @property
    def middle(self) -> date:
        """The first day of the second half."""
        days = days_between(self._commune.first, self._commune.end)
        return days[len(days) // 2]

    def release_until(self, end: date, wait_s: float = PATIENCE_S) -> None:
        """Close the days before `end`, have them opened, publish.

        Raises:
            VoletError: too few trustees have answered, and nothing has moved for `wait_s`.
        """
        self._programs.finish(
            f"{RELEASE}-once",
            *("cloud", "release", "once", "--dir", str(self._commune.cloud)),
            *("--until", str(end), "--wait", str(wait_s)),
        )

    def lose_trustee(self, place: int, number: signal.Signals = signal.SIGTERM) -> str:
        """End the trustee of this place in their order; returns its name."""
        self._programs.stop(TRUSTEES[place], number)
        return TRUSTEES[place]

    def statuses(self) -> list[TrusteeStatus]:
        """Return how each trustee stands, in counts."""
        return [read_status(each) for each in self._commune.trustees]

    def releases(self, code: str) -> list[CurveRelease]:
        """Read what was released, as a provider does."""
        commune = self._commune
        printed = self._programs.finish(
            "provider-area",
            *("provider", "area", code, "--cloud", str(commune.cloud), "--json"),
            *("--from", str(commune.first), "--to", str(commune.end)),
        )
        return msgspec.json.decode(printed, type=Released).releases

    def verify(self) -> Verified:
        """Have every release worked out again."""
        arguments = ("cloud", "release", "verify", "--dir", str(self._commune.cloud), "--json")
        return msgspec.json.decode(self._programs.finish("verify", *arguments), type=Verified)

    def audit(self) -> list[AttackResult]:
        """End the capture, and attack what is in it and what is stored."""
        self._programs.stop(CAPTURE)
        commune = self._commune
        truth = commune.directory / _TRUTH
        save_truth(commune, truth)
        printed = self._programs.finish(
            "audit",
            *("cloud", "audit", "--truth", str(truth), "--store", str(commune.cloud)),
            *("--capture", str(commune.directory / _CAPTURE), "--json"),
            may_refuse=True,
        )
        return [msgspec.json.decode(line, type=AttackResult) for line in printed.splitlines()]

    @property
    def captured(self) -> int:
        """How many messages were captured."""
        with (self._commune.directory / _CAPTURE).open("rb") as file:
            return sum(1 for _ in file)
