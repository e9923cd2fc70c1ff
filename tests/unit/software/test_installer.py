"""The installer uses a whole archive alone, and runs Volet out of the few wheels that it unpacks."""

import hashlib
import os
import platform
import re
import signal
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.support.environments import ROOT
from tests.unit.software.test_building import PIP, wheel
from tests.unit.software.test_receiving import Archive
from volet.software.manifest import ReleaseFile
from volet.software.places import LINKED_UNITS

INSTALLER = (ROOT / "packaging/install").read_text()


def unpacked(names, to):
    """Return the path of modules that the installer has; Volet's are those of the checkout."""
    to.mkdir()
    for found in map(distribution, names):
        for part in {file.parts[0] for file in found.files} - {".."}:
            if not (to / part).exists():
                (to / part).symlink_to(found.locate_file(part))
    return f"{to}:{ROOT}"


@pytest.mark.long
def test_the_packages_that_the_installer_unpacks_are_enough_to_install_a_release(places, tmp_path):
    """Also on a system that has no zone files."""
    (listed,) = re.findall(r"^ *for name in volet (.*); do$", INSTALLER, re.MULTILINE)
    wheels = dict([wheel("volet", "0.2.0"), (PIP.name, PIP.read_bytes())])
    contents = {"lock.txt": b"volet"} | {f"wheels/{name}": data for name, data in wheels.items()}
    signed = tuple(
        ReleaseFile(path, hashlib.sha256(data).hexdigest(), len(data))
        for path, data in contents.items()
    )
    named = {"files": signed, "pip": f"wheels/{PIP.name}"}
    archive = Archive(files=contents, changes=named).write(tmp_path / "archive.tar")
    done = subprocess.run(
        (
            *(sys.executable, "-S", "-m", "volet.main"),
            *("software", "install", archive, "--root", places.root),
        ),
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": unpacked(listed.split(), tmp_path / "own"),
            "PYTHONTZPATH": "",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, places.complete()) == (0, ["0.2.0"]), done.stderr


def unpack(archive, to):
    """Return a directory with what the archive holds."""
    to.mkdir()
    subprocess.run(("tar", "xf", archive, "-C", to), check=True)
    return to


def check(unpacked_at, releases):
    """Run the installer's check of an unpacked archive, on a machine with these releases."""
    own = INSTALLER.removesuffix('main "$@"\nexit\n}\n').replace(
        "root=/opt/volet", f"root={releases}"
    )
    assert own.count(str(releases)) == 1
    return subprocess.run(
        ("sh", "-c", f"{own}\ncheck_archive\n}}"),
        cwd=unpacked_at,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def archive(tmp_path):
    return unpack(Archive().write(tmp_path / "archive.tar"), tmp_path / "volet")


def paths(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".sig")


def test_a_whole_archive_is_used(archive, tmp_path):
    done = check(archive, tmp_path / "opt")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("spoil", ["missing", "cut", "changed", "empty"])
def test_an_archive_that_was_copied_in_part_is_refused_in_a_sentence(archive, tmp_path, spoil):
    for path in paths(archive):
        data = path.read_bytes()
        if spoil == "missing":
            path.unlink()
        else:
            path.write_bytes({"cut": data[:-1], "changed": b"~" + data[1:], "empty": b""}[spoil])
        done = check(archive, tmp_path / "opt")
        assert done.returncode == 1, path
        assert done.stderr.startswith("install: the archive is not whole, "), path
        assert "copy the archive again" in done.stderr
        assert done.stderr.count("\n") == 1
        path.write_bytes(data)


def test_an_upgrade_may_lack_wheels_that_are_here(archive, tmp_path):
    (numpy,) = archive.glob("wheels/numpy*")
    data = numpy.read_bytes()
    numpy.unlink()
    releases = tmp_path / "opt"
    (releases / "wheels").mkdir(parents=True)
    (releases / "wheels" / hashlib.sha256(data).hexdigest()).write_bytes(data)
    assert check(archive, releases).returncode == 0


@pytest.mark.parametrize("changes", [{"architecture": "aarch64"}, {"python": "3.13"}])
def test_an_archive_for_another_machine_is_refused_before_anything_is_installed(tmp_path, changes):
    if changes.items() <= {"architecture": platform.machine(), "python": "3.13"}.items():
        pytest.skip("this is such a machine")
    archive = unpack(Archive(changes=changes).write(tmp_path / "archive.tar"), tmp_path / "volet")
    done = check(archive, tmp_path / "opt")
    assert done.returncode == 1
    (kind,) = changes.values()
    assert re.fullmatch(rf"install: the release is for .*{kind}.*; this is .*\n", done.stderr)


def test_an_installer_that_was_cut_off_does_nothing(tmp_path):
    """A shell runs a program while it reads it."""
    for length in range(0, len(INSTALLER) - len("}\n"), 61):
        (tmp_path / "copy").write_text(INSTALLER[:length])
        done = subprocess.run(
            ("/bin/sh", tmp_path / "copy", "nobody"),
            env={"PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == ""
        assert not re.search(r"not found|install:", done.stderr), (length, done.stderr)


@pytest.mark.parametrize("given", ["--help", "-h", "-u"])
def test_an_option_is_no_user(given):
    done = subprocess.run(
        ("sh", ROOT / "packaging/install", given), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("install: run this as root: sudo ./install [USER]")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_installation_that_a_signal_ends_leaves_no_files_of_its_own(number, tmp_path):
    with working(tmp_path) as running:
        assert begun_in(running, tmp_path).is_dir()
        os.killpg(running.pid, number)
    assert running.returncode == 128 + number
    assert list(tmp_path.iterdir()) == []


def test_it_links_the_units_that_a_release_links():
    """It does so before there is a release whose program could."""
    named = re.findall(r'^ +units="(.+)"$', INSTALLER, re.MULTILINE)
    linked = [{name.removesuffix("*") for name in names} for names in LINKED_UNITS.values()]
    assert [set(names.split()) for names in named] == linked


def working(root):
    """Return an installer that has made its workspace, and works on."""
    begun = INSTALLER.replace('main "$@"\n', 'make_workspace\necho "$own"\nsleep 60 & wait\n')
    begun = begun.replace("root=/opt/volet", f"root={root}")
    return subprocess.Popen(
        ("sh", "-c", begun),
        env={"PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def begun_in(running, root):
    own = Path(running.stdout.readline().strip())
    assert own.parent == root
    return own


def test_what_an_installer_that_was_killed_has_left_goes_with_the_next(tmp_path):
    with working(tmp_path) as killed:
        own = begun_in(killed, tmp_path)
        (own / "volet").mkdir()
        os.killpg(killed.pid, signal.SIGKILL)
    assert own.is_dir()
    with working(tmp_path) as running:
        assert begun_in(running, tmp_path) == own
        assert list(own.iterdir()) == []
        with working(tmp_path) as another:
            assert (
                another.stderr.read() == "install: another installation is at work; wait for it\n"
            )
        assert another.returncode == 1
        assert own.is_dir()
        os.killpg(running.pid, signal.SIGTERM)
    assert list(tmp_path.iterdir()) == []
