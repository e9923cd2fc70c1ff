"""What took long because other programs had the cores is not slow; what takes a core for long is."""

import os
import signal

import pytest

pytest.importorskip("atheris")

from tests.fuzz.one import run_once
from tests.fuzz.target import Prepared, Target


def spin(_data):
    while True:
        pass


def status_of(run, directory):
    child = os.fork()
    if child == 0:
        run_once(Target("any", lambda _: Prepared(run)), directory, b"", 1, 60)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_an_input_that_takes_a_core_for_long_is_ended(tmp_path):
    assert status_of(spin, tmp_path) == -signal.SIGXCPU


def test_an_input_that_takes_little_is_not(tmp_path):
    assert status_of(len, tmp_path) == 0
