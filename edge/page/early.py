"""Whether the chip was not enrolled yet when it answered last, for pages that it does not answer.

The page is started anew for a visit and cannot look into the chip's directory, so it notes this in its
own.
"""

from contextlib import suppress
from pathlib import Path

from protocol.errors import ConfigError
from system.files import write_public

FILE_NAME = "not-enrolled"


class EarlyNote:
    """The note of one page."""

    def __init__(self, directory: Path) -> None:
        """Read what stands in `directory`."""
        self._path = directory / FILE_NAME
        self.is_early = self._path.exists()

    def note(self, *, is_early: bool) -> None:
        """Note what the chip has answered; one that cannot be kept ends with the page."""
        if is_early == self.is_early:
            return
        self.is_early = is_early
        with suppress(ConfigError, OSError):
            if is_early:
                write_public(self._path, b"")
            else:
                self._path.unlink(missing_ok=True)
