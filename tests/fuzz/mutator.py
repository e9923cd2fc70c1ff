"""Mutates MessagePack by its values, so that most inputs stay in canonical form."""

import random
from collections.abc import Callable
from typing import Any

import msgspec

NUMBERS = (
    *(0, 1, -1, 2, 31, 32, 96, 127, 128, 255, 256, 1_439, 20_000, 2**15, 2**16, 2**31, 2**32),
    *(-(2**31), 2**40, 2**53, 2**60, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 0.0, -0.5, 1e308),
    *(float("inf"), float("nan")),
)
TEXTS = (
    "",
    "a",
    "\0",
    "\n",
    "é" * 40,
    "\ud7ff",
    "𝟙",
    "9" * 400,
    "NaN",
    "1e999",
    "-0",
    "2026-02-30",
)
BYTES_MOST = 4_096

Path = tuple[int | str, ...]


def mutate(
    data: bytes, max_size: int, seed: int, change_bytes: Callable[[bytes, int], bytes]
) -> bytes:
    """Change one to three values in `data`, or its bytes if it is no MessagePack."""
    rng = random.Random(seed)
    try:
        value = msgspec.msgpack.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return change_bytes(data, max_size)
    if rng.random() < 0.15:
        return change_bytes(data, max_size)
    for _ in range(rng.randint(1, 3)):
        paths = list(_paths(value, ()))
        value = _changed(value, rng.choice(paths), rng, change_bytes)
    try:
        changed = msgspec.msgpack.encode(value)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError, TypeError):
        return change_bytes(data, max_size)
    return changed if len(changed) <= max_size else change_bytes(data, max_size)


def _paths(value: Any, at: Path):
    yield at
    if isinstance(value, list):
        for number, each in enumerate(value[:64]):
            yield from _paths(each, (*at, number))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _paths(each, (*at, key))


def _changed(value: Any, path: Path, rng: random.Random, change_bytes) -> Any:
    if path:
        first, *rest = path
        new = list(value) if isinstance(value, list) else dict(value)
        if not rest and isinstance(value, list) and rng.random() < 0.3:
            return _with_other_length(new, first, rng)
        new[first] = _changed(value[first], tuple(rest), rng, change_bytes)
        return new
    return _other(value, rng, change_bytes)


def _with_other_length(items: list, at: int, rng: random.Random) -> list:
    match rng.randrange(4):
        case 0:
            del items[at]
        case 1:
            items.insert(at, items[at])
        case 2:
            items.insert(at, items[rng.randrange(len(items))])
        case _:
            items += [items[at]] * rng.choice((1, 2, 16, 300))
    return items


def _other(value: Any, rng: random.Random, change_bytes) -> Any:
    if rng.random() < 0.1:
        return rng.choice((None, True, [], {}, b"", "", 0, *NUMBERS))
    if isinstance(value, bytes):
        return _other_bytes(value, rng, change_bytes)
    if isinstance(value, int) and not isinstance(value, bool):
        near = value + rng.choice((-1, 1, 7, -256, 65_536))
        return rng.choice((near, -value, value * 2, *NUMBERS))
    if isinstance(value, str):
        return rng.choice((value[::-1], value + value, value[:-1], value.upper(), *TEXTS))
    if isinstance(value, list):
        return value[: rng.randint(0, len(value))]
    return rng.choice((True, False, *NUMBERS))


def _other_bytes(value: bytes, rng: random.Random, change_bytes) -> bytes:
    """Return other bytes; bytes that may be a message within the message keep its form."""
    is_list = bool(value) and 0x80 <= value[0] <= 0x9F
    if is_list and rng.random() < 0.5:
        return mutate(value, BYTES_MOST, rng.getrandbits(32), change_bytes)
    return rng.choice(
        (
            lambda: rng.randbytes(len(value)),
            lambda: value[: rng.randint(0, len(value))],
            lambda: (value + bytes(rng.choice((1, 8, 64))))[:BYTES_MOST],
            lambda: change_bytes(value, max(len(value), 1)),
        )
    )()
