"""A release goes back to the one before, which works on what a later one has added to its files."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cloud.release.pages import roster_pages
from cloud.store.sqlite import schema
from cloud.store.sqlite.store import SqliteStore
from edge.vault import database
from edge.vault.database import FILE_NAME, open_database
from protocol.errors import StoreError
from protocol.trustee_messages import Answer
from system.schema_version import is_usable
from tests.support.chip_bench import PLATFORM_KEY, Bench, instant, make_identity
from tests.support.chip_cloud import FakeCloud, opened
from tests.support.later_schema import add_later_schema
from tests.support.sqlite_store import OnSqlite
from tests.support.trustee_area import DAY, NEAR, TrusteeArea, ask
from tests.unit.cloud.store_contract import StoreContract
from tests.unit.cloud_area.area_store_contract import AreaStoreContract
from trustee import database as trustee_database
from trustee.log import TrusteeLog
from trustee.words import check_chain

ROOT = Path(__file__).parents[3]


class OnLaterSchema(OnSqlite):
    """The fixtures of contract tests, over a file to which a later release has added."""

    @pytest.fixture
    def reopen(self, tmp_path):
        SqliteStore.open(tmp_path).close()
        add_later_schema(tmp_path / "store.db")
        open_now = []

        def reopen():
            if open_now:
                open_now.pop().close()
            open_now.append(SqliteStore.open(tmp_path))
            return open_now[0]

        yield reopen
        for store in open_now:
            store.close()


class TestStoreOnLaterSchema(OnLaterSchema, StoreContract):
    pass


class TestAreaOnLaterSchema(OnLaterSchema, AreaStoreContract):
    pass


def test_a_chip_meters_on_in_a_vault_to_which_a_later_release_has_added(tmp_path):
    identity = make_identity()
    bench = Bench(
        tmp_path / "chip", FakeCloud(identity, PLATFORM_KEY), identity, instant(2026, 3, 1)
    )
    bench.begin()
    bench.run(96 * 2)
    bench.connect(is_online=False)
    bench.run(96, with_pump=False)
    bench.kill()  # with a full outbox
    add_later_schema(tmp_path / "chip" / FILE_NAME)
    bench.is_online = True
    bench.begin()
    bench.run(96 * 2)
    bench.settle()
    bench.kill()
    values, expected = opened(bench.cloud, identity), bench.expected()
    assert bench.cloud.refused == []
    closed = {day for day, j in values if j == 127}
    assert len(closed) >= 4
    assert all(values[day, j] == wh for (day, j), wh in expected.items() if day in closed)


def test_a_trustee_answers_on_in_a_database_to_which_a_later_release_has_added(tmp_path):
    area = TrusteeArea()
    kept = TrusteeLog.open(tmp_path)
    trustee = area.trustee(0, kept)
    assert isinstance(ask(trustee, area.request()), Answer)
    kept.close()
    add_later_schema(tmp_path / trustee_database.FILE_NAME)
    with closing(TrusteeLog.open(tmp_path)) as kept:
        trustee = area.trustee(0, kept)
        late = area.join(NEAR, start=DAY - 90)
        for page in roster_pages(len(area.entries) - 1, area.entries[-1:]):
            trustee.take(page)
        trustee.take_key_shares(late.topic, area.letters(late))
        kept.put_sealing_key(area.today + 400, bytes(32))
        kept.count("later")
        area.today += 1
        assert isinstance(ask(trustee, area.request(area.near, day=DAY + 1)), Answer)
        assert len(kept.entries(trustee.identity.name, 0)) == 2
        check_chain(kept.entries(trustee.identity.name, 0), trustee.identity)
        trustee.expire()


@pytest.mark.parametrize(
    ("path", "open_file", "known"),
    [
        (FILE_NAME, lambda path: open_database(path).conn, database.SCHEMA_VERSION),
        ("store.db", lambda path: SqliteStore.open(path.parent), schema.SCHEMA_VERSION),
        (
            trustee_database.FILE_NAME,
            lambda path: TrusteeLog.open(path.parent),
            trustee_database.SCHEMA_VERSION,
        ),
    ],
)
def test_a_file_of_the_next_hundred_is_refused(tmp_path, path, open_file, known):
    file = tmp_path / path
    open_file(file).close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {known // 100 * 100 + 100}")
    with pytest.raises(StoreError, match="version"):
        open_file(file)


@pytest.mark.parametrize(
    ("version", "known", "usable"),
    [
        (9, 10, True),
        (10, 10, True),
        (99, 10, True),
        (100, 10, False),
        (99, 100, True),
        (0, 1, False),
    ],
)
def test_a_hundred_of_versions_only_adds(version, known, usable):
    assert is_usable(version, known) is usable


def test_rows_are_inserted_by_the_names_of_their_columns():
    """Else a column that a later release adds would break the one before."""
    sources = [
        path for party in ("cloud", "edge", "trustee") for path in ROOT.glob(f"{party}/**/*.py")
    ]
    texts = {
        str(path): re.findall(r"INTO [a-z_]+ VALUES", path.read_text("utf-8")) for path in sources
    }
    assert {name: found for name, found in texts.items() if found} == {}
