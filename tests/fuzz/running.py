"""Runs libFuzzer over one target for a while, from the corpus that earlier runs left."""

import contextlib
import ctypes
import fcntl
import io
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import atheris

from tests.fuzz.tally import Result, Tally

PRODUCT = ["protocol", "system", "tariffs", "edge", "cloud", "trustee", "provider", "monitor"]

# Once for all targets, since it takes half a minute: each is fuzzed in a fork of this process.
with (
    contextlib.redirect_stderr(io.StringIO()),  # a line for each module
    atheris.instrument_imports(include=PRODUCT, enable_loader_override=False),
):
    from tests.fuzz.one import PREPARED, fuzz_here, run_once
    from tests.fuzz.registry import TARGETS

COMMITTED = Path("tests/fuzz/corpus")
INPUT_MAX_BYTES = 64 * 1024
# The parts of a target take 150 to 250 MB with the libraries; an input may not add much to that.
MEMORY_MB = 512
# Of a core. libFuzzer reports what took as long on the clock, which other programs may have taken.
ONE_INPUT_S = 10
NO_END_S = 600
SLICE_S = 300.0
FOUND_MAX = 5
IN_MEMORY = Path("/dev/shm")
SLOW = ("slow-unit-", "timeout-")
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def fuzz_in_turn(names: Collection[str], directory: Path, seconds: float) -> Iterator[Result]:
    """Fuzz for so long in all, the least fuzzed first; leave alone what has found its fill."""
    tally, end, full = Tally(directory, names), time.monotonic() + seconds, set[str]()
    while time.monotonic() < end and full < set(names):
        for name in (each for each in tally.sums() if each not in full):
            with held(directory / name) as is_free:
                if not is_free:
                    continue
                result = fuzz(name, directory / name, min(SLICE_S, end - time.monotonic()))
                tally.add(result)
                yield result
                full |= {name} if len(result.found) >= FOUND_MAX else set()
                break
        else:
            return  # other runs hold all that is left


def fuzz_each(names: Collection[str], directory: Path, seconds: float) -> Iterator[Result]:
    """Fuzz each for so long."""
    tally = Tally(directory, names)
    for name in names:
        result = fuzz(name, directory / name, seconds)
        tally.add(result)
        yield result


@contextlib.contextmanager
def held(place: Path) -> Iterator[bool]:
    """Hold a target's directory; gives false if another run holds it."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def fuzz(name: str, place: Path, seconds: float) -> Result:
    """Fuzz one target in its directory; after something is found, go on for what time is left."""
    corpus, found = place / "corpus", place / "found"
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    begun, executions, cpu_s, peak_mb = time.monotonic(), 0, 0.0, 0
    new: list[str] = []
    while (left := seconds - (time.monotonic() - begun)) > 0 and len(new) < FOUND_MAX:
        before = set(found.iterdir())
        log = place / "last.log"
        options = _options(name, corpus, found, left)
        code, took_s = _in_a_fork(
            lambda scratch, options=options: fuzz_here(TARGETS[name], scratch, options), log
        )
        said = log.read_text(errors="replace")
        executions += int(_number(r"number_of_executed_units:\s*(\d+)", said))
        peak_mb = max(peak_mb, int(_number(r"peak_rss_mb:\s*(\d+)", said)))
        cpu_s += max(took_s - _number(PREPARED + r" ([\d.]+)", said), 0.0)
        artifacts = set(found.iterdir()) - before
        if code and not artifacts:
            raise RuntimeError(f"{name} did not run; see {log}")
        new += [
            str(each.relative_to(place.parent))
            for each in sorted(artifacts)
            if _is_found(name, each, said)
        ]
    kept = sum(1 for _ in corpus.iterdir())
    return Result(name, executions, time.monotonic() - begun, cpu_s, peak_mb, kept, tuple(new))


def _options(name: str, corpus: Path, found: Path, seconds: float) -> tuple[str, ...]:
    return (
        f"-max_total_time={max(int(seconds), 1)}",
        f"-max_len={INPUT_MAX_BYTES}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-timeout={10 * ONE_INPUT_S}",
        f"-report_slow_units={ONE_INPUT_S}",
        f"-artifact_prefix={found}/",
        "-print_final_stats=1",
        "-len_control=0",
        *(str(each) for each in (corpus, COMMITTED / name) if each.exists()),
    )


def _is_found(name: str, artifact: Path, said: str) -> bool:
    """Keep what the process said beside what it found; forget what only waited for a core."""
    if artifact.name.startswith(SLOW) and not _is_slow(name, artifact):
        artifact.unlink()
        return False
    artifact.with_suffix(".log").write_text(said[-20_000:])
    return True


def _is_slow(name: str, artifact: Path) -> bool:
    code, _ = _in_a_fork(
        lambda scratch: run_once(
            TARGETS[name], scratch, artifact.read_bytes(), ONE_INPUT_S, NO_END_S
        ),
        Path(os.devnull),
    )
    return code != 0


def _in_a_fork(work: Callable[[Path], object], log: Path) -> tuple[int, float]:
    """Work in a child of this process, whose output goes to `log`.

    Returns its exit code and how many seconds of a core it had. It ends with this process.
    """
    scratch = tempfile.mkdtemp(dir=IN_MEMORY if IN_MEMORY.exists() else None)
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        with log.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        work(Path(scratch))
        os._exit(0)
    _, status, used = os.wait4(child, 0)
    shutil.rmtree(scratch, ignore_errors=True)
    return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime


def _number(pattern: str, text: str) -> float:
    found = re.findall(pattern, text)
    return float(found[-1]) if found else 0.0
