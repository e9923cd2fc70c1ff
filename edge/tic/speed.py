"""Finds which of the two line speeds the meter uses, from what can be decoded.

Historique is sent at 1200 bit/s, standard at 9600 (Enedis-NOI-CPT_54E v3, page 9). At the wrong
speed bytes arrive, but no group passes its checks. A supplier may change the mode at any time.
"""

FAST_BIT_S, SLOW_BIT_S = 9600, 1200
SPEEDS = (FAST_BIT_S, SLOW_BIT_S)
# A frame of any mode brings a good group within 2.5 s and 300 bytes. After twice that time the
# speed is wrong, or the line is so bad that trying the other speed loses nothing.
_PATIENCE_S = 5.0
_PATIENCE_BYTES = 200


class SpeedFinder:
    """Decides when to try the other speed."""

    def __init__(self, speeds: tuple[int, ...] = SPEEDS) -> None:
        self._speeds = speeds
        self._at = 0
        self._groups = 0
        self._size_bytes = 0
        self._since_s: float | None = None

    @property
    def speed(self) -> int:
        """The line speed to use, in bit/s."""
        return self._speeds[self._at]

    def observe(self, size_bytes: int, groups: int, now_s: float) -> bool:
        """Record `size_bytes` new bytes and `groups` accepted in all; return True to change speed.

        Silence changes nothing, since an unplugged cable is silent at every speed.
        """
        if self._since_s is None or groups != self._groups:
            self._restart(groups, now_s)
            return False
        self._size_bytes += size_bytes
        if self._size_bytes < _PATIENCE_BYTES or now_s - self._since_s < _PATIENCE_S:
            return False
        self._restart(groups, now_s)
        self._at = (self._at + 1) % len(self._speeds)
        return len(self._speeds) > 1

    def _restart(self, groups: int, now_s: float) -> None:
        self._groups = groups
        self._size_bytes = 0
        self._since_s = now_s
