"""Messages that come in parts: joined in bounded memory, and known by their hash."""

from collections import OrderedDict

from protocol.errors import MessageRefused, Reason

BYTES_MAX = 256 * 1024 * 1024
WHOLES_MAX = 64


class Assembly:
    """Parts that wait for the others; when there are too many the oldest whole is forgotten."""

    def __init__(self, bytes_max: int = BYTES_MAX, wholes_max: int = WHOLES_MAX) -> None:
        """Allow so many bytes and wholes to wait at once."""
        self._bytes_max = bytes_max
        self._wholes_max = wholes_max
        self._size_bytes = 0
        self._parts: OrderedDict[bytes, tuple[int, dict[int, bytes]]] = OrderedDict()

    def add(self, name: bytes, page: int, pages: int, data: bytes) -> bytes | None:
        """Take one part of the whole called `name`; returns the whole once it is there.

        Raises:
            MessageRefused: the part does not fit the others.
        """
        known, parts = self._parts.setdefault(name, (pages, {}))
        if known != pages or page >= pages or parts.get(page, data) != data:
            self._forget(name)
            raise MessageRefused(Reason.MALFORMED, "pages that do not fit each other")
        if page not in parts:
            parts[page] = data
            self._size_bytes += len(data)
        if len(parts) == pages:
            whole = b"".join(parts[number] for number in range(pages))
            self._forget(name)
            return whole
        while len(self._parts) > self._wholes_max or self._size_bytes > self._bytes_max:
            self._forget(next(iter(self._parts)))
        return None

    def _forget(self, name: bytes) -> None:
        _, parts = self._parts.pop(name)
        self._size_bytes -= sum(map(len, parts.values()))
