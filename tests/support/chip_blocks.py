"""The blocks of one chip: those that wait in its vault, and those that the cloud has in the end."""

from collections import Counter
from datetime import date
from pathlib import Path

from cloud.store.sqlite.store import SqliteStore
from edge.vault.reader import read_vault
from edge.vault.rows import BlockState, Key
from tests.support.chip_cloud import opened
from tests.support.chip_town import StoreView

_EVER = date(1970, 1, 1), date(2100, 1, 1)


def waiting_blocks(chip: Path) -> set[Key]:
    """Return the blocks that wait for the cloud, while the chip runs."""
    with read_vault(chip) as vault:
        rows = vault.blocks_between(*_EVER)
    return {Key(row.incarnation, row.sequence) for row in rows if row.state is BlockState.SEALED}


def blocks_in_cloud(cloud: Path, chip: Path) -> Counter[Key]:
    """Return how often the cloud has each block of a chip."""
    store = SqliteStore.open(cloud, is_checked=False)
    try:
        view = StoreView(store, chip)
        blocks = store.blocks_of_days(view.identity.household_key, *_EVER)
    finally:
        store.close()
    return Counter(Key(block.incarnation, block.sequence) for block in blocks)


def check_all_arrived(cloud: Path, chip: Path, waited: set[Key]) -> int:
    """Check, once the chip is stopped, that the cloud has all its blocks once, and their values.

    `waited` are blocks that must be among them. Returns how many the cloud has.
    """
    arrived = blocks_in_cloud(cloud, chip)
    twice = [key for key, times in arrived.items() if times > 1]
    assert not twice, f"{len(twice)} blocks are there twice"
    assert not waited - arrived.keys(), f"{len(waited - arrived.keys())} blocks are lost"
    with read_vault(chip) as vault:
        rows = vault.blocks_between(*_EVER)
        values = {(each.day, each.j): each.energy_wh for each in vault.values.intervals(*_EVER)}
    own = [row for row in rows if row.state is not BlockState.SUPERSEDED]
    assert {row.state for row in own} == {BlockState.STORED}
    assert {Key(row.incarnation, row.sequence) for row in own} == arrived.keys()
    store = SqliteStore.open(cloud, is_checked=False)
    try:
        in_cloud = opened(StoreView(store, chip), StoreView(store, chip).identity)
    finally:
        store.close()
    assert values.items() <= in_cloud.items()
    return arrived.total()
