"""Splits long messages to trustees into pages, and joins the pages of their answers."""

from collections.abc import Iterator, Sequence

import msgspec

from protocol.governance import CosignedDocument
from protocol.roster import SignedEntry
from protocol.trustee_messages import (
    PAGE_BYTES,
    AnswerPage,
    CosignedPage,
    RequestPage,
    RosterPage,
    SignedRequest,
    ToTrustee,
    pages_of,
)

# The bytes that MessagePack may add to each entry's body and signature.
_ENTRY_OVERHEAD_BYTES = 10


def request_pages(signed: SignedRequest) -> list[ToTrustee]:
    """Return a signed request in pages."""
    parts = pages_of(msgspec.msgpack.encode(signed))
    return [
        ToTrustee(RequestPage(signed.request.id, page, len(parts), data))
        for page, data in enumerate(parts)
    ]


def cosigned_pages(cosigned: CosignedDocument) -> list[ToTrustee]:
    """Return a signed document in pages."""
    parts = pages_of(msgspec.msgpack.encode(cosigned))
    return [
        ToTrustee(CosignedPage(cosigned.hash, page, len(parts), data))
        for page, data in enumerate(parts)
    ]


def roster_pages(first: int, entries: Sequence[SignedEntry]) -> Iterator[ToTrustee]:
    """Yield signed entries in pages; the first entry has number `first`."""
    page: list[tuple[bytes, bytes]] = []
    size = 0
    for place, entry in enumerate(entries):
        needed = len(entry.body) + len(entry.signature) + _ENTRY_OVERHEAD_BYTES
        if page and size + needed > PAGE_BYTES:
            yield ToTrustee(RosterPage(first + place - len(page), tuple(page)))
            page, size = [], 0
        page.append((entry.body, entry.signature))
        size += needed
    if page:
        yield ToTrustee(RosterPage(first + len(entries) - len(page), tuple(page)))


class Collector:
    """Collects the pages of one answer, in any order, with repetitions."""

    def __init__(self) -> None:
        self._pages: dict[int, bytes] = {}
        self._count = 0

    def add(self, page: AnswerPage) -> bytes | None:
        """Add a page; return the whole answer once it is complete.

        A different page count starts anew. A trustee's answer is always the same bytes, so the
        earlier pages belonged to another answer.
        """
        if page.pages != self._count:
            self._pages, self._count = {}, page.pages
        if page.page < page.pages:
            self._pages[page.page] = page.data
        if len(self._pages) < self._count:
            return None
        return b"".join(self._pages[number] for number in range(self._count))
