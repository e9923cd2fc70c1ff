"""A database is read as it stands, whether its program runs, has ended, or its card is read-only."""

import fcntl
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge.vault.database import FILE_NAME, open_database
from edge.vault.moving import take_image
from system.backup.database import copy_database

READERS = {
    "status": lambda path: open_database(path, is_read_only=True).close(),
    "image": take_image,
    "backup": lambda path: copy_database(path, lambda: path.parent).close(),
}
ROOT = Path(__file__).parents[3]


def make_vault(directory):
    """Make the vault of a chip that has stopped."""
    directory.mkdir(exist_ok=True)
    path = directory / FILE_NAME
    database = open_database(path)
    database.execute("INSERT INTO notices VALUES (1, 2, 'kind', 'detail')")
    database.close()
    path.with_name(f"{path.name}.lock").touch()
    return path


@pytest.mark.parametrize("reader", READERS)
def test_a_stopped_chip_is_read_and_nothing_is_left_beside_it(tmp_path, reader):
    path = make_vault(tmp_path / "chip")
    before = sorted(path.parent.iterdir())
    READERS[reader](path)
    assert sorted(path.parent.iterdir()) == before


@contextmanager
def read_only(directory):
    """Mount a directory over itself so that nothing can be written, root included."""
    mounted = (
        subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode
        == 0
        and not subprocess.run(
            ["mount", "--bind", str(directory), str(directory)], capture_output=True, check=False
        ).returncode
    )
    if not mounted:
        pytest.skip("this process may not mount, so no card can be made read-only")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(directory)], check=True)
        yield
    finally:
        subprocess.run(["umount", str(directory)], check=True)


@pytest.mark.parametrize("has_lock", [True, False])
@pytest.mark.parametrize("reader", READERS)
def test_a_stopped_chip_is_read_from_a_card_that_is_read_only(tmp_path, reader, has_lock):
    path = make_vault(tmp_path / "chip")
    if not has_lock:
        path.with_name(f"{path.name}.lock").unlink()
    with read_only(path.parent):
        READERS[reader](path)


def kill_beside(path):
    """Commit a notice and be killed, so that it stands in the log beside the database only."""
    program = (
        "import os, signal, sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute(\"INSERT INTO notices VALUES (2, 3, 'kind', 'new')\")\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.with_name(f"{path.name}-wal").stat().st_size


@pytest.mark.parametrize("has_index", [True, False])
@pytest.mark.parametrize("reader", READERS)
def test_a_killed_chip_is_read_from_a_card_that_is_read_only(tmp_path, reader, has_index):
    path = make_vault(tmp_path / "chip")
    kill_beside(path)
    if not has_index:
        path.with_name(f"{path.name}-shm").unlink()
    with read_only(path.parent):
        READERS[reader](path)
        (tmp_path / "image").write_bytes(take_image(path))
    with closing(sqlite3.connect(tmp_path / "image")) as copy:
        assert copy.execute("SELECT count(*) FROM notices").fetchone() == (2,)


@pytest.mark.parametrize("name", ["#1", "why?mode=rw", "100%41"])
@pytest.mark.parametrize("reader", ["status", "image"])
def test_any_name_of_a_directory_is_read(tmp_path, reader, name):
    READERS[reader](make_vault(tmp_path / name))


@pytest.mark.parametrize("reader", READERS)
def test_a_chip_that_runs_is_read_with_what_it_committed_last(tmp_path, reader):
    path = make_vault(tmp_path / "chip")
    with (
        path.with_name(f"{path.name}.lock").open() as lock,
        closing(sqlite3.connect(path, isolation_level=None)) as chip,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        chip.execute("INSERT INTO notices VALUES (2, 3, 'kind', 'new')")
        READERS[reader](path)
        (tmp_path / "image").write_bytes(take_image(path))
        with closing(sqlite3.connect(tmp_path / "image")) as copy:
            assert copy.execute("SELECT count(*) FROM notices").fetchone() == (2,)


def test_only_one_module_builds_the_uri_of_a_database_to_read():
    found = {
        str(path.relative_to(ROOT))
        for package in ("cloud", "edge", "protocol", "system", "volet")
        for path in (ROOT / package).rglob("*.py")
        if "mode=ro" in path.read_text()
    }
    assert found == {"system/read_only.py"}
