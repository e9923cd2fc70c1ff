"""What a web server serves is laid out from an archive, and only from what its maker signed."""

import hashlib
import os

import pytest
from click.testing import CliRunner

from protocol.errors import ConfigError, DocumentRefused
from tests.unit.software.test_fetching import PEM
from tests.unit.software.test_receiving import FILES, Archive
from volet.software.cli import software
from volet.software.fetching import own_kind
from volet.software.publishing import lay_out


def archive(tmp_path, **given):
    made = Archive(**given)
    made.files = {"release.pub": PEM, **made.files}
    return made.write(tmp_path / "release.tar")


def files_in(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_files_lie_by_hash_and_the_manifest_by_kind_of_machine(tmp_path):
    manifest, key = lay_out(archive(tmp_path), tmp_path / "www")
    kind, data = own_kind(), (tmp_path / "www" / own_kind() / "manifest.json").read_bytes()
    assert files_in(tmp_path / "www") == {
        f"{kind}/manifest.json",
        f"{kind}/{hashlib.sha256(data).hexdigest()}.sig",
        *(f"files/{file.sha256}" for file in manifest.files),
    }
    assert key == hashlib.sha256(PEM).hexdigest()


def test_everything_may_be_read_by_the_server(tmp_path):
    before = os.umask(0o077)
    try:
        given = ["publish", str(archive(tmp_path)), "--out", str(tmp_path / "www")]
        done = CliRunner().invoke(software, given)
    finally:
        os.umask(before)
    assert f"release 0.2.0 for {own_kind()}" in done.output
    for path in (tmp_path / "www", *(tmp_path / "www").rglob("*")):
        assert path.stat().st_mode & 0o004, path
        assert path.is_file() or path.stat().st_mode & 0o001, path


def test_an_upgrade_needs_only_what_is_new(tmp_path):
    lay_out(archive(tmp_path), tmp_path / "www")
    few = {"lock.txt": FILES["lock.txt"]}
    manifest, _ = lay_out(archive(tmp_path, version="0.3.0", files=few), tmp_path / "www")
    assert manifest.version == "0.3.0"
    assert len(list((tmp_path / "www" / own_kind()).glob("*.sig"))) == 2


def test_what_lacks_files_or_has_others_is_not_offered(tmp_path):
    lay_out(archive(tmp_path), tmp_path / "www")
    before = (tmp_path / "www" / own_kind() / "manifest.json").read_bytes()
    few = {"lock.txt": FILES["lock.txt"]}
    with pytest.raises(DocumentRefused, match="has no"):
        lay_out(archive(tmp_path, version="0.3.0", files=few), tmp_path / "other")
    spoilt = FILES | {"wheels/numpy-2.4.6-cp311.whl": b"x"}
    with pytest.raises(DocumentRefused, match="not what"):
        lay_out(archive(tmp_path, version="0.3.0", files=spoilt), tmp_path / "third")
    for folder in ("other", "third"):
        assert not list((tmp_path / folder).glob("*/manifest.json"))
    assert (tmp_path / "www" / own_kind() / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("pem", [b"", b"none", PEM.replace(b"MCow", b"MCox")])
def test_an_archive_without_its_makers_key_is_refused(tmp_path, pem):
    made = Archive(files={"release.pub": pem, **FILES})
    with pytest.raises(DocumentRefused, match="key"):
        lay_out(made.write(tmp_path / "release.tar"), tmp_path / "www")


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "www").write_bytes(b"a file")
    with pytest.raises(ConfigError, match="cannot be written"):
        lay_out(archive(tmp_path), tmp_path / "www")
