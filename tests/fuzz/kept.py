"""The corpus and the tally that the project keeps, so that fuzzing goes on from them elsewhere.

`build/fuzz` is the machine's own and ends with it. Seeds are made anew by each run and not kept.
"""

import io
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path

from system.files import write_public
from tests.fuzz.tally import NAME

KEPT = Path(__file__).parent / "kept"
CORPUS = "corpus.tar.xz"
SEED = "seed-"


def keep(directory: Path, targets: Collection[str], kept: Path = KEPT) -> int:
    """Pack the corpora of `targets` and the tally; return how many inputs there are.

    The same inputs give the same bytes.
    """
    kept.mkdir(parents=True, exist_ok=True)
    packed, count = io.BytesIO(), 0
    with tarfile.open(fileobj=packed, mode="w:xz", preset=9) as archive:
        for path in _inputs(directory, targets):
            entry = tarfile.TarInfo(str(path.relative_to(directory)))
            entry.size = path.stat().st_size
            archive.addfile(entry, io.BytesIO(path.read_bytes()))
            count += 1
    write_public(kept / CORPUS, packed.getvalue())
    write_public(kept / NAME, (directory / NAME).read_bytes())
    return count


def resume(directory: Path, kept: Path = KEPT) -> None:
    """Put corpora and tally where a first run goes on from them; an older tally stays as it is."""
    if (directory / NAME).exists() or not (kept / NAME).exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    with tarfile.open(kept / CORPUS) as archive:
        for entry in archive:
            path = directory / entry.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.extractfile(entry).read())
    write_public(directory / NAME, (kept / NAME).read_bytes())


def _inputs(directory: Path, targets: Collection[str]) -> Iterator[Path]:
    for name in sorted(targets):
        for path in sorted((directory / name / "corpus").glob("*")):
            if not path.name.startswith(SEED):
                yield path
