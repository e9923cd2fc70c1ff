"""`./run setup` and `./run lock` in a copy of the project, against the registry."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.environments import ROOT, skip_without_registry

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

LOCKS = ("all.txt", "edge.txt", "cloud.txt", "hardware.txt", "fleet.txt")
_HASH = re.compile(r"sha256:[0-9a-f]{64}")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What `./run setup` reads, without an environment."""
    skip_without_registry(tmp_path)
    project = tmp_path / "project"
    shutil.copytree(ROOT / "packaging", project / "packaging")
    for name in ("run", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, project / name)
    return project


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ("./run", *arguments),
        cwd=project,
        env=os.environ | {"UV_NO_CACHE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_lock_is_what_pyproject_resolves_to(copy):
    # Its own stamp: nothing may be installed into the environment that is lent to it.
    (copy / ".venv").mkdir()
    (copy / ".venv/bin").symlink_to(ROOT / ".venv/bin")
    (copy / ".venv/.volet-installed").write_text("all")
    before = {name: (copy / "packaging/lock" / name).read_text() for name in LOCKS}
    done = run(copy, "lock")
    assert done.returncode == 0, done.stderr
    assert {name: (copy / "packaging/lock" / name).read_text() for name in LOCKS} == before


def test_a_package_that_is_not_the_locked_one_is_not_installed(copy):
    lock = copy / "packaging/lock/edge.txt"
    parts = lock.read_text().partition("webencodings==")
    forged = _HASH.sub("sha256:" + 64 * "0", parts[2])
    lock.write_text(parts[0] + parts[1] + forged)
    done = run(copy, "setup", "edge")
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert not list(copy.glob(".venv/lib/*/site-packages/numpy"))
