"""Fuzzes one target in this process, or runs it over one input."""

import random
import resource
import signal
import sys
import time
from pathlib import Path

import atheris
import structlog

from tests.fuzz.mutator import mutate
from tests.fuzz.target import Prepared, Target

# Before how many seconds of a core it took to make the target's parts.
PREPARED = "prepared with"


def fuzz_here(target: Target, directory: Path, options: tuple[str, ...]) -> None:
    """Run libFuzzer with its `options` until it ends this process, or an input raises.

    The last of the options that is no flag, but for the first, is only read.
    """
    prepared = _prepare(target, directory)
    corpus = next(Path(each) for each in options if not each.startswith("-"))
    for number, seed in enumerate(prepared.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    mutator = {"custom_mutator": _mutated} if target.is_packed else {}
    atheris.Setup(["fuzz", *options], prepared.run, **mutator)
    sys.stderr.write(f"{PREPARED} {time.process_time():.2f}\n")
    sys.stderr.flush()
    atheris.Fuzz()


def run_once(target: Target, directory: Path, data: bytes, core_s: int, without_end_s: int) -> None:
    """Run over one input; the system ends this process after `core_s` of a core."""
    prepared = _prepare(target, directory)
    used_s = int(time.process_time()) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used_s + core_s, hard))
    signal.alarm(without_end_s)
    prepared.run(data)


def _prepare(target: Target, directory: Path) -> Prepared:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    return target.prepare(directory)


def _mutated(data: bytes, max_size: int, seed: int) -> bytes:
    return mutate(data, max_size, seed, _change_bytes)


def _change_bytes(data: bytes, max_size: int) -> bytes:
    if not data:
        return random.randbytes(8)
    return atheris.Mutate(data, max(max_size, len(data)))
