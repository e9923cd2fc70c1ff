"""Reassembles messages that arrive in parts, in bounded memory."""

from collections import OrderedDict

from protocol.errors import MessageRefused, Reason

BYTES_MAX = 256 * 1024 * 1024
WHOLES_MAX = 64


class Assembly:
    """Parts of incomplete messages; if there are too many, the oldest message is dropped."""

    def __init__(self, bytes_max: int = BYTES_MAX, wholes_max: int = WHOLES_MAX) -> None:
        """Keep at most `bytes_max` bytes of `wholes_max` incomplete messages."""
        self._bytes_max = bytes_max
        self._wholes_max = wholes_max
        self._size_bytes = 0
        self._parts: OrderedDict[bytes, tuple[int, dict[int, bytes]]] = OrderedDict()

    def add(self, name: bytes, page: int, pages: int, data: bytes) -> bytes | None:
        """Add a part of the message `name`; return the message once it is complete.

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
