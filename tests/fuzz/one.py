"""Fuzzes one target in this process."""

import random
from pathlib import Path

import atheris
import structlog

from tests.fuzz.mutator import mutate
from tests.fuzz.target import Target


def fuzz_here(target: Target, directory: Path, options: tuple[str, ...]) -> None:
    """Run libFuzzer with its `options` until it ends this process, or an input raises.

    The last of the options that is no flag, but for the first, is only read.
    """
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    prepared = target.prepare(directory)
    corpus = next(Path(each) for each in options if not each.startswith("-"))
    for number, seed in enumerate(prepared.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    mutator = {"custom_mutator": _mutated} if target.is_packed else {}
    atheris.Setup(["fuzz", *options], prepared.run, **mutator)
    atheris.Fuzz()


def _mutated(data: bytes, max_size: int, seed: int) -> bytes:
    return mutate(data, max_size, seed, _change_bytes)


def _change_bytes(data: bytes, max_size: int) -> bytes:
    if not data:
        return random.randbytes(8)
    return atheris.Mutate(data, max(max_size, len(data)))
