"""The sealed part of a backup: a manifest and files, streamed without keeping them in memory."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

import msgspec

from protocol.backup import (
    MANIFEST_LENGTH_BYTES,
    BackupEntry,
    Header,
    Manifest,
    damaged,
    stream_key,
)
from protocol.chunks import open_chunks
from protocol.errors import CipherError
from protocol.packed import read_packed

PART_BYTES = 1 << 20


def parts_of(manifest: bytes, contents: Sequence[BinaryIO]) -> Iterator[bytes]:
    """Yield the data to seal: the manifest, then each file from its beginning."""
    yield len(manifest).to_bytes(MANIFEST_LENGTH_BYTES, "big") + manifest
    for content in contents:
        content.seek(0)
        while part := content.read(PART_BYTES):
            yield part


def digest_of(content: BinaryIO) -> tuple[int, bytes]:
    """Return a file's size and SHA-256."""
    content.seek(0)
    digest, size_bytes = hashlib.sha256(), 0
    while part := content.read(PART_BYTES):
        digest.update(part)
        size_bytes += len(part)
    return size_bytes, digest.digest()


def unpack(
    file: BinaryIO,
    head: tuple[Header, bytes],
    secret: bytes,
    name: str,
    take: Callable[[BackupEntry, bytes], None] = lambda _entry, _part: None,
) -> Manifest:
    """Open the stream after `head`, check every file, and pass its parts to `take`.

    Each file comes as an empty part followed by its contents. `secret` is the lock's; `name` names
    the backup in errors.

    Raises:
        ConfigError: it is cut short, damaged or altered.
    """
    file.seek(len(head[1]))
    reader = _PartReader(open_chunks(stream_key(secret, head[1]), file.read))
    try:
        length = int.from_bytes(reader.exactly(MANIFEST_LENGTH_BYTES), "big")
        if length > head[0].size_bytes:
            raise damaged(name)
        manifest = read_packed(reader.exactly(length), Manifest)
        for entry in manifest.files:
            digest, left = hashlib.sha256(), entry.size_bytes
            take(entry, b"")
            while left:
                part = reader.some(left)
                digest.update(part)
                take(entry, part)
                left -= len(part)
            if digest.digest() != entry.digest:
                raise damaged(name)
        reader.end()
    except (CipherError, msgspec.MsgspecError) as exc:
        raise damaged(name) from exc
    return manifest


class _PartReader:
    """Reads counted bytes from parts of any size. Raises CipherError if there are too few."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._buffer = memoryview(b"")

    def some(self, at_most: int) -> bytes:
        """Return 1 to `at_most` bytes."""
        if not self._buffer:
            part = next(self._parts, b"")
            self._buffer = memoryview(part)
        if not self._buffer:
            raise CipherError("the stream is too short")
        taken, self._buffer = self._buffer[:at_most], self._buffer[at_most:]
        return bytes(taken)

    def exactly(self, count: int) -> bytes:
        """Return exactly `count` bytes."""
        parts = []
        while count:
            parts.append(self.some(count))
            count -= len(parts[-1])
        return b"".join(parts)

    def end(self) -> None:
        """Check that nothing follows."""
        if self._buffer or any(self._parts):
            raise CipherError("the stream is too long")
