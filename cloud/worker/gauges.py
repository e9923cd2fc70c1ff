"""What is measured rather than counted: chips by state and software, when certificates end."""

from collections.abc import Iterable, Sequence

from cloud.store import Count
from protocol.status import State
from system.certificates import Lifetime

Point = dict[str, object]

# A chip names its software itself; what is rarer than the first few counts together.
SOFTWARES_MAX = 16
OTHERS = "other"
_OFFLINE = {"", *(state for state in State if not state.is_online)}


def chip_points(
    collectivity: str, states: Sequence[Count], softwares: Sequence[Count]
) -> list[Point]:
    """Return a point of all chips and one of each software; counts only, never a chip."""
    tags = {"collectivity": collectivity}
    enrolled = sum(each.count for each in states)
    online = sum(each.count for each in states if each.label not in _OFFLINE)
    common = sorted(softwares, key=lambda each: (-each.count, each.label))
    counts = {each.label: each.count for each in common[:SOFTWARES_MAX]}
    if rest := sum(each.count for each in common[SOFTWARES_MAX:]):
        counts[OTHERS] = counts.get(OTHERS, 0) + rest
    chips: Point = {
        "measurement": "volet_devices",
        "tags": tags,
        "fields": {"enrolled": enrolled, "online": online},
    }
    by_software: list[Point] = [
        {
            "measurement": "volet_chips_by_software",
            "tags": {**tags, "software": label},
            "fields": {"chips": count},
        }
        for label, count in sorted(counts.items())
    ]
    return [chips, *by_software]


def certificate_points(collectivity: str, lifetimes: Iterable[Lifetime]) -> list[Point]:
    """Return a point of each certificate of the collectivity's; no chip's."""
    return [
        {
            "measurement": "volet_certificate",
            "tags": {"collectivity": collectivity, "name": each.name},
            "fields": {"not_after_timestamp_seconds": int(each.not_after.timestamp())},
        }
        for each in lifetimes
    ]
