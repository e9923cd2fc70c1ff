"""Measured values: chips by state and software, expiry of certificates."""

from collections.abc import Iterable, Sequence

from cloud.store import Count
from protocol.status import State
from system.certificates import Lifetime
from system.metrics import Point

# A chip reports its software itself, so all but the most common versions are counted together.
SOFTWARES_MAX = 16
OTHERS = "other"
_OFFLINE = {"", *(state for state in State if not state.is_online)}


def chip_points(
    collectivity: str, states: Sequence[Count], softwares: Sequence[Count]
) -> list[Point]:
    """Return a point for all chips and one for each software; counts only, never a chip."""
    tags = {"collectivity": collectivity}
    enrolled = sum(state.count for state in states)
    online = sum(state.count for state in states if state.label not in _OFFLINE)
    common = sorted(softwares, key=lambda software: (-software.count, software.label))
    counts = {software.label: software.count for software in common[:SOFTWARES_MAX]}
    if rest := sum(software.count for software in common[SOFTWARES_MAX:]):
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
    """Return a point for each certificate of the collectivity, never a chip's."""
    return [
        {
            "measurement": "volet_certificate",
            "tags": {"collectivity": collectivity, "name": lifetime.name},
            "fields": {"not_after_timestamp_seconds": int(lifetime.not_after.timestamp())},
        }
        for lifetime in lifetimes
    ]
