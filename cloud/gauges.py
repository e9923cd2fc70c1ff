"""What stands still long enough to be measured rather than counted: when certificates end."""

from collections.abc import Iterable

from system.certificates import Lifetime

Point = dict[str, object]


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
