"""Golden files by version: each version that is read has its own, and a released one is for ever."""

import hashlib
import shutil
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from protocol import versions
from protocol.catalogue import Segment
from protocol.envelope import ALL, Address, open_message, seal_message, version_of
from protocol.errors import MessageRefused
from protocol.messages import Hub
from protocol.topics import PublicKind
from tests.support.next_version import NEXT
from tests.unit.protocol.test_envelope import BODIES, KEY, address

GOLDEN = Path(__file__).parent / "golden"
MESSAGES = {
    **{kind.replace("/", "_"): (address(kind), type(body)) for kind, body in BODIES.items()},
    "catalogue_list": (Address("ville", ALL, PublicKind.LIST), Segment),
    "hub": (Address("ville", ALL, PublicKind.HUB), Hub),
}


def digest_of(folder: Path) -> str:
    """Return a digest of all files of a folder, with their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def changed(golden: Path) -> list[str]:
    """Return the released versions whose files are not those of their release."""
    released = tomllib.loads((golden / "released.toml").read_text("utf-8"))
    return [name for name, digest in released.items() if digest_of(golden / name) != digest]


def read_versions() -> range:
    return range(versions.VERSIONS.oldest, versions.VERSIONS.newest + 1)


def check_files_of(version: int) -> None:
    """Open each message of a version, and write it again, to the bit."""
    for name, (place, body_type) in MESSAGES.items():
        payload = bytes.fromhex((GOLDEN / str(version) / f"{name}.hex").read_text())
        assert version_of(payload) == version
        body = open_message(place, payload, KEY.public_key(), body_type)
        assert seal_message(place, body, KEY, version) == payload, name


def test_a_released_version_never_changes():
    assert changed(GOLDEN) == []


def test_a_changed_file_of_a_released_version_is_found(tmp_path):
    shutil.copytree(GOLDEN / "1", tmp_path / "1")
    (tmp_path / "released.toml").write_text(f'1 = "{digest_of(tmp_path / "1")}"\n')
    assert changed(tmp_path) == []
    (tmp_path / "1" / "up_seen.hex").write_text("00\n")
    assert changed(tmp_path) == ["1"]


def test_each_version_that_is_read_has_a_folder_and_no_other_has():
    folders = {path.name for path in GOLDEN.iterdir() if path.is_dir()}
    assert folders == {str(version) for version in read_versions()}


def test_each_version_that_is_read_is_read_and_written_to_the_bit():
    for version in read_versions():
        check_files_of(version)


def test_words_of_the_version_before_are_still_words():
    words = [set((GOLDEN / str(v) / "words.txt").read_text().splitlines()) for v in read_versions()]
    for former, later in pairwise(words):
        assert former <= later


def test_a_next_version_reads_and_writes_this_one_to_the_bit(monkeypatch):
    newest = versions.VERSIONS.newest
    monkeypatch.setattr(versions, "VERSIONS", NEXT)
    check_files_of(newest)


def test_a_version_that_is_no_longer_read_is_refused_by_name(monkeypatch):
    payload = bytes.fromhex((GOLDEN / "1" / "up_seen.hex").read_text())
    monkeypatch.setattr(versions, "VERSIONS", versions.Versions(newest=3))
    place, body_type = MESSAGES["up_seen"]
    with pytest.raises(MessageRefused, match="unknown_version"):
        open_message(place, payload, KEY.public_key(), body_type)


if __name__ == "__main__":
    sys.stdout.write(
        f'{versions.VERSIONS.newest} = "{digest_of(GOLDEN / str(versions.VERSIONS.newest))}"\n'
    )
