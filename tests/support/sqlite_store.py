"""The SQLite store for the contract tests of stores, which need to open it again."""

import pytest

from cloud.store.sqlite.store import SqliteStore


class OnSqlite:
    """Fixtures of contract tests: `store`, and `reopen` for the same file."""

    @pytest.fixture
    def reopen(self, tmp_path):
        open_now = []

        def reopen():
            if open_now:
                open_now.pop().close()
            open_now.append(SqliteStore.open(tmp_path))
            return open_now[0]

        yield reopen
        for store in open_now:
            store.close()

    @pytest.fixture
    def store(self, reopen):
        return reopen()
