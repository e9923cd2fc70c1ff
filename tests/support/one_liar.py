"""Four real trustees of whom one lies, and a figure's way from its closed set to its end.

The trustees' answers are those of the product's code on their databases. What one of them makes of
its answer is a `Lie`.
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import product

import msgspec
import numpy as np

from cloud.release.closing import basis_of, close
from cloud.release.opening import WITNESS_WAIT, advance, asked, is_well_formed
from cloud.store.area import ContributionItem, FigureKey, FigureStage
from cloud.store.sqlite.store import SqliteStore
from protocol.area_cipher import from_bytes, to_bytes
from protocol.area_messages import Contribution, Part
from protocol.calendar import day_end, day_of_number
from protocol.trustee_messages import Answer, Ask, sign_request
from tests.support.trustee_area import COLLECTIVITY, DAY, SHAPE, TrusteeArea, ask

# What a liar adds to its copy of one seed's sums: nothing, a little up or down, more than chips can
# contribute, or something to the check slot.
RIGHT, MORE, LESS, BEYOND, SLOT = range(5)
_ADDED = {MORE: (0, 1), LESS: (0, -1), BEYOND: (0, 2**50), SLOT: (-1, 1)}
EVERYWHERE = tuple(product((RIGHT, MORE, LESS, BEYOND, SLOT), repeat=3))


@dataclass(frozen=True)
class Lie:
    """What a trustee does with its answers; `sums` has one of the constants for each of its seeds.

    `checks`: the households, by place in the set, whose check masks it changes in the seeds
    `check_seeds` (by place). `unknown`: the households whose seeds it says it lacks.
    """

    sums: tuple[int, int, int] = (RIGHT, RIGHT, RIGHT)
    checks: tuple[int, ...] = ()
    check_seeds: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()
    is_silent: tuple[Ask, ...] = ()
    is_malformed: bool = False

    def of(self, answer: Answer, request) -> Answer | None:
        if request.ask in self.is_silent:
            return None
        if self.is_malformed and request.ask is Ask.SUM:
            return msgspec.structs.replace(answer, sums=answer.sums[1:])
        words = np.array([from_bytes(data) for _, data in answer.sums])
        changes = np.zeros(words.shape, np.int64)
        if request.ask is Ask.SUM:
            for change, added in zip(changes, self.sums, strict=True):
                if added is not RIGHT:
                    slot, by = _ADDED[added]
                    change[slot] = by
        else:
            changes[np.ix_(self.check_seeds, self.checks)] = 1
        words += changes.view(np.uint64)
        unknown = [request.entries[n] for n in self.unknown] if request.ask is Ask.CHECK else []
        named = zip((number for number, _ in answer.sums), map(to_bytes, words), strict=True)
        return Answer(answer.request, tuple(named), tuple(unknown))


class FourTrustees:
    """An area whose four trustees have answered for two figures: of all homes, and of all but one.

    The second one is needed since nobody answers for two sets of one figure.
    """

    def __init__(self, folder, *, added: int = 0) -> None:
        """Let the first home add `added` to its first slot, more than a chip may."""
        (folder / "cloud").mkdir()
        self.area = TrusteeArea(far=0)
        self.area.near[0].values[0] += added
        self.homes = len(self.area.near)
        self.store = SqliteStore.open(folder / "cloud")
        self.area_store = self.store.area
        for cosigned in (self.area.signed_set, self.area.signed_measures):
            self.area_store.put_cosigned(cosigned)
        self.area_store.append_roster(self.area.entries)
        self.at = day_end(day_of_number(DAY + 1)) + timedelta(days=9)
        self.trustees = [self.area.stored(folder / str(n), n) for n in range(4)]
        self._answers: dict[bytes, dict[int, Answer]] = {}
        self._plain = {}
        for day in (DAY, DAY + 1):
            self._contribute(day)

    def end(self) -> None:
        self.store.close()
        for trustee in self.trustees:
            trustee._log.close()

    def closed(self, day):
        """Return a figure's basis and its closed set."""
        key = FigureKey(self.area.signed_measures.hash, "classes", "75", day)
        basis = basis_of(self.area_store, key)
        figure = self.area_store.figure(key)
        return basis, figure or close(self.area_store, basis, self.area.roster, self.at)

    def step(self, day, figure, liar, lie, away=(), *, later=timedelta(0), is_complete=False):
        """Advance a figure by what the trustees answer that are there; None: it waits."""
        basis, _ = self.closed(day)
        request = asked(figure)
        answers = {
            number: answer for number, answer in self._of(request).items() if number not in away
        }
        if liar not in away:
            told = lie.of(answers.pop(liar), request)
            slots = basis.group.slots
            if told and is_well_formed(told, request, SHAPE, liar, slots):
                answers[liar] = told
        return advance(
            self.area_store,
            basis,
            self.area.roster,
            figure,
            answers,
            figure.at + later,
            is_complete=is_complete or len(answers) == SHAPE.trustees,
        )

    def run(self, liar, lie, away=(), *, later=timedelta(0)):
        """Take a figure as far as it goes; returns it, whether it waited, and the plain sum."""
        for day in (DAY, DAY + 1):
            _, figure = self.closed(day)
            has_waited = False
            while figure.stage in (FigureStage.FIXED, FigureStage.CHECKED):
                if figure.stage is FigureStage.CHECKED and len(asked(figure).entries) != (
                    self.homes if day == DAY else self.homes - 1
                ):
                    break  # this day's figure was answered for the other set
                step = self.step(day, figure, liar, lie, away)
                if step is None:
                    has_waited = True
                    step = self.step(day, figure, liar, lie, away, later=later) if later else None
                if step is None:
                    return figure, has_waited, None
                figure = step
            else:
                return figure, has_waited, self.plain(figure)
        raise AssertionError("a set that nobody was asked for")

    def plain(self, figure):
        """Return the true sum of a figure's set, int64[slots]."""
        entries = set(asked(figure).entries)
        return np.sum(
            [home.values[:-1] for home in self.area.near if home.entry in entries], axis=0
        )

    def _of(self, request):
        if request.id not in self._answers:
            signed = sign_request(request, COLLECTIVITY, self.area.platform_key)
            self._answers[request.id] = {
                number: ask(trustee, signed) for number, trustee in enumerate(self.trustees)
            }
        return self._answers[request.id]

    def _contribute(self, day):
        area = self.area
        items = []
        for home in area.near:
            masked = to_bytes(home.masked(area.signed_measures.hash, day))
            contribution = Contribution(
                household_key=home.key,
                day=day,
                measures=area.signed_measures.hash,
                generation=home.generation,
                entry=home.entry,
                nonce=home.nonce,
                parts=(Part("classes", "75", masked),),
            )
            payload = msgspec.msgpack.encode(contribution)
            items.append(ContributionItem(home.device, contribution, payload))
        self.area_store.put_contributions(items, self.at)


def opened(figure):
    """Return a figure's opened slots, int64[slots]."""
    return np.frombuffer(figure.opened, "<i8")


A_WEEK = WITNESS_WAIT
