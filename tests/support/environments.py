"""Temporary Python environments with other versions of Volet's dependencies."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Environment:
    """A virtual environment that runs this checkout's code without installing it."""

    directory: Path

    @property
    def python(self) -> str:
        return str(self.directory / "bin" / "python")

    def run(
        self, *arguments: str, stdin: str = "", within_s: float = 240
    ) -> subprocess.CompletedProcess[str]:
        """Run its Python with `arguments` in the checkout."""
        return subprocess.run(
            [self.python, *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=within_s,
        )


def make_environment(directory: Path, *requirements: str) -> Environment:
    """Make an environment with `requirements`; skip the test if pip reaches no registry."""
    subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
    skip_without_registry(directory)
    environment = Environment(directory)
    installed = environment.run("-m", "pip", "install", "-q", *requirements, within_s=600)
    assert installed.returncode == 0, installed.stderr
    return environment


def skip_without_registry(scratch: Path) -> None:
    """Skip the test, with the reason, if pip reaches no registry."""
    reached = subprocess.run(
        (sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", scratch, "tzdata"),
        capture_output=True,
        text=True,
        check=False,
    )
    if reached.returncode:
        pytest.skip(f"pip reaches no registry: {reached.stderr.splitlines()[-1]}")
