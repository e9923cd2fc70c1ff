"""A figure's way from its fixed set to an opened sum, as steps that change nothing by themselves.

Each step takes a figure, what the store has of it and the answers of trustees, and gives the figure
as it stands next; None: more answers are needed. Whoever calls stores the result before acting on
it.
"""

import math
from collections.abc import Mapping
from datetime import datetime

import msgspec
import numpy as np
import numpy.typing as npt

from cloud.release.closing import Basis, make_request, too_few
from cloud.store.area import AreaStore, Figure, Row, Stage
from protocol.area_cipher import (
    CHECK_VALUE,
    SLOT_BYTES,
    Shape,
    Signed,
    Words,
    add_up,
    from_bytes,
    unmask,
)
from protocol.errors import Reason, VoletError
from protocol.roster import Roster
from protocol.trustee_messages import Answer, Ask, SetRequest

# By how many standard deviations of the whole noise a sum may exceed what households can add up to:
# once in 10^32 slots if all keep the rules.
NOISE_BOUND = 12.0

Answers = Mapping[int, Answer]


class CopiesDiffer(VoletError):
    """Two trustees gave different words for one seed set."""


def asked(figure: Figure) -> SetRequest:
    """Return the request that a figure waits for: the last that was made."""
    return msgspec.msgpack.decode(figure.requests[-1], type=SetRequest)


def advance(
    store: AreaStore, basis: Basis, roster: Roster, figure: Figure, answers: Answers, at: datetime
) -> Figure | None:
    """Take a fixed or checked figure one stage on; None while too few trustees have answered.

    `answers`: to the request that it waits for, by number of the trustee, each `is_well_formed`.
    A figure that comes back `released` has its opened slots and no release yet.
    """
    if not basis.shape.covers(answers):
        return None
    step = _check if figure.stage is Stage.FIXED else _open
    try:
        return step(store, basis, roster, figure, answers, at)
    except CopiesDiffer as exc:
        return discard(figure, str(exc), at)


def discard(figure: Figure, detail: str, at: datetime) -> Figure:
    """End a figure without a release."""
    return msgspec.structs.replace(figure, stage=Stage.DISCARDED, detail=detail, at=at)


def is_well_formed(
    answer: Answer, request: SetRequest, shape: Shape, trustee: int, slots: int
) -> bool:
    """Say whether an answer has the words that its request asks of this trustee, in order."""
    households = len(request.entries)
    count = households if request.ask is Ask.CHECK else slots + 1
    numbers = tuple(number for number, _ in answer.sums)
    return (
        answer.request == request.id
        and numbers == shape.sets_of(trustee)
        and all(len(words) == count * SLOT_BYTES for _, words in answer.sums)
        and set(answer.unknown) <= set(request.entries)
        and (request.ask is Ask.CHECK or not answer.unknown)
    )


def _check(
    store: AreaStore, basis: Basis, roster: Roster, figure: Figure, answers: Answers, at: datetime
) -> Figure:
    """Open each household's check slot; who does not open to 1 is left out."""
    request = asked(figure)
    rows = rows_of(store, basis, request)
    entries = np.array(request.entries)
    unknown = np.isin(entries, [each for one in answers.values() for each in one.unknown])
    masks = _one_of_each(basis, answers, unknown)
    words = np.array([from_bytes(row.words[-SLOT_BYTES:])[0] for row in rows], np.uint64)
    is_good = (unmask(words, masks) == CHECK_VALUE) & ~unknown
    left_out = tuple(
        (int(entry), Reason.SEEDS if is_unknown else Reason.CHECK_SLOT)
        for entry, is_unknown in zip(entries[~is_good], unknown[~is_good], strict=True)
    )
    kept = [row for row, good in zip(rows, is_good, strict=True) if good]
    figure = msgspec.structs.replace(figure, left_out=(*figure.left_out, *left_out), at=at)
    if sentence := too_few(basis, roster, request.length, [row.entry for row in kept]):
        return discard(figure, sentence, at)
    final = make_request(Ask.SUM, basis.key, kept, (request.length, request.head))
    requests = (*figure.requests, msgspec.msgpack.encode(final))
    return msgspec.structs.replace(figure, stage=Stage.CHECKED, requests=requests)


def _open(
    store: AreaStore, basis: Basis, roster: Roster, figure: Figure, answers: Answers, at: datetime
) -> Figure:
    """Open the sum; one that cannot be is discarded with a report, noise is never published."""
    del roster
    rows = rows_of(store, basis, asked(figure))
    words = np.frombuffer(b"".join(row.words for row in rows), "<u8").reshape(len(rows), -1)
    masks = _one_of_each(basis, answers, np.zeros(basis.group.slots + 1, bool))
    opened = unmask(add_up(words), masks)
    if sentence := implausible(basis, opened, len(rows)):
        return discard(figure, sentence, at)
    slots = opened[:-1].astype("<i8").tobytes()
    return msgspec.structs.replace(figure, stage=Stage.RELEASED, opened=slots, at=at)


def rows_of(store: AreaStore, basis: Basis, request: SetRequest) -> list[Row]:
    """Return the rows of a request's set, in the order of their entries.

    Raises:
        VoletError: the store no longer has one of them.
    """
    by_entry = {row.entry: row for row in store.rows(basis.key)}
    try:
        return [by_entry[entry] for entry in request.entries]
    except KeyError as exc:
        raise VoletError(
            f"The contribution of roster entry {exc.args[0]} is no longer in the store; "
            "the figure cannot be opened."
        ) from exc


def slot_bound(basis: Basis, households: int) -> float:
    """Return what no slot of a sum can exceed, in grid units, if everybody keeps the rules."""
    share = basis.document.share_units(basis.measure, basis.group)
    return households * basis.document.grid + NOISE_BOUND * math.sqrt(households) * share


def implausible(basis: Basis, opened: Signed, households: int) -> str:
    """Return what is wrong with an opened sum (check slot last), nothing if it can be."""
    if opened[-1] != households * CHECK_VALUE:
        return (
            f"The check slot of {households} households opened to {opened[-1]}; somebody's words "
            "are not what their seeds say."
        )
    bound = slot_bound(basis, households)
    # Python's integers: the absolute value of the least int64 is no int64.
    beyond = [place for place, value in enumerate(opened[:-1]) if abs(int(value)) > bound]
    if beyond:
        return (
            f"Slots {', '.join(map(str, beyond))} of {households} households lie beyond what "
            "clipped contributions and their noise can add up to; somebody adds what no chip may."
        )
    return ""


def _one_of_each(basis: Basis, answers: Answers, is_void: npt.NDArray[np.bool_]) -> list[Words]:
    """Return the words of each seed set, zero where `is_void`; every copy must be the same.

    Raises:
        CopiesDiffer: names both trustees.
    """
    found: dict[int, tuple[int, Words]] = {}
    for trustee, answer in sorted(answers.items()):
        for number, data in answer.sums:
            words = np.where(is_void, np.uint64(0), from_bytes(data))
            first, copy = found.setdefault(number, (trustee, words))
            if not np.array_equal(copy, words):
                names = [basis.trustees.trustees[each].name for each in (first, trustee)]
                raise CopiesDiffer(
                    f"{names[0]} and {names[1]} gave different masks for one seed; "
                    "one of them is wrong, and nothing is published."
                )
    return [words for _, (_, words) in sorted(found.items())]
