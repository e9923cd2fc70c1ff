"""Plays the commune's days: homes contribute, a trustee stops, and figures wait for it."""

import contextlib
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from cloud.audit.attacks import AttackResult
from cloud.store.sqlite.store import SqliteStore
from protocol.calendar import days_between
from protocol.errors import VoletError
from protocol.release import CurveRelease
from trustee.commands.status import TrusteeStatus, read_status
from volet.demo.area_findings import Released, save_truth
from volet.demo.commune import RELEASE, TRUSTEES, DemoCommune, DemoHome
from volet.demo.processes import CAPTURE, PATIENCE_S, Programs

POLL_S = 1.0
_WITNESS_PATIENCE_S = 15.0
_CAPTURE = "traffic.jsonl"
_TRUTH = "truth.parquet"


@dataclass(frozen=True)
class Verified:
    """The output of `volet cloud release verify --json`."""

    releases: int
    differ: tuple[str, ...]


class AreaPlay:
    """One commune, its processes and the results of its days."""

    def __init__(self, commune: DemoCommune, programs: Programs, store: SqliteStore) -> None:
        """Play `commune` with `programs`, of which broker and worker run; only read the `store`."""
        self._commune = commune
        self._programs = programs
        self._store = store

    def teach(self) -> None:
        """Start the trustees and wait until the release worker has sent them documents and roster."""
        for directory in self._commune.trustees:
            self._programs.start_trustee(directory)
        self._programs.start_release()
        count = len(self._commune.places)

        def known() -> list[tuple[int, int]]:
            statuses = [read_status(directory) for directory in self._commune.trustees]
            return [(status.documents, status.roster) for status in statuses]

        self._programs.wait(
            lambda: all(counts == (2, count) for counts in known()),
            "the trustees to know the documents",
            known,
        )
        # The days to be played are in the past, and so are their deadlines. The service would close
        # each at its first contribution. `release_until` is called when all homes have contributed.
        self._programs.stop(RELEASE)

    def capture(self) -> None:
        """Start to record what an operator of the broker may see."""
        self._programs.start_capture(self._commune.directory / _CAPTURE)

    def contribute(
        self,
        start: date,
        end: date,
        on_stored: Callable[[int], object] = lambda count: count,
        places: Sequence[DemoHome] | None = None,
    ) -> None:
        """Play the days [start, end) of homes (None: of all) until the cloud has answered all.

        `on_stored` is called with the number of household-days stored.
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
        """Close the days before `end`, have them opened, and publish them.

        Raises:
            VoletError: too few trustees have answered, and there was no progress for `wait_s`.
        """
        self._programs.finish(
            f"{RELEASE}-once",
            *("cloud", "release", "once", "--dir", str(self._commune.cloud)),
            *("--until", str(end), "--wait", str(wait_s)),
        )

    def wait_for_witness(self, end: date) -> int:
        """Release with a trustee away; return how many figures then wait for another answer."""
        with contextlib.suppress(VoletError):  # it ends so when nothing moves any more
            self.release_until(end, _WITNESS_PATIENCE_S)
        return len(self._store.area.unfinished())

    def start_trustee(self, index: int) -> None:
        """Start the trustee with this index in TRUSTEES again."""
        self._programs.start_trustee(self._commune.trustees[index])

    def lose_trustee(self, index: int, number: signal.Signals = signal.SIGTERM) -> str:
        """End the trustee with this index in TRUSTEES; return its name."""
        self._programs.stop(TRUSTEES[index], number)
        return TRUSTEES[index]

    def statuses(self) -> list[TrusteeStatus]:
        """Return the status of each trustee."""
        return [read_status(directory) for directory in self._commune.trustees]

    def releases(self, code: str) -> list[CurveRelease]:
        """Read the releases as a provider does."""
        commune = self._commune
        printed = self._programs.finish(
            "provider-area",
            *("provider", "area", code, "--cloud", str(commune.cloud), "--json"),
            *("--from", str(commune.first), "--to", str(commune.end)),
        )
        return msgspec.json.decode(printed, type=Released).releases

    def verify(self) -> Verified:
        """Have every release recomputed."""
        arguments = ("cloud", "release", "verify", "--dir", str(self._commune.cloud), "--json")
        return msgspec.json.decode(self._programs.finish("verify", *arguments), type=Verified)

    def audit(self) -> list[AttackResult]:
        """End the capture, and attack its messages and the store."""
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
        """The number of captured messages."""
        with (self._commune.directory / _CAPTURE).open("rb") as file:
            return sum(1 for _ in file)
