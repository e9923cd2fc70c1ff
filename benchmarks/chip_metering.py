"""A chip's vault over some days of frames, and the time of each quarter-hour."""

import resource
import time
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.metering.events import QuarterHourClosed
from edge.metering.meter import Meter
from edge.metering.state import (
    MeteringSettings,
)
from edge.simulate.host import host_time_at
from edge.tic.decoder import Decoder
from edge.vault.keyring import Keyring
from edge.vault.signer import Signer
from edge.vault.vault import Vault
from protocol.ids import new_device_id
from protocol.keys import HouseholdSecret

MONTH = date(2026, 1, 1)
FRAME_END = b"\x03"
BLOCK_BYTES = 512  # of getrusage(2)


class Metered(msgspec.Struct, frozen=True):
    """The time of each quarter-hour, their total energy, and what went to the disk for them."""

    cpu_s: tuple[float, ...]
    wall_s: tuple[float, ...]
    energy_wh: int
    written_bytes: int


class Report(msgspec.Struct, frozen=True):
    """A chip's memory part by part (name, MB resident after it), and its metering."""

    parts: tuple[tuple[str, float], ...]
    rest_mb: float
    threads: int
    metered: Metered


def encode(report: Report) -> bytes:
    """Encode a report as JSON."""
    return msgspec.json.encode(report)


def open_vault(directory: Path) -> Vault:
    """Open a new vault as an enrolled chip does, ready to encrypt."""
    household = HouseholdSecret.from_bytes(HouseholdSecret.generate().to_bytes())
    signer = Signer(
        "benchville", new_device_id(), Ed25519PrivateKey.generate(), household, Keyring(household)
    )
    vault = Vault.open(directory, signer)
    vault.begin(MONTH)
    vault.catch_up()
    return vault


def meter(vault: Vault, data: bytes) -> Metered:
    """Meter frames, one per quarter-hour; time the work for each, including its commit."""
    decoder, metering = Decoder(), Meter(settings=MeteringSettings(is_simulated=True))
    host = host_time_at(datetime.now(UTC))
    cpu_s: list[float] = []
    wall_s: list[float] = []
    energy_wh = 0
    before = _written_bytes()
    for text in data.split(FRAME_END)[:-1]:
        (frame,) = decoder.feed(text + FRAME_END)
        begun_cpu, begun = time.process_time(), time.perf_counter()
        events = metering.observe(frame, host)
        if not events:
            continue
        vault.record(events, metering.state)
        cpu_s.append(time.process_time() - begun_cpu)
        wall_s.append(time.perf_counter() - begun)
        energy_wh += sum(
            event.energy_wh for event in events if isinstance(event, QuarterHourClosed)
        )
    return Metered(tuple(cpu_s), tuple(wall_s), energy_wh, _written_bytes() - before)


def _written_bytes() -> int:
    """Return what this process has given to a disk, as the kernel counts: whole pages."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_oublock * BLOCK_BYTES
