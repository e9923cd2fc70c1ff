"""Each attack on the page succeeds once the guard that stops it is gone, and its test is red."""

import os
import subprocess
import sys

import pytest

from tests.support.environments import ROOT
from tests.support.page_sabotage import GUARDS, WITHOUT

pytestmark = pytest.mark.long
TESTS_FAILED = 1  # pytest's exit code; another one says that they did not run


@pytest.mark.parametrize("name", GUARDS)
def test_an_attack_is_noticed_where_its_guard_is_gone(name, tmp_path):
    options = "-q", "-n", "0", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'tests'}"
    plugin = "-p", "tests.support.page_sabotage"
    done = subprocess.run(
        (sys.executable, "-m", "pytest", *plugin, *options, GUARDS[name].test),
        cwd=ROOT,
        env=os.environ | {WITHOUT: name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == TESTS_FAILED, done.stdout + done.stderr
    assert " failed" in done.stdout.splitlines()[-1]
