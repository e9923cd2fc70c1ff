"""`./run fuzz [TARGET…] --for SECONDS`: libFuzzer over each target, from the corpus that it left.

Inputs that reach something new are kept in build/fuzz/TARGET/corpus, and what raises, takes more
than ten seconds or too much memory in build/fuzz/TARGET/found. A found input belongs into
tests/fuzz/corpus/TARGET once it is mended: the tests replay it.
"""

import argparse
import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import atheris
import click
import msgspec

PRODUCT = ["protocol", "system", "tariffs", "edge", "cloud", "trustee", "provider"]

# Once for all targets, since it takes half a minute: each is fuzzed in a fork of this process.
with (
    contextlib.redirect_stderr(io.StringIO()),  # a line for each module
    atheris.instrument_imports(include=PRODUCT, enable_loader_override=False),
):
    from tests.fuzz.one import fuzz_here
    from tests.fuzz.registry import TARGETS

BUILD = Path("build/fuzz")
COMMITTED = Path("tests/fuzz/corpus")
INPUT_MAX_BYTES = 64 * 1024
# The parts of a target take 150 to 250 MB with the libraries; an input may not add much to that.
MEMORY_MB = 512
ONE_INPUT_S = 10
FOUND_MAX = 5
IN_MEMORY = Path("/dev/shm")


@dataclass
class Result:
    """What a run over one target showed."""

    target: str
    executions: int = 0
    seconds: float = 0.0
    peak_mb: int = 0
    corpus: int = 0
    found: tuple[str, ...] = ()


def fuzz(name: str, seconds: int) -> Result:
    """Fuzz one target; after something is found, go on for what time is left."""
    place = BUILD / name
    corpus, found = place / "corpus", place / "found"
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    committed = COMMITTED / name
    result, begun = Result(name), time.monotonic()
    new: set[Path] = set()
    while (left := seconds - (time.monotonic() - begun)) > 0 and len(new) < FOUND_MAX:
        before = set(found.iterdir())
        options = (
            f"-max_total_time={max(int(left), 1)}",
            f"-max_len={INPUT_MAX_BYTES}",
            f"-rss_limit_mb={MEMORY_MB}",
            f"-timeout={ONE_INPUT_S}",
            f"-artifact_prefix={found}/",
            "-print_final_stats=1",
            "-len_control=0",
            *(str(each) for each in (corpus, committed) if each.exists()),
        )
        code = _in_a_fork(name, options, place / "last.log")
        said = (place / "last.log").read_text(errors="replace")
        result.executions += _number(r"number_of_executed_units:\s*(\d+)", said)
        result.peak_mb = max(result.peak_mb, _number(r"peak_rss_mb:\s*(\d+)", said))
        found_now = set(found.iterdir()) - before
        new |= found_now
        if code and not found_now:
            raise RuntimeError(f"{name} did not run; see {place / 'last.log'}")
        for each in found_now:
            each.with_suffix(".log").write_text(said[-20_000:])
            new.discard(each.with_suffix(".log"))
    result.seconds = time.monotonic() - begun
    result.corpus = sum(1 for _ in corpus.iterdir())
    result.found = tuple(sorted(str(each) for each in new))
    return result


def _in_a_fork(name: str, options: tuple[str, ...], log: Path) -> int:
    """Fuzz in a child of this process, whose output goes to `log`; returns its exit code."""
    scratch = tempfile.mkdtemp(dir=IN_MEMORY if IN_MEMORY.exists() else None)
    child = os.fork()
    if child == 0:
        with log.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        fuzz_here(TARGETS[name], Path(scratch), options)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    shutil.rmtree(scratch, ignore_errors=True)
    return os.waitstatus_to_exitcode(status)


def _number(pattern: str, text: str) -> int:
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def in_words(result: Result) -> str:
    """Return a line about a result."""
    found = f"FOUND {', '.join(result.found)}" if result.found else "nothing found"
    return (
        f"{result.target:<32}{result.executions:>10} executions{result.seconds:>8.0f} s"
        f"{result.peak_mb:>6} MB{result.corpus:>7} inputs kept  {found}"
    )


def main() -> None:
    """Fuzz the named targets, or all of them; exit code 1 if something was found."""
    parser = argparse.ArgumentParser(prog="./run fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--for", dest="seconds", type=int, default=60, help="seconds a target")
    chosen = parser.parse_args()
    if unknown := set(chosen.targets) - TARGETS.keys():
        parser.error(f"no target is called {', '.join(sorted(unknown))}")
    BUILD.mkdir(parents=True, exist_ok=True)
    has_found = False
    with (BUILD / "results.jsonl").open("ab") as results:
        for name in chosen.targets or list(TARGETS):
            result = fuzz(name, chosen.seconds)
            click.echo(in_words(result))
            results.write(msgspec.json.encode(asdict(result)) + b"\n")
            results.flush()
            has_found |= bool(result.found)
    sys.exit(1 if has_found else 0)


if __name__ == "__main__":
    main()
