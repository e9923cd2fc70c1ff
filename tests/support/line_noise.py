"""Corrupts frames as a bad line does."""

from random import Random

# Labels with a value in which swapping two digits leaves the checksum unchanged.
_INDICES = (b"EAST", b"EASF01", b"EASF02", b"BASE", b"HCHC", b"HCHP", b"EJPHN", b"BBRHPJB")


def corrupt(frame: bytes, random: Random) -> bytes:
    """Return the frame with errors: hit, cut short, or wrong with a matching checksum."""
    kind = random.randrange(3)
    if kind == 0:
        return _hit(frame, random)
    if kind == 1:
        return frame[: random.randrange(1, len(frame))]
    return _lie(frame, random)


def _hit(frame: bytes, random: Random) -> bytes:
    hit = bytearray(frame)
    for _ in range(random.randrange(1, 30)):
        hit[random.randrange(len(hit))] = random.randrange(128)
    return bytes(hit)


def _lie(frame: bytes, random: Random) -> bytes:
    """Swap two digits of an index, at the kWh or above; the group's sum stays the same."""
    groups = frame.split(b"\n")
    numbers = [n for n, group in enumerate(groups) if group.startswith(_INDICES)]
    number = random.choice(numbers)
    group = bytearray(groups[number])
    begin = next(at for at, byte in enumerate(group) if byte in b" \t") + 1
    places = range(begin, begin + 5)
    first, second = random.sample(places, 2)
    group[first], group[second] = group[second], group[first]
    groups[number] = bytes(group)
    return b"\n".join(groups)
