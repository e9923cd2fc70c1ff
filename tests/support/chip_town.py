"""A view of the store for tests after chip, broker and worker have run as programs."""

from datetime import date
from pathlib import Path

from cloud.store.sqlite.store import SqliteStore
from edge.identity.enrolment import load_identity

MONTH = date(2026, 1, 1)


class StoreView:
    """A household's part of a town's store."""

    def __init__(self, store: SqliteStore, chip: Path) -> None:
        self.store = store
        self.identity = load_identity(chip)

    def payloads(self) -> tuple[list[bytes], list[bytes]]:
        key = self.identity.household_key
        epochs = self.store.epochs(key)
        blocks = self.store.blocks_of_days(key, date(1970, 1, 1), date(2100, 1, 1))
        return [epoch.payload for epoch in epochs], [block.payload for block in blocks]
