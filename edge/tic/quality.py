"""The quality of the line, as one figure that a person can act on."""

from collections import deque

import msgspec

_WINDOW_FRAMES = 32


class LineQuality(msgspec.Struct, frozen=True):
    """Counts since the stream began, and shares of good groups in [0, 1].

    `share` and `recent_share` are None while nothing was received. Lines cut by the beginning or
    the end of the stream do not count against them. `recent_share` covers the last 32 frames or,
    without frames, the last pieces of noise. `groups` were accepted, `refused` were not.
    `parity_errors` counts characters out of `size_bytes`. `is_parity_checked`: see `parity`.
    """

    groups: int
    refused: int
    size_bytes: int
    parity_errors: int
    is_parity_checked: bool
    share: float | None
    recent_share: float | None


class QualityCounter:
    """Counts groups by frame and keeps a sliding window of them."""

    __slots__ = ("_cut", "_groups", "_refused", "_window")

    def __init__(self) -> None:
        self._groups = 0
        self._refused = 0
        self._cut = 0
        self._window: deque[tuple[int, int]] = deque(maxlen=_WINDOW_FRAMES)

    def count(self, groups: int, refused: int, cut: int) -> None:
        """Count one frame or piece of noise; `cut` of the refused lines are not a line fault."""
        self._groups += groups
        self._refused += refused
        self._cut += cut
        if groups or refused > cut:
            self._window.append((groups, refused - cut))

    def figure(
        self, size_bytes: int, parity_errors: int, *, is_parity_checked: bool
    ) -> LineQuality:
        """Return the present figures."""
        recent_groups = sum(groups for groups, _ in self._window)
        recent_refused = sum(refused for _, refused in self._window)
        return LineQuality(
            groups=self._groups,
            refused=self._refused,
            size_bytes=size_bytes,
            parity_errors=parity_errors,
            is_parity_checked=is_parity_checked,
            share=_share(self._groups, self._refused - self._cut, size_bytes),
            recent_share=_share(recent_groups, recent_refused, size_bytes),
        )


def _share(groups: int, refused: int, size_bytes: int) -> float | None:
    if groups + refused:
        return groups / (groups + refused)
    return 0.0 if size_bytes else None
