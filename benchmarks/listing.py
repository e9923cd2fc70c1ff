"""A chip's memory with a long transparency log, beside a peer that reads every document."""

import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.listing_process import Kept, Memory
from benchmarks.market import listed
from benchmarks.row import Bound, Row, Rows
from benchmarks.timing import scaled
from edge.contracts.catalogue import CatalogueReader
from edge.vault.keyring import Keyring
from edge.vault.signer import Signer
from edge.vault.vault import Vault
from protocol.catalogue import Entry, next_entry, segments_of
from protocol.contract import Signed
from protocol.envelope import ALL, Address, seal_message
from protocol.ids import DeviceId, new_device_id
from protocol.keys import HouseholdSecret
from protocol.topics import PublicKind, listed_topic, page_topic
from system.clock import SystemClock

START, END = date(2026, 1, 1), date(2027, 1, 1)
OFFERS, PROVIDERS = 2_000, 30
# Offers come in four kinds; the fourth follows the market.
MARKET_KIND = 3
RUNS = 3
MEMORY_LIMIT_MB = 100
HERE = Path(__file__).parent
MS = 1_000
MB = 1_000_000


def run(scale: float) -> list[Row]:
    """Measure; raises AssertionError if the chip lacks a document."""
    rows = Rows("listing")
    with tempfile.TemporaryDirectory(dir=HERE) as directory:
        documents = list(listed(START, END, OFFERS, providers=PROVIDERS, step=1))
        size_bytes = sum(len(msgspec.msgpack.encode(signed)) for signed in documents)
        rows.add(
            "the log's documents",
            size_bytes / MB,
            "MB",
            note=f"{OFFERS} offers of {PROVIDERS} providers, a year of quarter-hours' prices",
        )
        _fill(Path(directory), documents)
        for how, name, bound in (
            ("named", "the chip", Bound("below", MEMORY_LIMIT_MB)),
            ("parsed", "a peer that reads every document", None),
        ):
            seen = [_memory(Path(directory), how) for _ in range(scaled(RUNS, scale))]
            rows.add(
                f"{name}, a month priced by the market",
                [each.priced_mb for each in seen],
                "MB resident",
                bound=bound,
                note=f"{seen[0].vault_mb:.0f} MB with the vault alone",
            )
            rows.add(
                f"{name}, to have the log at a start",
                [MS * each.start_s for each in seen],
                "ms CPU",
            )
    return rows.rows


def open_chip(directory: Path, kept: Kept) -> Vault:
    """Open the vault of a chip with the keys in `kept`."""
    household = HouseholdSecret.from_bytes(kept.household)
    key = Ed25519PrivateKey.from_private_bytes(kept.signing_key)
    signer = Signer(kept.collectivity, DeviceId(kept.device), key, household, Keyring(household))
    vault = Vault.open(directory / "chip", signer)
    vault.begin(START)
    vault.catch_up()
    return vault


def _fill(directory: Path, documents: list[Signed]) -> None:
    """Let a chip read the log page by page, as from the broker."""
    platform = Ed25519PrivateKey.generate()
    offers = [signed for signed in documents if signed.kind == "Offer"]
    kept = Kept(
        HouseholdSecret.generate().to_bytes(),
        Ed25519PrivateKey.generate().private_bytes_raw(),
        new_device_id(),
        "benchville",
        platform.public_key().public_bytes_raw(),
        offers[MARKET_KIND].hash,
    )
    (directory / "chip").mkdir()
    (directory / "kept.json").write_bytes(msgspec.json.encode(kept))
    vault = open_chip(directory, kept)
    reader = CatalogueReader(vault, SystemClock(), kept.collectivity, platform.public_key())
    entries: list[Entry] = []
    for signed in documents:
        entries.append(next_entry(entries[-1] if entries else None, signed, START))
    address = Address(kept.collectivity, ALL, PublicKind.LIST)
    for page in segments_of(entries):
        payload = seal_message(address, page, platform)
        reader.take(page_topic(kept.collectivity, page.number), payload)
    for signed in documents:
        topic = listed_topic(kept.collectivity, signed.hash)
        reader.take(topic, msgspec.msgpack.encode(signed))
    assert reader.copy.is_complete
    assert len(reader.copy.catalogue.offers) == OFFERS
    vault.close()


def _memory(directory: Path, how: str) -> Memory:
    command = [sys.executable, "-m", "benchmarks.listing_process", str(directory), how]
    done = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Memory)
