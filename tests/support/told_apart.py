"""What the collectivity's strategies open on real trustees, and how well that tells one home apart.

A strategy shows chips and trustees documents and rosters, asks each trustee for sets in an order of
its own, withholds letters and the trustees' words, and has helpers. The trustees are the product's,
but those that lie.
What opens is checked on the real contributions, which the chip's own mechanism made. Whether it
tells a home apart is then tried on many draws of the same mechanism.
"""

from dataclasses import dataclass
from functools import lru_cache

import msgspec
import numpy as np

from edge.privacy.mechanism import noised
from protocol.area_cipher import (
    MaskContext,
    add_up,
    from_bytes,
    mask,
    mask_key,
    month_number,
    ratchet,
    unmask,
)
from protocol.governance import draw_up
from protocol.measures import CLASSES_SLOTS, Group, Measure, MeasureKind, Shares, check_measures
from protocol.privacy import epsilon_at, gaussian_sigma
from protocol.trustee_messages import Answer
from tests.support.distinguishing import worst_excess
from tests.support.trustee_area import (
    DAY,
    SLOTS,
    TrusteeArea,
    ask,
    greet,
    log_line,
    share_answers,
)

EPSILON, DELTA = 2.0, 1e-6
SIGMA = gaussian_sigma(EPSILON, DELTA)
HOMES = 8
# (crowd, threshold): how many homes share the noise, and how many are opened at least.
TERMS = ((8, 8), (4, 4), (2, 2))
DRAWS = 4_000


@dataclass(frozen=True)
class Strategy:
    """What the collectivity does with a set of 3 of 4 trustees.

    Attributes:
        liars: trustees who hand over their seeds, and sign to each other one what helps.
        givers: trustees who hand over their seeds and keep the rules otherwise.
        trustees: the document (a number of TERMS) that each trustee is shown that does not lie.
        chips: the document that each home's chip is shown.
        other_roster: homes whose chips are shown another roster.
        sets: two sets of homes that it may ask for.
        orders: which of the sets each of these trustees is asked for, in order.
        asked: the document that requests name.
        later_days: how many days after the contributions the asked day lies.
        withheld: letters, as (trustee, home), that do not arrive.
        heard: which words pass, as (from, to), of trustees that do not lie.
        is_late: whether they pass only after all have been asked.
    """

    liars: tuple[int, ...]
    givers: tuple[int, ...]
    trustees: tuple[int, ...]
    chips: tuple[int, ...]
    other_roster: frozenset[int]
    sets: tuple[frozenset[int], ...]
    orders: tuple[tuple[int, ...], ...]
    asked: int
    later_days: int
    withheld: frozenset[tuple[int, int]]
    heard: frozenset[tuple[int, int]]
    is_late: bool

    @property
    def keepers(self) -> list[int]:
        """The trustees that do not lie."""
        return [number for number in range(4) if number not in self.liars]


def terms_of(area: TrusteeArea, crowd: int, threshold: int):
    """Return a measures document and its only group."""
    group = Group("75", ("75",), 300, crowd, threshold, CLASSES_SLOTS)
    weights = (1.0,) * CLASSES_SLOTS
    measure = Measure("classes", MeasureKind.CLASSES, Shares(1.0, 1.0), (group,), weights)
    document = area.measures_of(measures=(measure,), epsilon=EPSILON, delta=DELTA)
    check_measures(document)
    return document, group


class Play:
    """One strategy on real trustees."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy, self.area = strategy, TrusteeArea(homes=HOMES, far=0)
        self.terms = [terms_of(self.area, *each) for each in TERMS]
        self.shown = [self.area.signed(draw_up(document)) for document, _ in self.terms]
        self.asked = self.shown[strategy.asked]
        for home, document in zip(self.area.near, strategy.chips, strict=True):
            measures, group = self.terms[document]
            home.values = noised(np.zeros(CLASSES_SLOTS), measures, 1.0, group)
        self.trustees = {
            number: self._trustee(number, document)
            for number, document in zip(strategy.keepers, strategy.trustees, strict=True)
        }
        self.logged = {number: [] for number in self.trustees}
        greet(list(self.trustees.values()))

    def opened(self) -> list[frozenset[int]]:
        """Return the sets of homes whose sums the collectivity has at the end."""
        strategy, area = self.strategy, self.area
        requests = [
            area.request(
                [area.near[n] for n in sorted(each)],
                measures=self.asked.hash,
                day=DAY + strategy.later_days,
            )
            for each in strategy.sets
        ]
        asked = list(zip(strategy.keepers, strategy.orders, strict=True))
        for number, order in asked:
            for which in order:
                self._ask(number, requests[which])
        for number in strategy.keepers:
            self._pass_words(number)
        masks = [self._helped(each) for each in strategy.sets]
        for number, order in asked:
            for which in order:
                answer = ask(self.trustees[number], requests[which])
                if isinstance(answer, Answer):
                    masks[which] |= {n: from_bytes(words) for n, words in answer.sums}
        return [
            each
            for each, known in zip(strategy.sets, masks, strict=True)
            if self._opens(each, known)
        ]

    def _ask(self, number, request):
        trustee, area = self.trustees[number], self.area
        ask(trustee, request)
        if not self.strategy.is_late:
            self._pass_words(number)
        if trustee._log.entry_about(trustee.identity.name, request.request.id):
            self.logged[number].append(request)
        for liar in (area.identities[n] for n in self.strategy.liars):
            trustee.take_peer(liar.name, log_line(liar, *self.logged[number]))

    def _pass_words(self, number):
        hearing = [self.trustees[to] for by, to in self.strategy.heard if by == number]
        share_answers(self.trustees[number], hearing)

    def _trustee(self, number, document):
        area, strategy = self.area, self.strategy
        area.signed_measures = self.shown[document]
        trustee = area.trustee(number, is_alone=False, teaches=False)
        area.teach(trustee)
        for place, home in enumerate(area.near):
            heads = msgspec.structs.replace(
                area.heads(home), measures=self.shown[strategy.chips[place]].hash
            )
            if place in strategy.other_roster:
                heads = msgspec.structs.replace(heads, roster_head=bytes(32))
            if (number, place) not in strategy.withheld:
                trustee.take_key_shares(home.topic, area.letters(home, seen=heads))
        return trustee

    def _helped(self, homes):
        """Return the masks' sums that the helpers' seeds give, by number of the seed set."""
        day = DAY + self.strategy.later_days
        context = MaskContext(self.asked.hash, "classes", "75", SLOTS, day)
        found = {}
        helpers = (*self.strategy.liars, *self.strategy.givers)
        for number in {n for each in helpers for n in self.area.shape.sets_of(each)}:
            rows = []
            for home in (self.area.near[n] for n in sorted(homes)):
                seed = ratchet(home.seeds[number], home.month, month_number(day))
                rows.append(mask(mask_key(seed, home.key, day), context, home.nonce))
            found[number] = add_up(np.array(rows))
        return found

    def _opens(self, homes, masks) -> bool:
        """Say whether the real sum opens; then it is what the homes' mechanisms gave."""
        if len(masks) < len(self.area.shape.seed_sets):
            return False
        chosen = [(self.area.near[n], self.strategy.chips[n]) for n in sorted(homes)]
        total = add_up(np.array([home.masked(self.shown[seen].hash) for home, seen in chosen]))
        opened = unmask(total, masks.values())
        if opened[-1] != len(chosen):
            return False
        assert (opened == sum(home.values for home, _ in chosen)).all()
        return True


def told_by(strategy: Strategy) -> set[tuple[int, ...]]:
    """Return what a strategy gives to tell homes apart by: sums, and the difference of two.

    Each is given by the crowds that the noise of its homes was cut for, in order.
    """
    opened = Play(strategy).opened()
    if len(opened) == len(strategy.sets):
        opened.append(frozenset.symmetric_difference(*opened))
    return {tuple(sorted(TERMS[strategy.chips[n]][0] for n in each)) for each in opened if each}


def excess(strategy: Strategy) -> float:
    """Return by how much what is proven exceeds the claim; at most 0 if the claim holds.

    It is tried whether a home takes part, and which of two days of it was counted.
    """
    return max((_excess(each, far) for each in told_by(strategy) for far in (1.0, 2.0)), default=-1)


def proven_epsilon(crowds: tuple[int, ...]) -> float:
    """Return an epsilon, at DELTA, that a sum has at least ("takes part"), as its draws prove."""
    low, high = SIGMA / 8, SIGMA * 4
    for _ in range(8):
        middle = (low * high) ** 0.5
        is_worse = worst_excess(*_draws(crowds, 1.0), middle) > 0
        low, high = (low, middle) if is_worse else (middle, high)
    return epsilon_at(high, DELTA)


@lru_cache
def _excess(crowds: tuple[int, ...], distance: float) -> float:
    return worst_excess(*_draws(crowds, distance), SIGMA, distance)


@lru_cache
def _draws(crowds: tuple[int, ...], distance: float):
    """Return a sum of homes' shares of noise with a home's day in it, and without or with another.

    float64[DRAWS] each, in clip radii. `distance` 1: a day or none; 2: a day or its opposite.
    """
    rng = np.random.default_rng(sum(crowds) * 100 + len(crowds))

    def quick(slots, std_units):
        """Draw rounded normals, which are discrete Gaussians at such widths."""
        assert std_units > 1_000
        return np.rint(rng.normal(0, std_units, slots)).astype(np.int64)

    document, _ = terms_of(TrusteeArea(homes=0, far=0), *TERMS[0])
    found = []
    for shift in (distance, 0.0):
        total = np.zeros(DRAWS)
        for crowd in crowds:
            group = Group("75", ("75",), 300, crowd, crowd, DRAWS)
            total += noised(np.zeros(DRAWS), document, 1.0, group, quick)[:-1]
        found.append(total / document.grid + shift)
    return found
