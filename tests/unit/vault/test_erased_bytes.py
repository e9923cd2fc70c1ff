"""What a chip or a trustee deletes is gone from the file's bytes, not only from its tables."""

import secrets

import pytest

from edge.identity.enrolment import signer_of
from edge.vault.vault import Vault
from tests.support.chip_bench import make_identity
from trustee.log import TrusteeLog

PAGES = 8
PAGE_BYTES = 4_096


def opened_vault(directory):
    vault = Vault.open(directory, signer_of(make_identity()))
    return vault, vault._database


def opened_log(directory):
    log = TrusteeLog.open(directory)
    return log, log._db


@pytest.mark.parametrize("opened", [opened_vault, opened_log])
@pytest.mark.parametrize("size_bytes", [32, PAGES * PAGE_BYTES], ids=["a_row", "whole_pages"])
def test_what_is_deleted_is_overwritten_in_the_file(tmp_path, opened, size_bytes):
    owner, database = opened(tmp_path)
    secret = secrets.token_bytes(size_bytes)
    database.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY, value BLOB NOT NULL)")
    database.execute("INSERT INTO kept VALUES (1, ?), (2, ?)", [secret, bytes(size_bytes)])
    written = on_disk(database, tmp_path)
    assert secret[:32] in written
    database.execute("DELETE FROM kept WHERE id = 1")
    assert secret[:32] not in on_disk(database, tmp_path)
    owner.close()


def on_disk(database, directory) -> bytes:
    """Return the bytes of all of a database's files, with its journal written back."""
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())
