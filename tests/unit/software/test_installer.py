"""The installer runs Volet out of the archive's wheels, with the few packages that it unpacks."""

import hashlib
import re
import subprocess
import sys
from importlib.metadata import distribution

from tests.support.environments import ROOT
from tests.unit.software.test_building import PIP, wheel
from tests.unit.software.test_receiving import Archive
from volet.software.manifest import ReleaseFile

INSTALLER = (ROOT / "packaging/install").read_text()


def unpacked(names, to):
    """Return the path of modules that the installer has; Volet's are those of the checkout."""
    to.mkdir()
    for found in map(distribution, names):
        for part in {file.parts[0] for file in found.files} - {".."}:
            if not (to / part).exists():
                (to / part).symlink_to(found.locate_file(part))
    return f"{to}:{ROOT}"


def test_the_packages_that_the_installer_unpacks_are_enough_to_install_a_release(places, tmp_path):
    """Also on a system that has no zone files."""
    (listed,) = re.findall(r"^for name in volet (.*); do$", INSTALLER, re.MULTILINE)
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
