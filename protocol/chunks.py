"""A stream of bytes sealed in chunks, for data that does not fit in memory.

This is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015) over
ChaCha20-Poly1305 with chunks of 1 MiB. The nonce is the chunk's number and a byte that is 1 in the
last chunk, so no chunk can be left out, moved, repeated or added. A key seals only one stream.
"""

from collections.abc import Callable, Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from protocol.errors import CipherError

CHUNK_BYTES = 1 << 20
TAG_BYTES = 16
_COUNTER_BYTES = 11


def sealed_size(size_bytes: int) -> int:
    """Return the sealed size, in bytes, of a stream of `size_bytes`."""
    chunks = max(1, -(-size_bytes // CHUNK_BYTES))
    return size_bytes + chunks * TAG_BYTES


def seal_chunks(key: bytes, parts: Iterable[bytes]) -> Iterator[bytes]:
    """Seal a stream, given in parts of any size, with a key (32 bytes) of its own."""
    cipher, waiting, number = ChaCha20Poly1305(key), bytearray(), 0
    for part in parts:
        waiting += part
        while len(waiting) > CHUNK_BYTES:  # keep one chunk back, as it may be the last
            chunk, waiting = bytes(waiting[:CHUNK_BYTES]), waiting[CHUNK_BYTES:]
            yield cipher.encrypt(_nonce(number, is_last=False), chunk, None)
            number += 1
    yield cipher.encrypt(_nonce(number, is_last=True), bytes(waiting), None)


def open_chunks(key: bytes, read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Open the output of `seal_chunks`; `read(n)` returns up to n bytes, b"" at the end.

    Each part is authenticated before it is yielded. Only the end proves that none is missing.

    Raises:
        CipherError: the stream was cut, altered or extended, or sealed with another key.
    """
    cipher, number = ChaCha20Poly1305(key), 0
    chunk = _read_whole(read)
    while True:
        following = _read_whole(read)
        try:
            yield cipher.decrypt(_nonce(number, is_last=not following), chunk, None)
        except InvalidTag as exc:
            raise CipherError(f"chunk {number} does not open") from exc
        if not following:
            return
        chunk, number = following, number + 1


def _read_whole(read: Callable[[int], bytes]) -> bytes:
    """Read one sealed chunk, however little `read` returns at a time."""
    parts, left = [], CHUNK_BYTES + TAG_BYTES
    while left and (part := read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(_COUNTER_BYTES, "big") + bytes([is_last])
