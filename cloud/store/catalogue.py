"""The storage interface of the transparency log.

`CatalogueStore` is available as `Store.catalogue`, in the same store and thread.
"""

from typing import Protocol

from protocol.catalogue import Entry
from protocol.contract import Signed


class CatalogueStore(Protocol):
    """An append-only list and its documents. It raises the same errors as `Store`."""

    def append(self, entry: Entry, signed: Signed) -> None:
        """Append an entry and its document; StoreError if the list has grown meanwhile."""

    def length(self) -> int:
        """Return how many entries there are."""

    def entries(self, first: int = 0, limit: int = -1) -> tuple[Entry, ...]:
        """Return entries from number `first` on; at most `limit` if not negative."""

    def document(self, document: bytes) -> Signed | None:
        """Return the listed document with this hash."""
