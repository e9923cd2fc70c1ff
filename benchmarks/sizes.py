"""The size of a household's month on the wire and in the cloud's store."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.household import (
    COLLECTIVITY,
    DAYS,
    READINGS_A_MONTH,
    Chip,
    Month,
    month_of_readings,
)
from benchmarks.mqtt_size import TLS_RECORD_BYTES, exchange_bytes
from benchmarks.row import Bound, Rows
from cloud.ingest.pipeline import Ingest
from cloud.store.sqlite.store import SqliteStore
from protocol.household import EpochPad as Pad
from protocol.messages import COEFFICIENT_BYTES
from protocol.status import State, Status, encode_status, whole_hour
from protocol.topics import Kind, device_topic
from system.mqtt.message import Incoming, Outgoing

MONTH_LIMIT_BYTES = 45_000
STATUS_A_DAY = 1


class Cloud:
    """Ingest with its own store in `directory`."""

    def __init__(self, directory: Path, chips: Iterable[Chip]) -> None:
        self.store = SqliteStore.open(directory)
        for chip in chips:
            self.store.enrol(chip.enrolment)
        key = Ed25519PrivateKey.generate()
        self._ingest = Ingest(self.store, COLLECTIVITY, key, lambda: datetime.now(UTC))

    def take(self, messages: list[Incoming]) -> tuple[Outgoing, ...]:
        """Process a batch, which must be stored completely, and return the acks."""
        processed = self._ingest.process(messages)
        assert not processed.refused, processed.refused
        return processed.outgoing


def wire(rows: Rows, month: Month, directory: Path) -> float:
    """Send a month in both rhythms and count every byte of MQTT; returns the bytes per day."""
    chip = month.chip
    cloud = Cloud(directory, [chip])
    daily = _month_bytes(cloud, chip, lambda pad: chip.daily_blocks(pad, month.readings_wh))
    month_bytes = rows.add(
        "wire, a month, daily rhythm",
        daily.mqtt_bytes,
        "bytes",
        bound=Bound("below", MONTH_LIMIT_BYTES),
        note="header, 31 blocks, a start, acks, signatures, MQTT",
    )
    rows.add(
        "wire, the same in TLS 1.3 records",
        daily.mqtt_bytes + daily.packets * TLS_RECORD_BYTES,
        "bytes",
        note=f"{daily.packets} packets, each in a record of its own",
    )
    again = _month_bytes(cloud, chip, lambda _: ())
    rows.add(
        "wire, each further start",
        again.mqtt_bytes,
        "bytes",
        note="header, fetch, acks; splits the day's block besides",
    )
    rows.add("wire, a reading", month_bytes / READINGS_A_MONTH, "bytes", note="all of it counted")
    rows.add("ciphertext, a reading", COEFFICIENT_BYTES, "bytes")
    other = Chip.generate()
    cloud.store.enrol(other.enrolment)
    quarterly = _month_bytes(
        cloud, other, lambda pad: other.quarter_hourly_blocks(pad, month.readings_wh)
    )
    rows.add("wire, a month, quarter-hourly rhythm", quarterly.mqtt_bytes, "bytes")
    cloud.store.close()
    topic = device_topic(COLLECTIVITY, chip.device, Kind.STATUS)
    status_bytes = exchange_bytes(topic, usual_status())
    rows.add(
        "beside the lane: status, a month",
        status_bytes * STATUS_A_DAY * len(DAYS),
        "bytes",
        note="daily, in clear, no reading; changes come on top",
    )
    return month_bytes / len(DAYS)


def usual_status() -> bytes:
    """Return the status of a chip on which nothing is amiss."""
    now = datetime.now(UTC)
    return encode_status(
        Status(
            state=State.READY,
            at=whole_hour(now),
            software=version("volet"),
            boot="5f0c1e9a7b32",
            tic_mode="standard",
            line_quality=1.0,
            clock_offset_s=0,
            not_after=whole_hour(now),
            disk_free_mb=21_300,
            written_mb_a_day=20,
            temperature_c=45,
            undervoltage=False,
        )
    )


@dataclass(slots=True)
class _Traffic:
    mqtt_bytes: int = 0
    packets: int = 0

    def count(self, message: Incoming | Outgoing) -> None:
        self.mqtt_bytes += exchange_bytes(message.topic, message.payload)
        self.packets += 2


def _month_bytes(cloud: Cloud, chip: Chip, blocks: Callable[[Pad], Iterable[Incoming]]) -> _Traffic:
    """Send a month message by message, so that each has its own ack."""
    traffic = _Traffic()
    pad = chip.new_pad()
    for message in (chip.header(pad), chip.fetch(), *blocks(pad)):
        traffic.count(message)
        for ack in cloud.take([message]):
            traffic.count(ack)
    return traffic


def stored(rows: Rows, households: int, directory: Path) -> None:
    """Fill a store with the month of some households and measure its growth."""
    chips = [Chip.generate() for _ in range(households)]
    cloud = Cloud(directory, chips)
    empty_bytes = cloud.store.figures().size_bytes
    rng = np.random.default_rng(2)
    for chip in chips:
        pad = chip.new_pad()
        cloud.take([chip.header(pad), *chip.daily_blocks(pad, month_of_readings(rng))])
    figures = cloud.store.figures()
    assert figures.blocks == households * len(DAYS)
    stored_bytes = (figures.size_bytes - empty_bytes) / households
    cloud.store.close()
    rows.add("stored in the cloud, a reading", stored_bytes / READINGS_A_MONTH, "bytes")
    rows.add(
        "stored in the cloud, a month", stored_bytes, "bytes", note="indices, signed originals"
    )
