"""Takes a figure from its fixed set to an opened sum, in steps without side effects.

Each step takes a figure, its stored rows and the trustees' answers, and returns the next state of
the figure, or None while more answers are needed. The caller stores the result before acting on it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import numpy as np
import numpy.typing as npt

from cloud.release.closing import FigureBasis, make_request, too_few
from cloud.store.area import AreaStore, ContributionRow, Figure, FigureStage
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
from protocol.packed import read_packed
from protocol.roster import Roster
from protocol.seeds import WITNESS_DAYS
from protocol.trustee_messages import PAGE_BYTES, Answer, Ask, SetRequest
from system.console import counted

# By how many standard deviations of the total noise a sum may exceed what households can
# contribute. If all follow the rules, this happens once in 10^32 slots.
NOISE_BOUND = 12.0
# How long a figure that does not open, or that has no witness, waits for another trustee's answer.
WITNESS_WAIT = timedelta(days=WITNESS_DAYS)

# What MessagePack takes at most for an entry's number, and around the words of a seed set.
_ENTRY_MAX_BYTES = 9
_NAMED_MAX_BYTES = 64

Answers = Mapping[int, Answer]
Entries = npt.NDArray[np.int64]


class _Reading(msgspec.Struct, frozen=True):
    """The masks that some of the answers give, one for each seed set.

    `without` is the number of a trustee whose answer is ignored. `unknown` and `differs`, bool for
    each word, mark seeds that somebody lacks and copies of one seed's mask that are not equal.
    `pairs` are the trustees that gave unequal copies. `alone` are the trustees that nobody else
    confirms, because they alone gave the mask of some seed.
    """

    without: int | None
    masks: list[Words]
    unknown: npt.NDArray[np.bool_]
    differs: npt.NDArray[np.bool_]
    pairs: tuple[tuple[int, int], ...]
    alone: tuple[int, ...]


def asked(figure: Figure) -> SetRequest:
    """Return the request that a figure waits for, which is its last one."""
    return read_packed(figure.requests[-1], SetRequest)


def advance(
    store: AreaStore,
    basis: FigureBasis,
    roster: Roster,
    figure: Figure,
    answers: Answers,
    at: datetime,
    *,
    is_complete: bool = False,
) -> Figure | None:
    """Advance a fixed or checked figure by one stage; None while more answers are needed.

    `answers` are those to the figure's current request, by number of the trustee, each of them
    `is_well_formed`. With `is_complete`, no more will come. If the sum does not open, another
    answer may show which trustee is wrong, and the figure waits for it a week at most. A figure
    returned as `released` has opened slots but no release yet.
    """
    if not basis.shape.covers(answers):
        return None
    is_last = is_complete or at - figure.at >= WITNESS_WAIT
    rows = rows_of(store, basis, asked(figure))
    if figure.stage is FigureStage.FIXED:
        return _check(basis, roster, figure, rows, answers, at, is_last=is_last)
    return _open(basis, figure, rows, answers, at, is_last=is_last)


def discard(figure: Figure, detail: str, at: datetime) -> Figure:
    """End a figure without a release."""
    return msgspec.structs.replace(figure, stage=FigureStage.DISCARDED, detail=detail, at=at)


def answer_pages_max(request: SetRequest, shape: Shape, trustee: int, slots: int) -> int:
    """Return how many pages the longest well-formed answer of a trustee has."""
    households = len(request.entries)
    count = households if request.ask is Ask.CHECK else slots + 1
    sums = len(shape.sets_of(trustee)) * (count * SLOT_BYTES + _NAMED_MAX_BYTES)
    return 1 + (sums + households * _ENTRY_MAX_BYTES + _NAMED_MAX_BYTES) // PAGE_BYTES


def is_well_formed(
    answer: Answer, request: SetRequest, shape: Shape, trustee: int, slots: int
) -> bool:
    """Return whether an answer has the words asked of this trustee, in order."""
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
    basis: FigureBasis,
    roster: Roster,
    figure: Figure,
    rows: Sequence[ContributionRow],
    answers: Answers,
    at: datetime,
    *,
    is_last: bool,
) -> Figure | None:
    """Open each household's check slot; a household whose slot does not open to 1 is left out.

    So is one whose slot opens to two values. If one trustee alone may have spoilt a slot, the figure
    waits for another answer. Only if too few households remain is a trustee's answer ignored
    instead.
    """
    request = asked(figure)
    candidates = _check_slots(basis, rows, answers)

    def missing(left_out: Mapping[int, Reason]) -> str:
        kept = [row.entry for row in rows if row.entry not in left_out]
        return too_few(basis, roster, request.length, kept)

    reading, left_out = candidates[0]
    is_doubtful = reading.alone and Reason.CHECK_SLOT in left_out.values()
    if is_doubtful and not is_last:
        return None  # the household or the one trustee that holds the seed: another answer tells
    if missing(left_out):
        if not is_last:
            return None
        reading, left_out = min(candidates, key=lambda candidate: len(candidate[1]))
    sentences = (
        _set_aside(basis, reading) or _differing(basis, reading),
        _unknown(basis, answers),
    )
    detail = " ".join(filter(None, sentences))
    figure = msgspec.structs.replace(
        figure, left_out=(*figure.left_out, *sorted(left_out.items())), detail=detail, at=at
    )
    if sentence := missing(left_out):
        return discard(figure, f"{sentence} {detail}".rstrip(), at)
    kept = [row for row in rows if row.entry not in left_out]
    final = make_request(Ask.SUM, basis.key, kept, (request.length, request.head))
    requests = (*figure.requests, msgspec.msgpack.encode(final))
    return msgspec.structs.replace(figure, stage=FigureStage.CHECKED, requests=requests)


def _check_slots(
    basis: FigureBasis, rows: Sequence[ContributionRow], answers: Answers
) -> list[tuple[_Reading, dict[int, Reason]]]:
    """Return each reading of the check slots, with the entries of households that it leaves out."""
    words = np.array([from_bytes(row.words[-SLOT_BYTES:])[0] for row in rows], np.uint64)
    entries = np.array([row.entry for row in rows], np.int64)
    candidates: list[tuple[_Reading, dict[int, Reason]]] = []
    for reading in _readings(basis, answers, entries):
        is_unknown = reading.unknown | reading.differs
        is_good = (unmask(words, reading.masks) == CHECK_VALUE) & ~is_unknown
        left_out = {
            int(entry): Reason.SEEDS if unknown else Reason.CHECK_SLOT
            for entry, unknown in zip(entries[~is_good], is_unknown[~is_good], strict=True)
        }
        candidates.append((reading, left_out))
    return candidates


def _open(
    basis: FigureBasis,
    figure: Figure,
    rows: Sequence[ContributionRow],
    answers: Answers,
    at: datetime,
    *,
    is_last: bool,
) -> Figure | None:
    """Open the sum, or discard the figure with a report, so that nothing wrong is published.

    A reading counts if no two copies of a mask differ in it and the check slot is right. That slot
    was opened for each household before, so a household cannot have spoilt it. If the reading of
    all answers does not count, each trustee is ignored in turn: if the sum opens without exactly
    one of them, that one is wrong. Two such readings are a tie. A slot beyond its bound does not
    decide a tie, because a household may have caused it, together with a trustee that takes it
    back.

    A sum to which a trustee contributes masks that nobody confirms waits for another answer.
    """
    words = np.frombuffer(b"".join(row.words for row in rows), "<u8").reshape(len(rows), -1)
    total = add_up(words)
    readings = list(_readings(basis, answers, np.zeros(len(total), np.int64)))
    counting = [
        (reading, opened)
        for reading in readings
        if not reading.pairs
        and not wrong_check_slot(opened := unmask(total, reading.masks), len(rows))
    ]
    if counting and counting[0][0].without is None:
        counting = counting[:1]
    if not is_last and not (counting and _is_witnessed(counting[0][0])):
        return None
    if len(counting) != 1:
        return discard(figure, _not_opened(basis, total, readings[0], counting, len(rows)), at)
    ((reading, opened),) = counting
    if sentence := implausible(basis, opened, len(rows)):
        return discard(figure, f"{sentence} {_set_aside(basis, reading)}".rstrip(), at)
    return msgspec.structs.replace(
        figure,
        stage=FigureStage.RELEASED,
        opened=opened[:-1].astype("<i8").tobytes(),
        is_witnessed=_is_witnessed(reading),
        detail=_set_aside(basis, reading) or _unwitnessed(basis, reading) or figure.detail,
        at=at,
    )


def _is_witnessed(reading: _Reading) -> bool:
    """Return whether two trustees gave each mask alike, or the rest convicts the one left out."""
    return reading.without is not None or not reading.alone


def _not_opened(
    basis: FigureBasis,
    total: Words,
    reading: _Reading,
    counting: Sequence[tuple[_Reading, Signed]],
    households: int,
) -> str:
    """Say why a sum does not open: `reading` is that of all answers."""
    sentence = _differing(basis, reading) or wrong_check_slot(
        unmask(total, reading.masks), households
    )
    if not counting:
        return sentence
    names = ", ".join(_name(basis, candidate.without) for candidate, _ in counting)
    return f"{sentence} It opens without {names}, and to different sums."


def rows_of(store: AreaStore, basis: FigureBasis, request: SetRequest) -> list[ContributionRow]:
    """Return the rows of a request's set, ordered by entry.

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


def slot_bound(basis: FigureBasis, households: int) -> float:
    """Return the limit of a slot of a sum, in grid units, if all follow the rules."""
    share = basis.document.noise_units(basis.share, basis.group)
    return households * basis.document.grid + NOISE_BOUND * math.sqrt(households) * share


def wrong_check_slot(opened: Signed, households: int) -> str:
    """Return what is wrong with the check slot, the last one; empty if it is right."""
    if opened[-1] == households * CHECK_VALUE:
        return ""
    return (
        f"The check slot of {households} households opened to {opened[-1]}; somebody's words "
        "are not what their seeds say."
    )


def implausible(basis: FigureBasis, opened: Signed, households: int) -> str:
    """Return which slots of an opened sum are beyond their bound; empty if it is possible."""
    bound = slot_bound(basis, households)
    # As Python integers, because the absolute value of the least int64 is not an int64.
    beyond = [place for place, value in enumerate(opened[:-1]) if abs(int(value)) > bound]
    if beyond:
        return (
            f"Slots {', '.join(map(str, beyond))} of {households} households lie beyond what "
            "clipped contributions and their noise can add up to; somebody adds what no chip may."
        )
    return ""


def _readings(basis: FigureBasis, answers: Answers, entries: Entries) -> Iterator[_Reading]:
    """Read all answers; then, where enough remain, the answers without each trustee in turn.

    `entries` is the household of each word, int64[words].
    """
    yield _read(answers, entries, None)
    for trustee in sorted(answers):
        others = {number: answer for number, answer in answers.items() if number != trustee}
        if basis.shape.covers(others):
            yield _read(others, entries, trustee)


def _read(answers: Answers, entries: Entries, without: int | None) -> _Reading:
    unknown = np.isin(entries, [entry for answer in answers.values() for entry in answer.unknown])
    differs = np.zeros(len(entries), bool)
    copies: dict[int, tuple[int, Words]] = {}
    counts: dict[int, int] = {}
    pairs: list[tuple[int, int]] = []
    for trustee, answer in sorted(answers.items()):
        for number, data in answer.sums:
            words = from_bytes(data)
            first, copy = copies.setdefault(number, (trustee, words))
            counts[number] = counts.get(number, 0) + 1
            is_other = (copy != words) & ~unknown
            if is_other.any():
                differs |= is_other
                pairs.append((first, trustee))
    masks = [words for _, (_, words) in sorted(copies.items())]
    alone = sorted({copies[number][0] for number, count in counts.items() if count == 1})
    return _Reading(without, masks, unknown, differs, tuple(pairs), tuple(alone))


def _differing(basis: FigureBasis, reading: _Reading) -> str:
    """Name the trustees that gave different masks for one seed; empty if none did."""
    if not reading.pairs:
        return ""
    names = "; ".join(
        f"{_name(basis, first)} and {_name(basis, second)}" for first, second in reading.pairs
    )
    return f"{names} gave different masks for one seed: one of them is wrong."


def _set_aside(basis: FigureBasis, reading: _Reading) -> str:
    if reading.without is None:
        return ""
    return f"{_name(basis, reading.without)} gave wrong masks; opened without it."


def _unwitnessed(basis: FigureBasis, reading: _Reading) -> str:
    """Name the trustees whose masks nobody confirms; empty if there are none."""
    if not reading.alone:
        return ""
    names = ", ".join(_name(basis, trustee) for trustee in reading.alone)
    return f"Not witnessed: nobody else gave some of the masks of {names}."


def _unknown(basis: FigureBasis, answers: Answers) -> str:
    """Name the trustees that lack the seeds of households; empty if there are none."""
    return " ".join(
        f"{_name(basis, number)} has no seeds of {counted(len(answer.unknown), 'household')}."
        for number, answer in sorted(answers.items())
        if answer.unknown
    )


def _name(basis: FigureBasis, trustee: int | None) -> str:
    return "" if trustee is None else basis.trustees.trustees[trustee].name
