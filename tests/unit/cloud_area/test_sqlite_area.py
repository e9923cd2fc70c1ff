"""The area lane in the SQLite store: the contract, and the way up from version 1."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from cloud.store import Put
from cloud.store.sqlite import schema
from cloud.store.sqlite.store import SqliteStore
from protocol.errors import StoreError
from tests.support.area_household import AreaHousehold
from tests.support.fake_chip import FakeChip
from tests.support.sqlite_store import OnSqlite
from tests.unit.cloud.store_contract import block_item, epoch_item, put
from tests.unit.cloud_area.area_store_contract import AreaStoreContract

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


class TestSqliteArea(OnSqlite, AreaStoreContract):
    pass


def old_store(path, monkeypatch):
    """Make a store as version 1 made it, with a block in it."""
    with monkeypatch.context() as patch:
        patch.setattr(schema, "SCHEMA_VERSION", 1)
        patch.setattr(schema, "_UPGRADES", {})
        patch.setattr(schema, "_check_in_use", lambda *_: None)
        store = SqliteStore.open(path)
        chip = FakeChip()
        store.enrol(chip.enrolment)
        put(store, epoch_item(chip), block_item(chip, 1))
        generation = store.generation
        store.close()
    return chip, generation


def version_of(path):
    with closing(sqlite3.connect(path / "store.db")) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


def test_a_store_of_version_1_is_brought_up_where_it_lies(tmp_path, monkeypatch):
    chip, generation = old_store(tmp_path, monkeypatch)
    assert version_of(tmp_path) == 1
    for _ in range(2):
        store = SqliteStore.open(tmp_path)
        assert store.generation == generation
        assert store.figures().blocks == 1
        assert store.figures().contributions == 0
        store.close()
    assert version_of(tmp_path) == schema.SCHEMA_VERSION
    home = AreaHousehold(chip)
    store = SqliteStore.open(tmp_path)
    item = home.item(home.contribution(20_000, b"d" * 32))
    assert store.area.put_contributions([item], AT) == (Put.STORED,)
    store.close()


def test_an_upgrade_that_is_cut_off_leaves_version_1(tmp_path, monkeypatch):
    _, generation = old_store(tmp_path, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "_UPGRADES", {1: schema._AREA_TABLES + "CREATE TABLE household (x);"})
        with pytest.raises(StoreError):
            SqliteStore.open(tmp_path)
    assert version_of(tmp_path) == 1
    with closing(sqlite3.connect(tmp_path / "store.db")) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema")}
    assert not {name for name in tables if name.startswith("area_")}
    store = SqliteStore.open(tmp_path)
    assert store.generation == generation
    store.close()


def test_a_fresh_store_and_an_upgraded_one_have_the_same_tables(tmp_path, monkeypatch):
    names = ("old", "new")
    for name in names:
        (tmp_path / name).mkdir()
    old_store(tmp_path / "old", monkeypatch)
    tables = []
    for name in names:
        store = SqliteStore.open(tmp_path / name)
        tables.append(store._rows("SELECT type, name, sql FROM sqlite_schema ORDER BY name"))
        store.close()
    assert tables[0] == tables[1]
