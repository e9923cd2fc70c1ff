"""An index of households' cells that follows the roster in the store."""

from cloud.store.area import AreaStore
from protocol.packed import read_packed
from protocol.roster import RosterEntry

# How many entries are read at once.
PAGE_ENTRIES = 10_000


class Cells:
    """The latest cell of each household key. The roster was verified when it was stored."""

    def __init__(self) -> None:
        self._cells: dict[bytes, str | None] = {}
        self._length = 0

    def refresh(self, area: AreaStore) -> None:
        """Read entries that were appended since the last call."""
        while entries := area.roster(self._length, PAGE_ENTRIES):
            for signed in entries:
                entry = read_packed(signed.body, RosterEntry)
                self._cells[entry.household_key] = entry.cell
            self._length += len(entries)

    def of(self, household_key: bytes) -> str | None:
        """Return the cell of a household, None if it has none."""
        return self._cells.get(household_key)
