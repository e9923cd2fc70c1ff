"""A release shares what it has in common with another, and a full disk leaves nothing half-built."""

import ensurepip
import hashlib
import io
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from protocol.errors import ConfigError
from tests.unit.software.test_receiving import KEY, Archive
from volet.software import building, receiving
from volet.software.manifest import ReleaseFile, sign
from volet.software.places import Places

PIP = next((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
MB = 1 << 20


def wheel(name, version, size=1_000):
    """Return a wheel's file name and bytes; it unpacks to `size` bytes of its own."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"VERSION = '{version}'\n",
        f"{name}/data.bin": version[:1] * size,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in files) + f"{info}/RECORD,,\n"
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        for path, content in files.items():
            packed.writestr(zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED)
    return f"{name}-{version}-py3-none-any.whl", data.getvalue()


def prepare(places, version, *wheels):
    """Do what receiving a release does; return its manifest."""
    parts = [wheel("volet", version), (PIP.name, PIP.read_bytes()), *wheels]
    contents = {"lock.txt": version.encode()} | {f"wheels/{name}": data for name, data in parts}
    files = tuple(
        ReleaseFile(path, hashlib.sha256(data).hexdigest(), len(data))
        for path, data in contents.items()
    )
    changes = {"files": files, "product": f"wheels/{parts[0][0]}", "pip": f"wheels/{PIP.name}"}
    manifest = Archive(version=version, changes=changes).manifest()
    release = places.release(version)
    release.mkdir(parents=True)
    places.wheels.mkdir(exist_ok=True)
    data, signature = sign(manifest, KEY)
    (release / "manifest.json").write_bytes(data)
    (release / "manifest.sig").write_bytes(signature)
    for _, content in parts:
        (places.wheels / hashlib.sha256(content).hexdigest()).write_bytes(content)
    return manifest


def make(places, version, *wheels):
    building.build(places, prepare(places, version, *wheels))


def imported(places, version, name):
    python = places.release(version) / "venv/bin/python"
    command = (python, "-I", "-c", f"import {name}; print({name}.VERSION)")
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def file_in(places, version, name):
    (path,) = places.release(version).glob(f"venv/lib/python3*/site-packages/{name}")
    return path


@pytest.mark.long
def test_a_release_links_what_is_unchanged_where_locks_differ(places):
    same, gone = wheel("same", "1.0"), wheel("gone", "1.0")
    make(places, "0.1.0", same, wheel("other", "1.0"), gone)
    make(places, "0.2.0", same, wheel("other", "2.0"), wheel("new", "1.0"))
    for name in ("same/__init__.py", "same/data.bin", "pip/__init__.py"):
        assert file_in(places, "0.1.0", name).samefile(file_in(places, "0.2.0", name))
    assert imported(places, "0.1.0", "other") == "1.0"
    assert imported(places, "0.2.0", "other") == "2.0"
    assert imported(places, "0.1.0", "volet") == "0.1.0"
    assert imported(places, "0.2.0", "volet") == "0.2.0"
    assert imported(places, "0.2.0", "new") == "1.0"
    assert imported(places, "0.2.0", "gone") == ""
    assert imported(places, "0.1.0", "gone") == "1.0"
    assert imported(places, "0.1.0", "new") == ""


@pytest.mark.long
def test_what_a_release_lost_is_no_loss_for_one_that_shares_with_it(places):
    make(places, "0.1.0", wheel("same", "1.0"))
    make(places, "0.2.0", wheel("same", "1.0"))
    places.remove("0.1.0")
    assert imported(places, "0.2.0", "same") == "1.0"


@pytest.mark.long
def test_what_is_installed_is_compared_with_what_was_signed(places, monkeypatch):
    make(places, "0.1.0", wheel("same", "1.0"))
    run = building._run

    def forgetful(*command):
        if "install" not in command:
            run(*command)

    manifest = prepare(places, "0.2.0", wheel("same", "1.0"), wheel("new", "1.0"))
    monkeypatch.setattr(building, "_run", forgetful)
    with pytest.raises(ConfigError, match="not built as its wheels are: new, volet"):
        building.build(places, manifest)
    assert not places.release("0.2.0").exists()
    assert places.complete() == ["0.1.0"]


@pytest.mark.long
def test_a_release_that_is_here_is_left_as_it_is(places, monkeypatch):
    make(places, "0.1.0")
    monkeypatch.setattr(building, "_run", lambda *_: pytest.fail("it was built anew"))
    building.build(places, places.manifest("0.1.0"))
    assert places.complete() == ["0.1.0"]


@pytest.mark.long
def test_only_wheels_of_releases_that_are_here_are_kept(places):
    make(places, "0.1.0", wheel("same", "1.0"), wheel("old", "1.0"))
    make(places, "0.2.0", wheel("same", "1.0"))
    places.remove("0.1.0")
    places.forget_wheels()
    named = {file.sha256 for file in places.manifest("0.2.0").under("wheels/")}
    assert {path.name for path in places.wheels.iterdir()} == named


def test_what_a_killed_build_leaves_is_removed_at_the_next(places):
    for name in ("releases/0.9.0/venv", "tmpabc"):
        (places.root / name).mkdir(parents=True)
    places.forget_half_built()
    assert not (places.root / "releases/0.9.0").exists()
    assert not (places.root / "tmpabc").exists()


@pytest.mark.long
def test_the_room_that_is_asked_for_is_that_of_what_differs(places, monkeypatch):
    make(places, "0.1.0", wheel("same", "1.0"))
    room = receiving.SPARE_BYTES + 100 * sum(len(wheel(name, "1.0")[1]) for name in ("a", "b"))
    monkeypatch.setattr(receiving.shutil, "disk_usage", lambda _: _Free(room))
    manifest = prepare(places, "0.2.0", wheel("same", "1.0"), wheel("a", "1.0"))
    receiving.check_fits(places, manifest)
    (places.release("0.1.0") / "complete").unlink()  # now pip's 2 MB are to be installed anew
    with pytest.raises(ConfigError, match="MB free"):
        receiving.check_fits(places, manifest)


class _Free:
    def __init__(self, free):
        self.free = free


@pytest.fixture
def small(places):
    """Return places on a disk of 96 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    key = (places.root / "release.pub").read_bytes()
    mount = ("mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", places.root)
    if (done := subprocess.run(mount, capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    (places.root / "release.pub").write_bytes(key)
    yield Places(places.root)
    subprocess.run(("umount", places.root), check=True)


@pytest.mark.long
def test_a_disk_that_fills_up_while_building_leaves_nothing_half_built(small):
    make(small, "0.1.0", wheel("same", "1.0"))
    small.link("current", "0.1.0")
    with pytest.raises(ConfigError, match="disk is full"):
        make(small, "0.2.0", wheel("same", "1.0"), wheel("huge", "1.0", 150 * MB))
    assert small.complete() == ["0.1.0"]
    assert not small.release("0.2.0").exists()
    assert not list(small.root.glob("tmp*"))
    assert imported(small, "0.1.0", "same") == "1.0"
    make(small, "0.2.0", wheel("same", "1.0"), wheel("huge", "1.0", 1))
    assert imported(small, "0.2.0", "volet") == "0.2.0"


def test_a_disk_that_fills_up_while_receiving_leaves_nothing_half_taken(
    small, tmp_path, monkeypatch
):
    (small.root / "ballast").write_bytes(bytes(95 * MB))
    monkeypatch.setattr(receiving.shutil, "disk_usage", lambda _: _Free(1 << 40))
    archive = Archive()
    big = os.urandom(3 * MB)
    name = "wheels/numpy-2.4.6-cp311.whl"
    files = tuple(
        ReleaseFile(file.path, hashlib.sha256(big).hexdigest(), len(big))
        if file.path == name
        else file
        for file in archive.manifest().files
    )
    archive = Archive(files=archive.files | {name: big}, changes={"files": files})
    with pytest.raises(ConfigError, match="is full; nothing was taken"):
        receiving.receive(small, archive.write(tmp_path / "release.tar"))
    assert not small.release("0.2.0").exists()
    assert not list(small.wheels.glob(".*"))
