"""The table of units in docs/reference/units.md, from packaging/units."""

from collections.abc import Callable, Iterator
from pathlib import Path

UNITS = Path(__file__).parents[1] / "packaging/units"


def settings(unit: Path) -> Iterator[tuple[str, str]]:
    """Yield (key, value) for each setting of a unit."""
    for line in unit.read_text("utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            yield key, value


def units(table: Callable[..., str]) -> str:
    """Return what each unit runs, as whom, and what it may write and open."""
    rows = []
    for unit in sorted(UNITS.iterdir()):
        known: dict[str, list[str]] = {}
        for key, value in settings(unit):
            known.setdefault(key, []).append(value)
        runs = known.get("ExecStart") or known.get("OnCalendar")
        waits = known.get("ListenSequentialPacket") or [
            f"ports {', '.join(known.get('ListenStream', []))}"
        ]
        command = (runs or waits)[-1]
        states = [f"/var/lib/{state}" for state in known.get("StateDirectory", [])]
        states += [f"/var/cache/{cache}" for cache in known.get("CacheDirectory", [])]
        states += [f"/run/{state}" for state in known.get("RuntimeDirectory", [])]
        devices = [device.split()[0] for device in known.get("DeviceAllow", [])]
        is_alone = "yes" in known.get("PrivateNetwork", [])
        rows.append(
            (
                f"[`{unit.name}`](../../packaging/units/{unit.name})",
                f"`{command.rpartition('bin/')[2] or command}`",
                known.get("User", ["root" if unit.suffix == ".service" else ""])[0],
                _listed(states + known.get("ReadWritePaths", [])),
                _listed(devices),
                "" if unit.suffix in {".timer", ".socket"} else "no" if is_alone else "yes",
            )
        )
    return table(("unit", "runs", "as", "writes", "opens", "network"), rows)


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
