"""Reports a chip's memory with a long transparency log, from a process that does nothing else.

`python -m benchmarks.listing_process DIRECTORY HOW` imports a chip's modules, opens the vault in
DIRECTORY and prices a month by the market series that the contract's offer names. HOW is `named`,
as the chip reads its copy, or `parsed`: every document read at the start and held, as a peer would.
"""

import importlib
import sys
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from benchmarks.chip_process import PARTS, resident_mb

if TYPE_CHECKING:
    from protocol.contract import Signed
    from protocol.listed import Document
    from protocol.schedule import Schedules

MONTH, NEXT_MONTH = date(2026, 1, 1), date(2026, 2, 1)


class Memory(msgspec.Struct, frozen=True):
    """MB resident with the vault open, with the list, and after a month was priced by it.

    `start_s` is the CPU time from the open vault to the list.
    """

    vault_mb: float
    list_mb: float
    priced_mb: float
    start_s: float


class Kept(msgspec.Struct, frozen=True):
    """What the two processes share: the vault's keys, the platform's, and the contract's offer."""

    household: bytes
    signing_key: bytes
    device: str
    collectivity: str
    platform_key: bytes
    offer: bytes


def main() -> None:
    """Import, read, price, report."""
    for _, modules in PARTS:
        for module in modules:
            importlib.import_module(module)
    directory, how = Path(sys.argv[1]), sys.argv[2]
    kept = msgspec.json.decode((directory / "kept.json").read_bytes(), type=Kept)
    sys.stdout.buffer.write(msgspec.json.encode(_measured(directory, kept, how)))


def _measured(directory: Path, kept: Kept, how: str) -> Memory:
    # Imported after the parts, so that each part's memory counts once.
    from benchmarks.listing import open_chip  # noqa: PLC0415
    from edge.contracts.catalogue import CatalogueReader  # noqa: PLC0415
    from protocol.listed import open_listed, read_signed  # noqa: PLC0415
    from protocol.schedule import Calendar, PriceSeries, Schedules  # noqa: PLC0415
    from system.clock import SystemClock  # noqa: PLC0415

    vault = open_chip(directory, kept)
    vault_mb, begun = resident_mb(), time.process_time()
    platform = Ed25519PublicKey.from_public_bytes(kept.platform_key)
    held: dict[bytes, tuple[Signed, Document]] = {}
    if how == "parsed":
        for name in vault.catalogue.document_sizes():
            signed = read_signed(vault.catalogue.document(name) or b"")
            held[name] = signed, open_listed(signed)
        offer = held[kept.offer][1]
        schedules = Schedules(
            document
            for _, document in held.values()
            if isinstance(document, Calendar | PriceSeries)
        )
    else:
        reader = CatalogueReader(vault, SystemClock(), kept.collectivity, platform)
        assert reader.copy.is_complete
        found = reader.copy.catalogue.document(kept.offer)
        assert found is not None
        offer, schedules = found, reader.copy.catalogue.schedules()
    start_s, list_mb = time.process_time() - begun, resident_mb()
    _price(offer, schedules)
    report = Memory(vault_mb, list_mb, resident_mb(), start_s)
    vault.close()
    return report


def _price(offer: "Document", schedules: "Schedules") -> None:
    from protocol.contract import Offer  # noqa: PLC0415
    from protocol.statement import components  # noqa: PLC0415

    assert isinstance(offer, Offer)
    for part in components(offer.tariffs, MONTH, NEXT_MONTH, schedules):
        part.weights(MONTH)


if __name__ == "__main__":
    main()
