"""One report for panel, page and smart home, made anew when the chip has changed.

Making it reads much of the vault. What it tells lies in the chip's directory: a file that is written
anew changes the directory, and the vault itself or its log changes with each commit.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from edge.status.report import ChipReport
from edge.vault.database import FILE_NAME

# What else a report tells (its certificate's end, the release, the day) may be as old as this.
AGE_MAX_S = 60.0
_WATCHED = (".", FILE_NAME, f"{FILE_NAME}-wal")


class KeptReport:
    """Makes the report on the running chip in a directory, and gives it to whoever asks in any thread."""

    def __init__(
        self, directory: Path, make: Callable[[], ChipReport], monotonic_s: Callable[[], float]
    ) -> None:
        """Make a report by `make`; what it raises is raised, and the next who asks tries again."""
        self._directory = directory
        self._make = make
        self._monotonic_s = monotonic_s
        self._making = threading.Lock()
        self._kept: tuple[ChipReport, object, float] | None = None

    def __call__(self) -> ChipReport:
        """Return the report as the chip is now."""
        with self._making:
            mark, now_s = self._mark(), self._monotonic_s()
            if self._kept is not None:
                report, kept_mark, made_at_s = self._kept
                if mark == kept_mark and now_s - made_at_s <= AGE_MAX_S:
                    return report
            report = self._make()
            self._kept = report, mark, now_s
            return report

    def _mark(self) -> tuple[tuple[int, int, int], ...]:
        marks = []
        for name in _WATCHED:
            with suppress(FileNotFoundError):
                found = (self._directory / name).stat()
                marks.append((found.st_ino, found.st_mtime_ns, found.st_size))
        return tuple(marks)
