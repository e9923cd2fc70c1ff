"""What an attacker has of every household-day, as numbers: from curves, traffic or a store."""

import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec
import numpy as np
import numpy.typing as npt

from cloud.audit.observed import BLOCK, Observed, modulus, nominal_s
from cloud.audit.truth import SLOTS, Truth
from protocol.area_cipher import Words

Floats = npt.NDArray[np.float64]

_DAY_H = 3_600.0
_LARGEST = 4_096


class View(msgspec.Struct, frozen=True):
    """One attacker's material, households and days as in the truth.

    Attributes:
        name: what it was taken from.
        is_reference: the attack must succeed here, or it proves nothing elsewhere.
        features: float64[households, days, k] by name.
        signals: float64[households, days, 96] by name: what may follow the curve.
        words: uint64[households, days, k] by channel, and where there are any.
        cells: int64[households]; who differs in it is told apart by what is public.
        is_on_habits: it holds what the attacker knew of each household before; then sizes without
            their signs would score the habits and not what was seen.
    """

    name: str
    is_reference: bool
    features: Mapping[str, Floats]
    signals: Mapping[str, Floats]
    words: Mapping[str, tuple[Words, npt.NDArray[np.bool_]]]
    cells: npt.NDArray[np.int64]
    is_on_habits: bool = False


def of_curves(truth: Truth) -> View:
    """Return what a collector of plain curves has."""
    energies = np.nan_to_num(truth.energies_wh)
    totals = energies.sum(axis=2, keepdims=True)
    features = {
        "energy": np.log1p(totals),
        "curve": energies,
        "extremes": np.concatenate(
            [energies.max(axis=2, keepdims=True), energies.min(axis=2, keepdims=True)], axis=2
        ),
    }
    cells = np.zeros(len(truth.households), np.int64)
    return View("plain curves", True, features, {"curve": energies}, {}, cells)


def of_observed(name: str, observed: Iterable[Observed], truth: Truth) -> View:
    """Gather messages or rows by household and day; what belongs to nobody in `truth` is left out."""
    gathered = _Gathered(truth)
    for one in observed:
        gathered.take(one)
    return gathered.view(name)


class _Gathered:
    """Messages by household, day and kind."""

    def __init__(self, truth: Truth) -> None:
        self._households = {each: row for row, each in enumerate(truth.households)}
        self._days = {day: column for column, day in enumerate(truth.days)}
        self._day_numbers = truth.days
        self._shape = (len(truth.households), len(truth.days))
        self._sizes: dict[str, dict[tuple[int, int], list[int]]] = defaultdict(
            lambda: defaultdict(list)
        )
        self._times_s: dict[tuple[int, int], list[float]] = defaultdict(list)
        self._words: dict[str, list[tuple[int, int, int, Words]]] = defaultdict(list)
        self._quarters = {
            name: np.zeros((*self._shape, SLOTS)) for name in ("size by quarter", "delay")
        }
        self._cells: dict[int, set[str]] = defaultdict(set)

    def take(self, one: Observed) -> None:
        """Take one message or part."""
        row, column = self._households.get(one.household), self._days.get(one.day)
        if row is None or column is None:
            return
        place = (row, column)
        if one.size_bytes:
            self._sizes[one.kind][place].append(one.size_bytes)
            if np.isfinite(one.at_s):
                self._times_s[place].append(one.at_s - nominal_s(one.day, 0))
        if one.cell:
            self._cells[row].add(f"{one.channel} {one.cell}")
        if one.channel and one.first + len(one.words) <= _LARGEST:
            self._words[one.channel].append((row, column, one.first, one.words))
        if one.channel == BLOCK:
            self._take_quarter(place, one)

    def _take_quarter(self, place: tuple[int, int], one: Observed) -> None:
        last = min(one.first + len(one.words), SLOTS)
        self._quarters["size by quarter"][*place, one.first : last] = one.size_bytes
        if np.isfinite(one.at_s) and last > one.first:
            delay_s = one.at_s - nominal_s(one.day, last)
            self._quarters["delay"][*place, one.first : last] = delay_s

    def view(self, name: str) -> View:
        """Return all of it as numbers."""
        words = {channel: self._array(pieces) for channel, pieces in self._words.items()}
        features = {}
        if self._sizes:
            features["sizes"] = np.concatenate(
                [self._size_features(places) for places in self._sizes.values()], axis=2
            )
        if self._times_s:
            features["times"] = self._time_features()
        signals = dict(self._quarters) if BLOCK in words else {}
        for channel, (array, is_there) in words.items():
            values = _centred(array, channel)
            features[f"words of {channel}"] = values
            features[f"changes of {channel}"] = _changes(array, is_there, channel)
            if array.shape[2] >= SLOTS:
                signals[channel] = values[:, :, :SLOTS]
        labels = [" ".join(sorted(self._cells[row])) for row in range(self._shape[0])]
        cells = np.unique(np.array(labels), return_inverse=True)[1]
        return View(name, False, features, signals, words, cells.astype(np.int64))

    def _array(
        self, pieces: list[tuple[int, int, int, Words]]
    ) -> tuple[Words, npt.NDArray[np.bool_]]:
        length = max(first + len(words) for _, _, first, words in pieces)
        array = np.zeros((*self._shape, length), np.uint64)
        is_there = np.zeros(array.shape, np.bool_)
        for row, column, first, words in pieces:
            array[row, column, first : first + len(words)] = words
            is_there[row, column, first : first + len(words)] = True
        return array, is_there

    def _size_features(self, places: Mapping[tuple[int, int], list[int]]) -> Floats:
        """Return number, sum, least and largest size of a kind's messages."""
        features = np.zeros((*self._shape, 4))
        for place, sizes in places.items():
            features[place] = len(sizes), sum(sizes), min(sizes), max(sizes)
        return features

    def _time_features(self) -> Floats:
        """Return first, last, mean and what lies between two messages (least, mean, largest)."""
        features = np.zeros((*self._shape, 6))
        for place, times_s in self._times_s.items():
            ordered = np.sort(times_s)
            gaps = np.diff(ordered) if len(ordered) > 1 else np.zeros(1)
            features[place] = (
                ordered[0],
                ordered[-1],
                ordered.mean(),
                gaps.min(),
                gaps.mean(),
                gaps.max(),
            )
        return features / _DAY_H


def _centred(array: Words, channel: str) -> Floats:
    """Read residues as signed numbers in [-1, 1): where nothing hides them, they are the values."""
    size = modulus(channel)
    if size == 1 << 64:
        return array.view(np.int64) / 2.0**63
    half = np.uint64(size // 2)
    signed = array.astype(np.int64) - np.where(array > half, size, 0)
    return signed / (size / 2)


def _changes(array: Words, is_there: npt.NDArray[np.bool_], channel: str) -> Floats:
    """Return what changed from one day to the next: a pad that is used twice falls out of it."""
    changes = np.zeros(array.shape)
    size = modulus(channel)
    difference = array[:, 1:] - array[:, :-1]
    if size != 1 << 64:
        wrapped = array[:, 1:] < array[:, :-1]
        difference = np.where(wrapped, difference + np.uint64(size), difference)
    changes[:, 1:] = _centred(difference, channel) * (is_there[:, 1:] & is_there[:, :-1])
    return changes


def about_the_mean(features: Floats) -> Floats:
    """Return features about each household's own mean, float64[households, days, k]."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(features - np.nanmean(features, axis=1, keepdims=True))
