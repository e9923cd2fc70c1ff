"""The rules for the sets of households that a trustee may open, and what its answers bind it to."""

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from protocol.errors import DocumentRefused, MessageRefused, Reason
from protocol.measures import Group
from protocol.roster import RosterEntry
from protocol.trustee_messages import HOUSEHOLD_BYTES, Ask, SetRequest
from trustee.documents import TrustedDocuments

# Number of (day, measure) pairs whose bindings are cached.
BOUND_KEPT = 8


class Asked(msgspec.Struct, frozen=True):
    """A request that satisfies all rules that do not depend on earlier requests.

    `draws` are (nonce, generation) of each household, in the order of `entries`. `trustees` is the
    hash of the trustee set whose seeds are used.
    """

    request: SetRequest
    group: Group
    trustees: bytes
    entries: tuple[RosterEntry, ...]
    draws: tuple[tuple[bytes, int], ...]

    @property
    def slots(self) -> int:
        """Slots of the keystream, including the check slot."""
        return self.group.slots + 1


def check_request(request: SetRequest, documents: TrustedDocuments) -> Asked:
    """Check a request against the documents and the roster.

    Raises:
        MessageRefused: the request breaks a rule, which is the reason.
    """
    group, trustees = _group_of(request, documents)
    roster = documents.roster
    head = roster.head_at(request.length)
    if head is None:
        raise MessageRefused(Reason.ROSTER, f"known are {len(roster)} entries of the roster")
    if head != request.head:
        raise MessageRefused(Reason.ROSTER, "another roster of this length is known")
    _check_bitmap(request)
    draws = request.draws()
    entries: list[RosterEntry] = []
    counted = 0
    groups: dict[tuple[str, str], bool] = {}
    for number, _, _ in draws:
        entry = roster.entry(number)
        membership = roster.membership(entry.household_key, request.day, request.length)
        if membership is None or membership.entry is not entry or entry.cell is None:
            raise MessageRefused(Reason.HOUSEHOLD, "an entry that does not stand on this day")
        cell = (entry.cell, entry.provider)
        if cell not in groups:
            groups[cell] = group.holds(*cell)
        if not groups[cell]:
            raise MessageRefused(Reason.PARTITION, "a household of another group")
        counted += membership.is_counted
        entries.append(entry)
    if counted < group.threshold:
        raise MessageRefused(
            Reason.TOO_FEW, f"{counted} households count, {group.threshold} are needed"
        )
    nonces = tuple((nonce, generation) for _, nonce, generation in draws)
    return Asked(request, group, trustees, tuple(entries), nonces)


def _group_of(request: SetRequest, documents: TrustedDocuments) -> tuple[Group, bytes]:
    """Return the group that a request is about and the hash of the trustee set."""
    in_force = documents.measures_on(request.day)
    if in_force is None or in_force[0] != request.measures:
        raise MessageRefused(Reason.DOCUMENT, "these measures do not hold on this day")
    measures = in_force[1]
    try:
        group = measures.measure(request.measure).group(request.group)
    except DocumentRefused as exc:
        raise MessageRefused(Reason.PARTITION, "no such measure or group") from exc
    return group, measures.trustees


def _check_bitmap(request: SetRequest) -> None:
    """Check that the set has its only valid form: as long as the roster, and no bit beyond it."""
    if len(request.bitmap) != (request.length + 7) // 8:
        raise MessageRefused(Reason.BOUNDS, "a bitmap of another length than the roster")
    if request.length % 8 and request.bitmap[-1] >> request.length % 8:
        raise MessageRefused(Reason.HOUSEHOLD, "entries beyond the roster")


class Bound:
    """What a trustee's answers bind it to for a day and measure: each household's draw and group.

    A household is identified by the number of its first roster entry.
    """

    def __init__(self) -> None:
        self._draws: dict[int, bytes] = {}
        self._figures: dict[int, str] = {}
        self._sums: dict[str, bytes] = {}
        self._summed: set[int] = set()

    def check(self, asked: Asked, households: Sequence[int]) -> None:
        """Check a request that has not been answered before.

        Raises:
            MessageRefused: it contradicts an earlier answer.
        """
        request = asked.request
        for index, household in enumerate(households):
            if self._draws.get(household, _draw(request, index)) != _draw(request, index):
                raise MessageRefused(Reason.ANSWERED, "a household's nonce is another one")
            if self._figures.get(household, request.group) != request.group:
                raise MessageRefused(Reason.ANSWERED, "a household was asked for in another group")
        if request.ask is not Ask.SUM:
            return
        if self._sums.get(request.group, request.id) != request.id:
            raise MessageRefused(Reason.ANSWERED, "another set of this group was answered for")
        if not self._summed.isdisjoint(households):
            raise MessageRefused(Reason.ANSWERED, "a household was answered for in another set")

    def bind(self, request: SetRequest, households: Sequence[int]) -> None:
        """Record an answer."""
        for index, household in enumerate(households):
            self._draws[household] = _draw(request, index)
            self._figures[household] = request.group
        if request.ask is Ask.SUM:
            self._sums[request.group] = request.id
            self._summed.update(households)


class Bindings:
    """A cache of the bindings that were stored last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], Bound] = OrderedDict()

    def get(self, day: int, measure: str) -> Bound | None:
        """Return a cached binding, or None."""
        return self._kept.get((day, measure))

    def put(self, day: int, measure: str, bound: Bound) -> None:
        """Cache a binding."""
        self._kept[day, measure] = bound
        while len(self._kept) > BOUND_KEPT:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Empty the cache; the log has all bindings."""
        self._kept.clear()


def households_of(documents: TrustedDocuments, request: SetRequest) -> list[int]:
    """Return the households of a request, each by the number of its first roster entry."""
    roster = documents.roster
    return [
        roster.history(roster.entry(number).household_key)[0].number for number in request.entries
    ]


def _draw(request: SetRequest, index: int) -> bytes:
    return request.nonces[index * HOUSEHOLD_BYTES : (index + 1) * HOUSEHOLD_BYTES]
