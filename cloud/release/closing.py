"""Selects the figures that are due and fixes the set of households of each.

A set is fixed once; later contributions are `late`. It is stored before any trustee is asked about
it, so a killed worker asks for the same bytes again.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from cloud.store.area import AreaStore, ContributionRow, Figure, FigureKey, FigureStage
from protocol.area_cipher import SLOT_BYTES, Shape
from protocol.calendar import day_end, day_number, day_of_number, legal_day
from protocol.errors import DocumentRefused, Reason
from protocol.governance import TrusteeSet, read_cosigned
from protocol.measures import Group, Measure, Measures
from protocol.roster import Roster
from protocol.trustee_messages import Ask, SetRequest, bitmap_of, draws_of


class FigureBasis(msgspec.Struct, frozen=True):
    """The documents that a figure is based on."""

    key: FigureKey
    document: Measures
    trustees: TrusteeSet

    @property
    def measure(self) -> Measure:
        """The measure."""
        return self.document.measure(self.key.measure)

    @property
    def group(self) -> Group:
        """The group."""
        return self.measure.group(self.key.group)

    @property
    def share(self) -> float:
        """The part of the day's budget that the measure uses."""
        return self.document.share_of(self.measure, self.key.day)

    @property
    def shape(self) -> Shape:
        """The number of trustees, and how many of them can open."""
        return self.trustees.shape


def read_document(store: AreaStore, measures: bytes) -> tuple[Measures, TrusteeSet]:
    """Read a measures document and its set of trustees from the store.

    Raises:
        DocumentRefused: one of them is missing or of another kind.
    """
    cosigned = store.cosigned(measures)
    if cosigned is None:
        raise DocumentRefused(f"No measures document {measures.hex()[:16]}… is in the store.")
    document = read_cosigned(cosigned, Measures)
    trustees = store.cosigned(document.trustees)
    if trustees is None:
        raise DocumentRefused(
            f"The set of trustees {document.trustees.hex()[:16]}… is not in the store."
        )
    return document, read_cosigned(trustees, TrusteeSet)


def basis_of(store: AreaStore, key: FigureKey) -> FigureBasis:
    """Return the basis of a figure. Raises DocumentRefused as `read_document` does."""
    document, trustees = read_document(store, key.measures)
    return FigureBasis(key, document, trustees)


def is_over(document: Measures, day: int, now: datetime) -> bool:
    """Return whether the deadline for contributions of `day` has passed."""
    return now >= day_end(day_of_number(day)) + timedelta(hours=document.deadline_h)


def due(store: AreaStore, now: datetime, until: int | None = None) -> Iterator[FigureKey]:
    """Yield the figures to close, by day.

    With `until`, days before it are due before their deadline, as long as they have ended.
    """
    keys: list[FigureKey] = []
    for cosigned in store.cosigned_documents(Measures.__name__):
        document = read_cosigned(cosigned, Measures)
        for day in store.days(cosigned.hash):
            is_asked_for = until is not None and day < min(until, day_number(legal_day(now)))
            if is_asked_for or is_over(document, day, now):
                keys += _keys_of_day(document, cosigned.hash, day)
    for key in sorted(keys, key=lambda key: (key.day, key)):
        if store.figure(key) is None:
            yield key


def _keys_of_day(document: Measures, measures: bytes, day: int) -> Iterator[FigureKey]:
    for measure in document.measures:
        if not document.share_of(measure, day):
            continue
        for group in measure.groups:
            yield FigureKey(measures, measure.name, group.code, day)


def figure_codes(document: Measures) -> list[tuple[str, str]]:
    """Return (measure, code) of all figures of a document, parents included."""
    codes = [
        (measure.name, group.code) for measure in document.measures for group in measure.groups
    ]
    return codes + [(parent.measure, parent.code) for parent in document.parents]


def close(store: AreaStore, basis: FigureBasis, roster: Roster, at: datetime) -> Figure:
    """Fix a figure's set, store it with the request for its check slots, and return the figure.

    With too few households, the figure is discarded at once.
    """
    rows, left_out = _partition(basis, roster, store.rows(basis.key))
    figure = Figure(basis.key, FigureStage.FIXED, at, left_out=left_out)
    if sentence := too_few(basis, roster, len(roster), [row.entry for row in rows]):
        figure = msgspec.structs.replace(figure, stage=FigureStage.DISCARDED, detail=sentence)
    else:
        request = make_request(Ask.CHECK, basis.key, rows, (len(roster), roster.head))
        figure = msgspec.structs.replace(figure, requests=(msgspec.msgpack.encode(request),))
    store.put_figure(figure)
    return figure


def make_request(
    ask: Ask, key: FigureKey, rows: Sequence[ContributionRow], roster: tuple[int, bytes]
) -> SetRequest:
    """Make the request for a set of rows, which must be ordered by entry.

    `roster` is the roster's length and head.
    """
    length, head = roster
    return SetRequest(
        ask=ask,
        measures=key.measures,
        measure=key.measure,
        group=key.group,
        day=key.day,
        length=length,
        head=head,
        bitmap=bitmap_of((row.entry for row in rows), length),
        nonces=draws_of([(row.nonce, row.generation) for row in rows]),
    )


def too_few(basis: FigureBasis, roster: Roster, length: int, entries: Sequence[int]) -> str:
    """Return a sentence if a set is too small to be opened, else an empty string.

    `length` limits the roster to its first entries.
    """
    counted = 0
    for number in entries:
        membership = roster.membership(roster.entry(number).household_key, basis.key.day, length)
        counted += membership is not None and membership.is_counted
    if counted >= basis.group.threshold:
        return ""
    return (
        f"{counted} households of {basis.group.code} count towards {basis.key.measure}; "
        f"{basis.group.threshold} must before a sum is opened."
    )


def _partition(
    basis: FigureBasis, roster: Roster, rows: Sequence[ContributionRow]
) -> tuple[list[ContributionRow], tuple[tuple[int, Reason], ...]]:
    """Split rows into those of the set and those left out, with the reason."""
    kept, left_out = [], []
    for row in sorted(rows, key=lambda candidate: candidate.entry):
        reason = _misfit(basis, roster, row)
        if reason is None:
            kept.append(row)
        else:
            left_out.append((row.entry, reason))
    return kept, tuple(left_out)


def _misfit(basis: FigureBasis, roster: Roster, row: ContributionRow) -> Reason | None:
    membership = roster.membership(row.household_key, basis.key.day)
    if membership is None or membership.entry.number != row.entry:
        return Reason.ROSTER
    group = basis.measure.group_of(membership.entry.cell or "", membership.entry.provider)
    if group is None or group.code != basis.group.code:
        return Reason.PARTITION
    if len(row.words) != SLOT_BYTES * (basis.group.slots + 1):
        return Reason.BOUNDS
    return None
