"""`./run fuzz [TARGET…] --for SECONDS`: libFuzzer over targets, from the corpus that it left.

Inputs that reach something new are kept in build/fuzz/TARGET/corpus, and what raises, takes more
than ten seconds or too much memory in build/fuzz/TARGET/found. A found input belongs into
tests/fuzz/corpus/TARGET once it is mended: the tests replay it.

A long run takes the target that had the least time of a core so far, five minutes of it, then the
next. It may be ended at any time, and several may run at once. A directory without a tally begins
with what the project keeps in tests/fuzz/kept; `--keep` puts there what the directory has.
"""

import argparse
import importlib
import sys
from pathlib import Path

import click

from tests.fuzz.kept import KEPT, keep, resume
from tests.fuzz.tally import Result, Tally

BUILD = Path("build/fuzz")


def in_words(result: Result) -> str:
    """Return a line about a slice."""
    found = f"FOUND {', '.join(result.found)}" if result.found else "nothing found"
    return (
        f"{result.target:<32}{result.executions:>10} executions{result.seconds:>8.0f} s"
        f"{result.peak_mb:>6} MB{result.corpus:>7} inputs kept  {found}"
    )


def main() -> None:
    """Fuzz the named targets, or all of them; exit code 1 if something was found."""
    parser = argparse.ArgumentParser(prog="./run fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all, if none is named")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--for", dest="in_all_s", type=int, metavar="SECONDS", help="in all")
    what.add_argument("--each", dest="each_s", type=int, metavar="SECONDS", help="each target")
    what.add_argument("--tally", action="store_true", help="say what each target has had so far")
    what.add_argument(
        "--keep", action="store_true", help="put corpus and tally into tests/fuzz/kept"
    )
    parser.add_argument("--in", dest="directory", type=Path, default=BUILD, metavar="DIRECTORY")
    chosen = parser.parse_args()
    # Code that has been loaded can no longer be instrumented.
    fuzzing = importlib.import_module(
        f"tests.fuzz.{'registry' if chosen.tally or chosen.keep else 'running'}"
    )
    if unknown := set(chosen.targets) - fuzzing.TARGETS.keys():
        parser.error(f"no target is called {', '.join(sorted(unknown))}")
    names = chosen.targets or list(fuzzing.TARGETS)
    resume(chosen.directory)
    if chosen.keep:
        click.echo(f"{keep(chosen.directory, names)} inputs kept in {KEPT}")
        return
    if chosen.tally:
        click.echo("\n".join(Tally(chosen.directory, names).lines()))
        return
    results = (
        fuzzing.fuzz_in_turn(names, chosen.directory, chosen.in_all_s)
        if chosen.in_all_s
        else fuzzing.fuzz_each(names, chosen.directory, chosen.each_s or 60)
    )
    has_found = False
    for result in results:
        click.echo(in_words(result))
        sys.stdout.flush()
        has_found |= bool(result.found)
    sys.exit(1 if has_found else 0)


if __name__ == "__main__":
    main()
