"""The suite itself: what a test leaves running fails that test."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sweeps import swept

ROOT = Path(__file__).parents[2]

LEAVES_THREAD = """
import threading
def test_leaves_a_thread(): threading.Thread(target=threading.Event().wait, daemon=True).start()
"""
LEAVES_TASK = """
import asyncio
loops = []
def test_leaves_a_task():
    loop = asyncio.new_event_loop()
    loops.append((loop, loop.create_task(asyncio.sleep(60), name="forgotten")))
    loop.run_until_complete(asyncio.sleep(0))
"""
LEAVES_NOTHING = """
import asyncio, threading
def test_leaves_nothing():
    thread = threading.Thread(target=lambda: None); thread.start()
    asyncio.run(asyncio.sleep(0))
"""


@pytest.mark.parametrize(
    ("source", "said"),
    swept(
        [
            (LEAVES_THREAD, "threads left running"),
            (LEAVES_TASK, "tasks left running: ['forgotten']"),
            (LEAVES_NOTHING, "1 passed"),
        ],
        3,
    ),
)
def test_test_that_leaves_something_running_fails(tmp_path, source, said):
    (tmp_path / "test_inner.py").write_text(source)
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_inner.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in done.stdout
    assert (done.returncode == 0) is (source is LEAVES_NOTHING)
