"""Tests whether words look as if they had been drawn at random."""

from collections.abc import Iterator

import numpy as np

from cloud.audit.attacks import AttackResult
from cloud.audit.observed import BLOCK
from cloud.audit.statistics import SURE_Z, chi_square_z
from cloud.audit.views import View
from protocol.area_cipher import Words

_WORDS_MIN = 2_560  # 10 of each byte


def run(view: View) -> Iterator[AttackResult]:
    """Test the words of every channel; the score is in standard deviations above chance."""
    for channel, (array, is_there) in view.words.items():
        drawn = array[is_there]
        if len(drawn) >= _WORDS_MIN:
            yield _judged("chi-square of bytes", view, channel, *_bytes(drawn, channel))
            yield _judged("correlation in a row", view, channel, *_serial(drawn))
        before, after = array[:, :-1], array[:, 1:]
        both = is_there[:, :-1] & is_there[:, 1:]
        if both.sum() >= _WORDS_MIN:
            z = _correlation(before[both], after[both])
            yield _judged("correlation of days", view, channel, abs(z), int(both.sum()))


def _bytes(words: Words, channel: str) -> tuple[float, int]:
    """Compare the bytes at each position with a uniform draw (a block's words have 60 bits)."""
    columns = words.astype("<u8").view(np.uint8).reshape(-1, 8)
    whole = 7 if channel == BLOCK else 8
    counts = [np.bincount(columns[:, place], minlength=256) for place in range(whole)]
    if channel == BLOCK:
        # A block's words are below 2^60, so the upper half of this byte is always 0.
        counts.append(np.bincount(columns[:, 7], minlength=256)[:16])
    z, _ = chi_square_z(counts)
    return z, len(words)


def _serial(words: Words) -> tuple[float, int]:
    return abs(_correlation(words[:-1], words[1:])), len(words) - 1


def _correlation(left: Words, right: Words) -> float:
    """Return the correlation in standard deviations of chance."""
    one, two = left.astype(np.float64), right.astype(np.float64)
    one, two = one - one.mean(), two - two.mean()
    scale = float(np.sqrt((one**2).sum() * (two**2).sum()))
    if scale == 0:
        return float(np.sqrt(len(one)))
    return float(np.sqrt(len(one)) * (one * two).sum() / scale)


def _judged(attack: str, view: View, channel: str, z: float, count: int) -> AttackResult:
    verdict = "broken" if z > SURE_Z else "kept"
    return AttackResult(
        attack, f"{view.name}: {channel}", z, z, z, 0.0, SURE_Z, count, verdict, "all words"
    )
