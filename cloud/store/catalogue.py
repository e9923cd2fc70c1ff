"""What the cloud keeps of the transparency log: the interface.

`CatalogueStore` is reached as `Store.catalogue` and lives in the same store and thread.
"""

from typing import Protocol

from protocol.catalogue import Entry
from protocol.contract import Signed


class CatalogueStore(Protocol):
    """The list and its documents, of which nothing is ever changed or deleted. Raises as `Store`."""

    def append(self, entry: Entry, signed: Signed) -> None:
        """Add an entry and its document at the end; StoreError where the list has grown meanwhile."""

    def length(self) -> int:
        """Return how many entries there are."""

    def entries(self, first: int = 0, limit: int = -1) -> tuple[Entry, ...]:
        """Return entries from number `first` on; at most `limit` if not negative."""

    def document(self, document: bytes) -> Signed | None:
        """Return the listed document of this hash."""
