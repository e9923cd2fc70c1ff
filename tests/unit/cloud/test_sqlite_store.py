"""The SQLite store: the contract of all stores, and what only a file can suffer."""

import secrets
import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloud.store.sqlite import schema
from cloud.store.sqlite.store import SqliteStore
from protocol.errors import StoreBusy, StoreError
from tests.support.fake_chip import FakeChip
from tests.support.sqlite_store import OnSqlite
from tests.unit.cloud.store_contract import StoreContract, block_item, epoch_item, put


class TestSqliteStore(OnSqlite, StoreContract):
    pass


def test_the_file_is_the_owners_alone_from_the_first_moment(tmp_path):
    SqliteStore.open(tmp_path).close()
    assert stat.S_IMODE((tmp_path / "store.db").stat().st_mode) == 0o600


def test_every_commit_is_on_the_disk(tmp_path):
    store = SqliteStore.open(tmp_path)
    assert store._row("PRAGMA journal_mode") == ("wal",)
    assert store._row("PRAGMA synchronous") == (2,)
    strict = store._rows("SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0")
    assert {name for (name,) in strict} == {"sqlite_schema"}
    store.close()


def test_two_stores_have_two_generations(tmp_path):
    generations = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        store = SqliteStore.open(tmp_path / name)
        generations.add(store.generation)
        store.close()
    assert len(generations) == 2


@pytest.mark.parametrize("page", [2, 5, 9])
def test_a_damaged_file_is_named_with_the_next_step(tmp_path, page):
    store = SqliteStore.open(tmp_path)
    chips = [FakeChip() for _ in range(40)]
    put(store, *(epoch_item(chip) for chip in chips), *(block_item(chip, 1) for chip in chips))
    store.close()
    path = tmp_path / "store.db"
    data = bytearray(path.read_bytes())
    data[4096 * page : 4096 * page + 2048] = secrets.token_bytes(2048)
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"store\.db: the store is damaged .* last backup"):
        SqliteStore.open(tmp_path)


def test_a_file_of_noise_is_refused(tmp_path):
    (tmp_path / "store.db").write_bytes(secrets.token_bytes(8192))
    with pytest.raises(StoreError, match="damaged"):
        SqliteStore.open(tmp_path)


def test_another_programs_database_is_refused_and_not_touched(tmp_path):
    path = tmp_path / "store.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE things (id)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="no store of Volet"):
        SqliteStore.open(tmp_path)
    assert path.read_bytes() == before


def test_a_store_of_a_later_version_is_refused(tmp_path):
    store = SqliteStore.open(tmp_path)
    store._db.execute("PRAGMA user_version = 199")
    store.close()
    with pytest.raises(StoreError, match="version 199"):
        SqliteStore.open(tmp_path)


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(StoreError, match="no such directory"):
        SqliteStore.open(tmp_path / "nowhere")


def test_a_locked_store_is_busy_and_takes_the_batch_when_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "LOCK_WAIT_S", 0.01)
    store, other = SqliteStore.open(tmp_path), SqliteStore.open(tmp_path)
    chip = FakeChip()
    with schema.transaction(other._db), pytest.raises(StoreBusy, match=r"store\.db"):
        put(store, epoch_item(chip))
    put(store, epoch_item(chip))
    assert store.figures().epochs == 1
    store.close()
    other.close()


def test_a_full_disk_is_busy_and_leaves_the_store_as_it_was(tmp_path):
    store = SqliteStore.open(tmp_path)
    chip = FakeChip()
    put(store, epoch_item(chip))
    (pages,) = store._row("PRAGMA page_count")
    store._row(f"PRAGMA max_page_count = {pages + 2}")
    blocks = [block_item(chip, n + 1, j0=n, count=1) for n in range(100)]
    with pytest.raises(StoreBusy, match="full"):
        put(store, *blocks)
    assert store.figures().blocks == 0
    store._row("PRAGMA max_page_count = 1000000")
    put(store, *blocks)
    assert store.figures().blocks == 100
    store.close()


def test_another_process_may_enrol_while_batches_are_stored(tmp_path):
    SqliteStore.open(tmp_path).close()
    chips = [FakeChip() for _ in range(20)]
    begun = threading.Barrier(2)

    def enrol():
        store = SqliteStore.open(tmp_path, is_checked=False)
        begun.wait()
        for chip in chips:
            store.enrol(chip.enrolment)
        store.close()

    def take():
        store = SqliteStore.open(tmp_path, is_checked=False)
        begun.wait()
        for chip in chips:
            put(store, epoch_item(chip), block_item(chip, 1))
        figures = store.figures()
        store.close()
        return figures

    with ThreadPoolExecutor(2) as pool:
        enrolling, taking = pool.submit(enrol), pool.submit(take)
        enrolling.result()
        assert taking.result().blocks == 20
    store = SqliteStore.open(tmp_path)
    assert store.figures().devices == 20
    store.close()


def test_a_store_refuses_another_thread(tmp_path):
    store = SqliteStore.open(tmp_path)
    with ThreadPoolExecutor(1) as pool, pytest.raises(sqlite3.ProgrammingError):
        pool.submit(store.figures).result()
    store.close()
