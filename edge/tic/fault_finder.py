"""Finds the faults of a line that is still being read, in its last bytes."""

from edge.tic.diagnosis import LineFault, diagnose

# Three frames of the longest kind, six seconds of standard mode.
_WINDOW_BYTES = 6144
_UNKNOWN_SPEED = 0


class FaultFinder:
    """Keeps the last bytes of a line, separately for each speed at which it was read."""

    def __init__(self) -> None:
        self._windows: dict[int, bytearray] = {}

    def observe(self, data: bytes, bit_s: int = _UNKNOWN_SPEED) -> None:
        """Take bytes that were read at a speed; 0 if it is not known."""
        if not data:
            return
        window = self._windows.pop(bit_s, bytearray())
        window += data
        del window[:-_WINDOW_BYTES]
        self._windows[bit_s] = window  # the present speed is the last

    def faults(self) -> tuple[LineFault, ...]:
        """Return what is wrong with the line as it was last, the likeliest first.

        While the speed is sought, what is found at the wrong one is left out.
        """
        found = [diagnose(bytes(window), bit_s or None) for bit_s, window in self._windows.items()]
        if not found:
            return (LineFault.SILENT,)
        if len(found) == 1 or not found[-1]:
            return found[-1]
        wrong_speed = {LineFault.READ_TOO_FAST, LineFault.READ_TOO_SLOW}
        others = [each for several in reversed(found) for each in several]
        return tuple(dict.fromkeys(each for each in others if each not in wrong_speed)) or found[-1]
