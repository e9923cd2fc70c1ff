"""What one key may list in public within a year; cloud and chip hold it alike."""

from collections import deque
from datetime import date, timedelta

from protocol.errors import DocumentRefused

# What one key may list within a year: two documents a day with room for offers, and prices of a
# year's quarter-hours twenty times. Every chip keeps the list.
YEAR = timedelta(days=365)
YEAR_DOCUMENTS_MAX = 1_024
YEAR_MAX_BYTES = 2 * 1024 * 1024


class Quota:
    """What one key has listed within a year, in the order of the list."""

    def __init__(self) -> None:
        self._listed: deque[tuple[date, int]] = deque()
        self._size_bytes = 0

    def check(self, size_bytes: int, listed_on: date) -> None:
        """Check that the key may list so many more bytes on a day.

        Raises:
            DocumentRefused: it has listed as much as a year allows.
        """
        while self._listed and listed_on - self._listed[0][0] >= YEAR:
            self._size_bytes -= self._listed.popleft()[1]
        is_full = len(self._listed) >= YEAR_DOCUMENTS_MAX
        if is_full or self._size_bytes + size_bytes > YEAR_MAX_BYTES:
            raise DocumentRefused(
                f"This key has listed {len(self._listed)} documents of {self._size_bytes} bytes "
                f"within a year; it may list {YEAR_DOCUMENTS_MAX} of {YEAR_MAX_BYTES} bytes."
            )

    def take(self, size_bytes: int, listed_on: date) -> None:
        """Count a document that was listed."""
        self._listed.append((listed_on, size_bytes))
        self._size_bytes += size_bytes
