"""An attacker's data of every household-day as numbers: from curves, traffic or a store."""

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
    """One attacker's data, with households and days as in the truth.

    Attributes:
        name: its origin.
        is_reference: the attack must succeed here, otherwise it proves nothing elsewhere.
        features: float64[households, days, k] by name.
        signals: float64[households, days, 96] by name: what may follow the curve.
        words: uint64[households, days, k] by channel, and a mask of present words.
        cells: int64[households]; different numbers can be distinguished by public data.
        is_on_habits: it contains the attacker's prior knowledge of each household, so sizes without
            their signs would score the habits and not what was observed.
    """

    name: str
    is_reference: bool
    features: Mapping[str, Floats]
    signals: Mapping[str, Floats]
    words: Mapping[str, tuple[Words, npt.NDArray[np.bool_]]]
    cells: npt.NDArray[np.int64]
    is_on_habits: bool = False


def of_curves(truth: Truth) -> View:
    """Return the data of a collector of plain curves."""
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
    """Gather messages or rows by household and day, omitting those of households not in `truth`."""
    gathered = _Gathered(truth)
    for message in observed:
        gathered.take(message)
    return gathered.view(name)


class _Gathered:
    """Messages by household, day and kind."""

    def __init__(self, truth: Truth) -> None:
        self._households = {household: row for row, household in enumerate(truth.households)}
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

    def take(self, message: Observed) -> None:
        """Add one message or part."""
        row, column = self._households.get(message.household), self._days.get(message.day)
        if row is None or column is None:
            return
        place = (row, column)
        if message.size_bytes:
            self._sizes[message.kind][place].append(message.size_bytes)
            if np.isfinite(message.at_s):
                self._times_s[place].append(message.at_s - nominal_s(message.day, 0))
        if message.cell:
            self._cells[row].add(f"{message.channel} {message.cell}")
        if message.channel and message.first + len(message.words) <= _LARGEST:
            self._words[message.channel].append((row, column, message.first, message.words))
        if message.channel == BLOCK:
            self._take_quarter(place, message)

    def _take_quarter(self, place: tuple[int, int], message: Observed) -> None:
        last = min(message.first + len(message.words), SLOTS)
        self._quarters["size by quarter"][*place, message.first : last] = message.size_bytes
        if np.isfinite(message.at_s) and last > message.first:
            delay_s = message.at_s - nominal_s(message.day, last)
            self._quarters["delay"][*place, message.first : last] = delay_s

    def view(self, name: str) -> View:
        """Return everything as numbers."""
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
        """Return the number, sum, smallest and largest size of a kind's messages."""
        features = np.zeros((*self._shape, 4))
        for place, sizes in places.items():
            features[place] = len(sizes), sum(sizes), min(sizes), max(sizes)
        return features

    def _time_features(self) -> Floats:
        """Return the first, last and mean time, and the smallest, mean and largest gap."""
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
    """Read residues as signed numbers in [-1, 1); if nothing masks them, they are the values."""
    size = modulus(channel)
    if size == 1 << 64:
        return array.view(np.int64) / 2.0**63
    half = np.uint64(size // 2)
    signed = array.astype(np.int64) - np.where(array > half, size, 0)
    return signed / (size / 2)


def _changes(array: Words, is_there: npt.NDArray[np.bool_], channel: str) -> Floats:
    """Return the changes from one day to the next; a pad that is used twice cancels out."""
    changes = np.zeros(array.shape)
    size = modulus(channel)
    difference = array[:, 1:] - array[:, :-1]
    if size != 1 << 64:
        wrapped = array[:, 1:] < array[:, :-1]
        difference = np.where(wrapped, difference + np.uint64(size), difference)
    changes[:, 1:] = _centred(difference, channel) * (is_there[:, 1:] & is_there[:, :-1])
    return changes


def about_the_mean(features: Floats) -> Floats:
    """Return features relative to each household's own mean, float64[households, days, k]."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(features - np.nanmean(features, axis=1, keepdims=True))
