"""Which set of households a trustee may be asked for, and what it has bound itself to."""

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from protocol.errors import DocumentRefused, MessageRefused, Reason
from protocol.measures import Group
from protocol.roster import RosterEntry
from protocol.trustee_messages import HOUSEHOLD_BYTES, Ask, SetRequest
from trustee.documents import TrustedDocuments

# (day, measure) pairs whose bindings are kept at hand.
BOUND_KEPT = 8


class Asked(msgspec.Struct, frozen=True):
    """A request that keeps all rules that need no memory.

    `draws` are (nonce, generation) of each household, in the order of `entries`; `trustees` is the
    hash of the set whose seeds count.
    """

    request: SetRequest
    group: Group
    trustees: bytes
    entries: tuple[RosterEntry, ...]
    draws: tuple[tuple[bytes, int], ...]

    @property
    def slots(self) -> int:
        """Slots of the keystream, the check slot included."""
        return self.group.slots + 1


def check_request(request: SetRequest, documents: TrustedDocuments) -> Asked:
    """Check a request against documents and roster.

    Raises:
        MessageRefused: with the rule that it breaks.
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
        place = (entry.cell, entry.provider)
        if place not in groups:
            groups[place] = group.holds(*place)
        if not groups[place]:
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
    """Return the group a request is about and the hash of the set of trustees."""
    held = documents.measures_on(request.day)
    if held is None or held[0] != request.measures:
        raise MessageRefused(Reason.DOCUMENT, "these measures do not hold on this day")
    measures = held[1]
    try:
        group = measures.measure(request.measure).group(request.group)
    except DocumentRefused as exc:
        raise MessageRefused(Reason.PARTITION, "no such measure or group") from exc
    return group, measures.trustees


def _check_bitmap(request: SetRequest) -> None:
    """One set has one form: as many bytes as the roster needs, no bit beyond it."""
    if len(request.bitmap) != (request.length + 7) // 8:
        raise MessageRefused(Reason.BOUNDS, "a bitmap of another length than the roster")
    if request.length % 8 and request.bitmap[-1] >> request.length % 8:
        raise MessageRefused(Reason.HOUSEHOLD, "entries beyond the roster")


class Bound:
    """What a trustee is bound to for one day and measure: a draw and a group each household.

    A household is known by the number of its first roster entry.
    """

    def __init__(self) -> None:
        self._draws: dict[int, bytes] = {}
        self._figures: dict[int, str] = {}
        self._sums: dict[str, bytes] = {}
        self._summed: set[int] = set()

    def check(self, asked: Asked, households: Sequence[int]) -> None:
        """Check a request that was not answered before.

        Raises:
            MessageRefused: it touches what is bound otherwise.
        """
        request = asked.request
        for place, household in enumerate(households):
            if self._draws.get(household, _draw(request, place)) != _draw(request, place):
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
        """Remember what was answered."""
        for place, household in enumerate(households):
            self._draws[household] = _draw(request, place)
            self._figures[household] = request.group
        if request.ask is Ask.SUM:
            self._sums[request.group] = request.id
            self._summed.update(households)


class Bindings:
    """Bound sets of the days at hand, the latest used kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], Bound] = OrderedDict()

    def get(self, day: int, measure: str) -> Bound | None:
        """Return what is at hand."""
        return self._kept.get((day, measure))

    def put(self, day: int, measure: str, bound: Bound) -> None:
        """Keep it at hand."""
        self._kept[day, measure] = bound
        while len(self._kept) > BOUND_KEPT:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget all; the log has it."""
        self._kept.clear()


def households_of(documents: TrustedDocuments, request: SetRequest) -> list[int]:
    """Return the households of a request, each by the number of its first roster entry."""
    roster = documents.roster
    return [
        roster.history(roster.entry(number).household_key)[0].number for number in request.entries
    ]


def _draw(request: SetRequest, place: int) -> bytes:
    return request.nonces[place * HOUSEHOLD_BYTES : (place + 1) * HOUSEHOLD_BYTES]
